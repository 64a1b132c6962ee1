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
    """a[cut:] and a[:cut] of one axis, joined."""
    cdef ndarray out = empty_like_shape(a, cnp.PyArray_TYPE(a))
    cdef Py_ssize_t at = put_slice(out, 0, a, axis, cut, cnp.PyArray_DIM(a, axis) - cut)
    put_slice(out, at, a, axis, 0, cut)
    return out


cdef bint is_rolled_so(ndarray a, int axis) noexcept:
    """Whether a, which nobody can write to, is the same however it is rolled."""
    return cnp.PyArray_STRIDE(a, axis) == 0 and not cnp.PyArray_ISWRITEABLE(a)


cdef enum:
    MARGINS = 32    # arrays with margins that one call may have


cdef ndarray rolled_lane(Factor parent, ndarray lane, int axis, Py_ssize_t cut):
    """The lane of what is rolled: rolls of an input by little are views of one array."""
    cdef Py_ssize_t n = cnp.PyArray_DIM(lane, axis), at = cut
    cdef ndarray origin = lane, wide
    if cut == 0 or is_rolled_so(lane, axis):
        return lane
    if not never_written(lane):
        return rolled_array(lane, axis, cut)
    if parent.margins is None:
        parent.margins = {}
    for known in parent.margins.values():  # a roll of a roll
        if known[2] == axis and n == cnp.PyArray_DIM(<ndarray>known[1], axis) and (
            is_margin_view(lane, <ndarray>known[0], axis)
        ):
            wide, origin = known[0], known[1]
            at += (<char *>cnp.PyArray_DATA(lane) - <char *>cnp.PyArray_DATA(wide)) // (
                cnp.PyArray_STRIDE(wide, axis)) - (cnp.PyArray_DIM(wide, axis) - n) // 2
            break
    at %= n
    at = at + n if at < 0 else at
    at = at if 2 * at <= n else at - n
    if 8 * abs(at) > n:
        return rolled_array(lane, axis, cut)
    wide = margin_of(parent, origin, axis, abs(at))
    if wide is None:
        return rolled_array(lane, axis, cut)
    return axis_view(wide, axis, (cnp.PyArray_DIM(wide, axis) - n) // 2 + at, 1, n)


cdef bint is_margin_view(ndarray lane, ndarray wide, int axis) noexcept:
    """Whether a lane is what margin_of and a roll along its axis have made of another one."""
    cdef Py_ssize_t off = <char *>cnp.PyArray_DATA(lane) - <char *>cnp.PyArray_DATA(wide)
    cdef int q, nd = cnp.PyArray_NDIM(lane)
    if nd != cnp.PyArray_NDIM(wide) or off < 0 or (
        off >= cnp.PyArray_DIM(wide, axis) * cnp.PyArray_STRIDE(wide, axis)
        or off % cnp.PyArray_STRIDE(wide, axis)
    ):
        return False
    for q in range(nd):
        if cnp.PyArray_STRIDE(lane, q) != cnp.PyArray_STRIDE(wide, q) or q != axis and (
            cnp.PyArray_DIM(lane, q) != cnp.PyArray_DIM(wide, q)
        ):
            return False
    return True


cdef ndarray margin_of(Factor parent, ndarray lane, int axis, Py_ssize_t least):
    """A lane of inputs, read-only, with a margin of what rolls around the ends of an axis.

    None where there are many such already.
    """
    cdef Py_ssize_t at, n = cnp.PyArray_DIM(lane, axis), margin = 2
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef tuple key = (<size_t>cnp.PyArray_DATA(lane), (<object>lane).shape, (<object>lane).strides,
                      axis)
    known = parent.margins.get(key)
    if known is not None and (<object>known[0]).shape[axis] >= n + 2 * least:
        return <ndarray>known[0]
    if known is None and len(parent.margins) >= MARGINS:
        return None
    while margin < least:
        margin *= 2
    memcpy(dims, cnp.PyArray_DIMS(lane), cnp.PyArray_NDIM(lane) * sizeof(npy_intp))
    dims[axis] = n + 2 * margin
    wide = empty(cnp.PyArray_NDIM(lane), dims, cnp.NPY_INTP)
    at = put_slice(wide, 0, lane, axis, n - margin, margin)
    at = put_slice(wide, at, lane, axis, 0, n)
    put_slice(wide, at, lane, axis, 0, margin)
    (<object>wide).flags.writeable = False
    parent.margins[key] = wide, lane, axis  # who lives, so that its address is nobody else's
    return wide


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
    cut = (-shift) % <object>n  # as Python has it: not negative, of any shift
    for lane in a.lanes:
        lanes.append(rolled_lane(parent_of(a), <ndarray>lane, q, cut))
    if may_wait(kernel_type(cnp.PyArray_TYPE(a._value)), a._value, a, None):
        y = wait(DD_pos, DD_pos, 0.0, a.alg, a._value, a, None, None, None, None, q, cut)
        y.lanes = tuple(lanes)
        return y
    terms = a._terms if is_rolled_so(a._terms, q + 1) else rolled_array(a._terms, q + 1, cut)
    return new_laned(a.alg, rolled_array(a._value, q, cut), terms, tuple(lanes))


# ---- np.reshape --------------------------------------------------------------------------------

def reshaped(x, shape):
    """A view of a number with lanes in another shape, or None."""
    cdef Taylor a, y
    cdef ndarray value
    cdef list lanes = []
    if not has_lanes(x):
        return None
    a = <Taylor>x
    if a.base is JOINED or a.base is LATER and is_sparse(a):
        return reshaped_later(a, shape)
    if a.base is not None:
        sync(a)
    if a.lanes is None or is_pending(a) or not (
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
