"""Part of _taylor.pyx: numbers with lanes whose elements move: values, terms and lanes in one call.

What is not simple here (other dtypes, several factors, odd arguments) is None: the forms in
_lane_forms.py do it, with NumPy's functions, row by row.
"""

# ---- copies ------------------------------------------------------------------------------------

cdef void copy_runs(char *to, npy_intp *into, char *src, npy_intp *by, npy_intp *dims, int nd,
                    Py_ssize_t run) noexcept nogil:
    """Copy nd dimensions of runs of bytes, by their strides; zeros where src is NULL."""
    cdef npy_intp i
    if nd == 0:
        if src == NULL:
            memset(to, 0, run)
        else:
            memcpy(to, src, run)
    elif nd == 1 and run == sizeof(double) and src != NULL:
        for i in range(dims[0]):  # a constant size: one move
            memcpy(to + i * into[0], src + i * by[0], sizeof(double))
    else:
        for i in range(dims[0]):
            copy_runs(to + i * into[0], into + 1, NULL if src == NULL else src + i * by[0], by + 1,
                      dims + 1, nd - 1, run)


cdef void copy_elements(char *to, npy_intp *into, char *src, npy_intp *by, npy_intp *dims, int nd,
                        Py_ssize_t item) noexcept nogil:
    """As copy_runs, of single elements: those that lie together in both are one run."""
    while nd and (dims[nd - 1] == 1 or into[nd - 1] == item and (
            src == NULL or by[nd - 1] == item)):
        item *= dims[nd - 1]
        nd -= 1
    copy_runs(to, into, src, by, dims, nd, item)


cdef bint is_plain(Taylor x) except -1:
    """Whether x has lanes of one factor, nothing left to sum, and a dtype of the kernels."""
    if x.base is not None and x.base is not LATER:
        sync(x)
    return x.lanes is not None and len(x.alg.factors) == 1 and not is_pending(x) and (
        kernel_type(cnp.PyArray_TYPE(x._value)) >= 0)


# ---- np.roll -----------------------------------------------------------------------------------

cdef ndarray rolled_array(ndarray a, int axis, Py_ssize_t cut):
    """a[cut:] and a[:cut] of one axis, joined; a itself where all along the axis are one."""
    if cnp.PyArray_STRIDE(a, axis) == 0 and not cnp.PyArray_ISWRITEABLE(a):
        return a
    cdef ndarray out = empty_like_shape(a, cnp.PyArray_TYPE(a))
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef npy_intp *by = cnp.PyArray_STRIDES(a)
    cdef npy_intp *into = cnp.PyArray_STRIDES(out)
    cdef char *src = <char *>cnp.PyArray_DATA(a)
    cdef char *to = <char *>cnp.PyArray_DATA(out)
    cdef int nd = cnp.PyArray_NDIM(a)
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(a), rest = cnp.PyArray_DIM(a, axis) - cut
    memcpy(dims, cnp.PyArray_DIMS(a), nd * sizeof(npy_intp))
    dims[axis] = rest
    copy_elements(to, into, src + cut * by[axis], by, dims, nd, item)
    dims[axis] = cut
    copy_elements(to + rest * into[axis], into, src, by, dims, nd, item)
    return out


def rolled_along(x, shift, axis):
    """np.roll along one axis of a number with lanes, or None."""
    cdef Taylor a
    cdef Py_ssize_t n, cut
    cdef int q, nd
    cdef list lanes = []
    if type(x) is not Taylor or not PyLong_CheckExact(shift) or not is_plain(<Taylor>x):
        return None
    a = <Taylor>x
    nd = cnp.PyArray_NDIM(a._value)
    if axis is None and nd == 1:
        axis = 0
    if not PyLong_CheckExact(axis) or not -nd <= axis < nd:
        return None
    q = axis if axis >= 0 else axis + nd
    n = cnp.PyArray_DIM(a._value, q)
    if n == 0:
        return None
    sync(a)
    cut = (-shift) % <object>n
    for lane in a.lanes:
        lanes.append(rolled_array(<ndarray>lane, q, cut))
    return new_laned(a.alg, rolled_array(a._value, q, cut), rolled_array(a._terms, q + 1, cut),
                     tuple(lanes))


# ---- np.reshape --------------------------------------------------------------------------------

def reshaped(x, shape):
    """A view of a number with lanes in another shape, or None."""
    cdef Taylor a, y
    cdef ndarray value
    cdef list lanes = []
    if not has_lanes(x):
        return None
    a = <Taylor>x
    if a.base is not None:
        sync(a)
    if is_pending(a) or not (
        cnp.PyArray_IS_C_CONTIGUOUS(a._value) and reshape_as_views(a._terms)
    ):
        return None
    value = (<object>a._value).reshape(shape)
    shape = (<object>value).shape
    for lane in a.lanes:
        lanes.append(lane.reshape(shape))
    y = new_laned(a.alg, value, (<object>a._terms).reshape((a.alg.M - 1,) + shape), tuple(lanes))
    y.base = a if a.base is None else a.base
    y.stamp = y.base.stamp
    return y


cdef bint reshape_as_views(ndarray terms) noexcept:
    """Whether each row of terms is C-contiguous, or one element all along."""
    cdef int q, nd = cnp.PyArray_NDIM(terms)
    cdef Py_ssize_t step = cnp.PyArray_ITEMSIZE(terms)
    cdef bint lines = True, single = True
    for q in range(nd - 1, 0, -1):
        if cnp.PyArray_DIM(terms, q) != 1:
            lines = lines and cnp.PyArray_STRIDE(terms, q) == step
            single = single and cnp.PyArray_STRIDE(terms, q) == 0
        step *= cnp.PyArray_DIM(terms, q)
    return lines or single


# ---- np.concatenate, np.stack --------------------------------------------------------------------

cdef struct Joint:
    # where the pieces of a joined array go
    npy_intp[cnp.NPY_MAXDIMS + 2] whole     # the shape of all of it
    npy_intp[cnp.NPY_MAXDIMS + 2] dims      # that of the piece whose turn it is
    int nd, axis        # of the pieces
    int stack           # whether pieces get an axis of their own
    Py_ssize_t at       # place of the piece along the axis


cdef void put(Joint *j, ndarray out, int lead, Py_ssize_t row, ndarray a):
    """Copy a, or zeros for None, to its place in `out`; lead: of both, `row` of those in front."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] into
    cdef npy_intp *strides = cnp.PyArray_STRIDES(out) + lead
    cdef npy_intp *by = into
    cdef char *to = <char *>cnp.PyArray_DATA(out) + j.at * strides[j.axis]
    cdef char *src = NULL
    cdef int q
    for q in range(j.nd):
        into[q] = strides[q + 1 if j.stack and q >= j.axis else q]
    if lead:
        to += row * cnp.PyArray_STRIDE(out, 0)
    if a is not None:
        by = cnp.PyArray_STRIDES(a) + lead
        src = <char *>cnp.PyArray_DATA(a)
        if lead:
            src += row * cnp.PyArray_STRIDE(a, 0)
    copy_elements(to, into, src, by, j.dims, j.nd, cnp.PyArray_ITEMSIZE(out))


cdef Taylor widest_of(list xs):
    """The number of most local seeds, if all are numbers that can be joined, or arrays, of one
    dtype; else None."""
    cdef Taylor widest = None, y
    cdef int typenum = -1, t
    for x in xs:
        if type(x) is Taylor:
            y = <Taylor>x
            if not is_plain(y):
                return None
            if widest is not None and (parent_of(widest) is not parent_of(y) or (
                widest.alg.D > 1 and widest.alg is not y.alg
            )):
                return None
            if widest is None or len(y.lanes) > len(widest.lanes):
                widest = y
            t = cnp.PyArray_TYPE(y._value)
        elif cnp.PyArray_CheckExact(x) and cnp.PyArray_ISBEHAVED_RO(<ndarray>x):
            t = cnp.PyArray_TYPE(<ndarray>x)
        else:
            return None
        if typenum >= 0 and t != typenum:
            return None
        typenum = t
    return widest


cdef ndarray value_in(x):
    """The values, or what has their shape where x waits."""
    return (<Taylor>x)._value if type(x) is Taylor else <ndarray>x


cdef bint fill_joint(Joint *j, list xs, Py_ssize_t axis) except -1:
    """Note the shapes; False where they do not fit."""
    cdef ndarray v = value_in(xs[0])
    cdef int q, nd = cnp.PyArray_NDIM(v), out_nd = nd + j.stack
    if axis < 0:
        axis += out_nd
    if not 0 <= axis < out_nd or out_nd > cnp.NPY_MAXDIMS:
        return False
    j.nd, j.axis, j.at = nd, <int>axis, 0
    for q in range(nd):
        j.whole[q + 1 if j.stack and q >= axis else q] = cnp.PyArray_DIM(v, q)
    j.whole[axis] = 0
    for x in xs:
        v = value_in(x)
        if cnp.PyArray_NDIM(v) != nd:
            return False
        for q in range(nd):
            if (j.stack or q != axis) and cnp.PyArray_DIM(v, q) != (
                j.whole[q + 1 if j.stack and q >= axis else q]
            ):
                return False
        j.whole[axis] += 1 if j.stack else cnp.PyArray_DIM(v, <int>axis)
    return True


cdef bint put_later(Joint *j, Taylor x, ndarray value, ndarray terms) except -1:
    """Compute x, if it waits, straight to its place; False where that is not one stretch."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef Py_ssize_t offset
    if x.base is not LATER or j.axis:
        return False
    offset = j.at * cnp.PyArray_STRIDE(value, 0)
    dims[0] = x.alg.M - 1
    memcpy(dims + 1, j.dims, j.nd * sizeof(npy_intp))
    strides[0] = cnp.PyArray_STRIDE(terms, 0)
    memcpy(strides + 1, cnp.PyArray_STRIDES(value) + j.stack, j.nd * sizeof(npy_intp))
    return compute_into(
        x.later,
        at_memory(value, value, <char *>cnp.PyArray_DATA(value) + offset, j.nd, dims + 1,
                  strides + 1),
        at_memory(terms, terms, <char *>cnp.PyArray_DATA(terms) + offset, j.nd + 1, dims, strides))


def joined_along(xs, axis, bint stack):
    """np.concatenate, or np.stack, of a sequence with numbers with lanes in it, or None."""
    cdef Joint joint
    cdef Joint *j = &joint
    cdef Taylor widest, x
    cdef ndarray value, terms, v
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] rows
    cdef Py_ssize_t k, n, has, M
    cdef list items, lanes = []
    if not isinstance(xs, (list, tuple)) or not PyLong_CheckExact(axis):
        return None
    items = [pack(item) if type(item) in (list, tuple) else item for item in xs]
    widest = widest_of(items)
    if widest is None:
        return None
    j.stack = stack
    if not fill_joint(j, items, axis):
        return None
    n, M = len(widest.lanes), widest.alg.M
    rows[0] = M - 1
    memcpy(rows + 1, j.whole, (j.nd + stack) * sizeof(npy_intp))
    value = empty(j.nd + stack, j.whole, cnp.PyArray_TYPE(widest._value))
    terms = empty(j.nd + stack + 1, rows, cnp.PyArray_TYPE(widest._value))
    for k in range(n):
        lanes.append(empty(j.nd + stack, j.whole, cnp.NPY_INTP))
    for item in items:
        x = <Taylor>item if type(item) is Taylor else None
        v = value_in(item)
        memcpy(j.dims, cnp.PyArray_DIMS(v), j.nd * sizeof(npy_intp))
        has = 0 if x is None else x.alg.M - 1
        if x is None or not put_later(j, x, value, terms):
            if x is not None:
                sync(x)
            put(j, value, 0, 0, value_in(item))
            for k in range(has):
                put(j, terms, 1, k, x._terms)
        for k in range(has, M - 1):
            put(j, terms, 1, k, None)
        has = 0 if x is None else len(x.lanes)
        for k in range(n):
            put(j, <ndarray>lanes[k], 0, 0, <ndarray>x.lanes[k] if k < has else None)
        j.at += 1 if stack else cnp.PyArray_DIM(v, j.axis)
    return new_laned(widest.alg, value, terms, tuple(lanes))
