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

cdef Py_ssize_t put_slice(ndarray out, Py_ssize_t at, ndarray a, int axis, Py_ssize_t start,
                          Py_ssize_t n) noexcept:
    """out[at : at + n] = a[start : start + n] of one axis, without their ends; gives at + n."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef npy_intp *by = cnp.PyArray_STRIDES(a)
    cdef npy_intp *into = cnp.PyArray_STRIDES(out)
    memcpy(dims, cnp.PyArray_DIMS(a), cnp.PyArray_NDIM(a) * sizeof(npy_intp))
    dims[axis] = n
    copy_elements(<char *>cnp.PyArray_DATA(out) + at * into[axis], into,
                  <char *>cnp.PyArray_DATA(a) + start * by[axis], by, dims, cnp.PyArray_NDIM(a),
                  cnp.PyArray_ITEMSIZE(a))
    return at + n


cdef ndarray rolled_array(ndarray a, int axis, Py_ssize_t cut):
    """a[cut:] and a[:cut] of one axis, joined; a itself where all along the axis are one."""
    cdef ndarray out
    cdef Py_ssize_t at
    if cnp.PyArray_STRIDE(a, axis) == 0 and not cnp.PyArray_ISWRITEABLE(a):
        return a
    out = empty_like_shape(a, cnp.PyArray_TYPE(a))
    at = put_slice(out, 0, a, axis, cut, cnp.PyArray_DIM(a, axis) - cut)
    put_slice(out, at, a, axis, 0, cut)
    return out


cdef ndarray rolled_lane(Factor parent, ndarray lane, int axis, Py_ssize_t cut):
    """The lane of what is rolled: rolls of an input by little are views of one array."""
    cdef Py_ssize_t n = cnp.PyArray_DIM(lane, axis), by = cut if 2 * cut <= n else cut - n
    cdef Py_ssize_t margin
    cdef ndarray wide
    if cnp.PyArray_STRIDE(lane, axis) == 0 or 8 * abs(by) > n or cnp.PyArray_ISWRITEABLE(lane):
        return rolled_array(lane, axis, cut)
    wide = margin_of(parent, lane, axis, abs(by))
    margin = (cnp.PyArray_DIM(wide, axis) - n) // 2
    return axis_view(wide, axis, margin + by, 1, n)


cdef ndarray margin_of(Factor parent, ndarray lane, int axis, Py_ssize_t least):
    """A lane of inputs, read-only, with a margin of what rolls around the ends of an axis."""
    cdef Py_ssize_t at, n = cnp.PyArray_DIM(lane, axis), margin = 2
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef tuple key = (<size_t>cnp.PyArray_DATA(lane), (<object>lane).shape, (<object>lane).strides,
                      axis)
    if parent.margins is None:
        parent.margins = {}
    wide = parent.margins.get(key, (None,))[0]
    if wide is None or (<object>wide).shape[axis] < n + 2 * least:
        while margin < least:
            margin *= 2
        memcpy(dims, cnp.PyArray_DIMS(lane), cnp.PyArray_NDIM(lane) * sizeof(npy_intp))
        dims[axis] = n + 2 * margin
        wide = empty(cnp.PyArray_NDIM(lane), dims, cnp.NPY_INTP)
        at = put_slice(wide, 0, lane, axis, n - margin, margin)
        at = put_slice(wide, at, lane, axis, 0, n)
        put_slice(wide, at, lane, axis, 0, margin)
        (<object>wide).flags.writeable = False
        parent.margins[key] = wide, lane  # who lives, so that its address is nobody else's
    return <ndarray>wide


def rolled_along(x, shift, axis):
    """np.roll along one axis of a number with lanes, or None."""
    cdef Taylor a, y
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
        lanes.append(rolled_lane(parent_of(a), <ndarray>lane, q, cut))
    if may_wait(kernel_type(cnp.PyArray_TYPE(a._value)), a._value, a, None):
        y = wait(DD_pos, DD_pos, 0.0, a.alg, a._value, a, None, None, None, None, q, cut)
        y.lanes = tuple(lanes)
        return y
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
    if a.base is JOINED:
        return reshaped_later(a, shape)
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
