"""Part of _taylor.pyx: where the coefficients of a number live, and how it changes algebra."""

# ---- storage -----------------------------------------------------------------

cdef enum:
    SMALL_HEAP = 4096  # coefficients without dimensions from which recycled memory pays
    LEAD = 7           # elements before those, so that the terms are aligned to a cache line


cdef Taylor new_scalar(Algebra alg):
    """A number without dimensions; its coefficients are not set."""
    cdef Taylor y = Taylor.__new__(Taylor)
    cdef cnp.npy_intp M
    y.alg = alg
    if alg.M <= ROOM:
        y.c = y.room
    elif alg.M <= SMALL_HEAP:
        y.heap = PyBytes_FromStringAndSize(NULL, alg.M * sizeof(double))
        y.c = <double *>PyBytes_AS_STRING(y.heap)
    else:
        M = LEAD + alg.M
        y.heap = empty(1, &M, cnp.NPY_DOUBLE)
        y.c = <double *>cnp.PyArray_DATA(<ndarray>y.heap) + LEAD
    return y


cdef Taylor new_array(Algebra alg, ndarray value, ndarray terms):
    """A number of these arrays, which it keeps; without dimensions it copies float64."""
    cdef Taylor y
    cdef Py_ssize_t i, step
    cdef char *src
    if cnp.PyArray_NDIM(value) == 0 and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
        y = new_scalar(alg)
        y.c[0] = (<double *>cnp.PyArray_DATA(value))[0]
        if alg.M > 1:
            src = <char *>cnp.PyArray_DATA(terms)
            step = cnp.PyArray_STRIDE(terms, 0)
            for i in range(1, alg.M):
                y.c[i] = (<double *>(src + (i - 1) * step))[0]
        return y
    y = Taylor.__new__(Taylor)
    y.alg = alg
    y._value = value
    y._terms = terms
    return y


cdef Taylor new_view(Taylor x, ndarray value, ndarray terms):
    cdef Taylor y = new_array(x.alg, value, terms)
    if is_put_off(x):
        sync(x)
    if y._value is not None:
        y.base = x if x.base is None else x.base
        y.stamp = y.base.stamp
    return y


cdef ndarray empty_like_shape(ndarray like, int typenum):
    return empty(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), typenum)


cdef ndarray recycled_copy(ndarray a):
    """A C-contiguous copy, of recycled memory if it is large."""
    cdef ndarray out = empty_like_shape(a, cnp.PyArray_TYPE(a))
    copy_array(out, a)
    return out


cdef ndarray empty_terms(Algebra alg, ndarray value):
    """Rows for the terms of a value, not set."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef int q, nd = cnp.PyArray_NDIM(value)
    dims[0] = alg.M - 1
    for q in range(nd):
        dims[q + 1] = cnp.PyArray_DIM(value, q)
    return empty(nd + 1, dims, cnp.PyArray_TYPE(value))


cdef object value_of(Taylor x):
    """The value as an ndarray, or as np.float64 without dimensions."""
    if x._value is None:
        return _float64(x.c[0])
    if is_put_off(x):
        sync(x)
    return x._value


cdef ndarray terms_of(Taylor x):
    """The terms as an array of shape (M - 1, *shape)."""
    cdef ndarray t
    cdef cnp.npy_intp m
    if x._value is None:
        m = x.alg.M - 1
        t = cnp.PyArray_EMPTY(1, &m, cnp.NPY_DOUBLE, 0)
        memcpy(cnp.PyArray_DATA(t), x.c + 1, m * sizeof(double))
        return t
    if x.base is not None:
        sync(x)
    return x._terms if x.lanes is None else terms_of(dense(x))


cdef int sync(Taylor x) except -1:
    """Follow the base of a view to the algebra and the lanes that it has moved to.

    A number that waits, or whose parts do, is computed.
    """
    cdef Taylor base = x.base
    cdef Py_ssize_t offset
    if base is LATER:
        return settle(x)
    if base is JOINED:
        return settle_join(x)
    if base is None or base.stamp == x.stamp:
        return 0
    lay_lanes(base)
    offset = <char *>cnp.PyArray_DATA(x._value) - <char *>cnp.PyArray_DATA(base._value)
    x._terms = follow(x._value, base._terms, base._value, offset, True)
    if base.lanes is None:
        x.lanes = None
    else:
        x.lanes = tuple([follow(x._value, lane, base._value, offset, False)
                         for lane in base.lanes])
    x.alg = base.alg
    x.stamp = base.stamp
    return 0


cdef ndarray follow(ndarray view, ndarray memory, ndarray value, Py_ssize_t offset, bint rows):
    """The view into `memory` that lies in it as `view` lies in `value`, `offset` bytes in.

    memory is laid out as value is, element for element; rows: it has one more axis and the
    dtype of value, of which view may be the real or imaginary part.
    """
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef int q, lead = 1 if rows else 0, nd = cnp.PyArray_NDIM(view)
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(memory), from_item = cnp.PyArray_ITEMSIZE(value)
    if rows:
        dims[0] = cnp.PyArray_DIM(memory, 0)
        strides[0] = cnp.PyArray_STRIDE(memory, 0)
    else:
        offset = offset // from_item * item
    for q in range(nd):
        dims[q + lead] = cnp.PyArray_DIM(view, q)
        strides[q + lead] = cnp.PyArray_STRIDE(view, q) // from_item * item
    return at_memory(memory, view if rows else memory, <char *>cnp.PyArray_DATA(memory) + offset,
                     nd + lead, dims, strides)


cdef ndarray at_memory(ndarray owner, ndarray like, char *data, int nd, cnp.npy_intp *dims,
                       cnp.npy_intp *strides):
    """An array on memory of another one, which it keeps alive, with the dtype of `like`."""
    cdef ndarray v
    Py_INCREF(<object>cnp.PyArray_DESCR(like))
    v = PyArray_NewFromDescr(_ndarray, cnp.PyArray_DESCR(like), nd, dims, strides, data,
                             cnp.PyArray_FLAGS(owner) & cnp.NPY_ARRAY_WRITEABLE, NULL)
    Py_INCREF(owner)
    cnp.PyArray_SetBaseObject(v, owner)
    return v


cdef ndarray spread_view(ndarray a, ndarray like):
    """a broadcast to the shape of `like`, as a view."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] strides
    cdef int q, nd = cnp.PyArray_NDIM(like), lead = nd - cnp.PyArray_NDIM(a)
    if lead == 0 and cnp.PyArray_SAMESHAPE(a, like):
        return a
    for q in range(nd):
        if q < lead or cnp.PyArray_DIM(a, q - lead) == 1:
            strides[q] = 0
        else:
            strides[q] = cnp.PyArray_STRIDE(a, q - lead)
    return at_memory(a, a, <char *>cnp.PyArray_DATA(a), nd, cnp.PyArray_DIMS(like), strides)


cdef bint is_own(base) noexcept:
    """Whether an array with this base is the only one that its memory comes from."""
    return base is None or type(base) is _block


cdef bint never_written(a) except -1:
    """Whether the memory of an array is that of arrays that nobody can write to."""
    while isinstance(a, _ndarray) and not cnp.PyArray_ISWRITEABLE(<ndarray>a):
        a = a.base
    return is_own(a)


cdef ndarray _nothing = np.zeros(())  # whose memory arrays have that are there for their shape


cdef ndarray broadcast_like(ndarray a, ndarray b):
    """An array of the shape to which two broadcast."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef cnp.npy_intp da, db
    cdef int q, na = cnp.PyArray_NDIM(a), nb = cnp.PyArray_NDIM(b), nd = max(na, nb)
    if broadcasts_to(b, a):
        return a
    if broadcasts_to(a, b):
        return b
    for q in range(nd):
        da = cnp.PyArray_DIM(a, q - (nd - na)) if q >= nd - na else 1
        db = cnp.PyArray_DIM(b, q - (nd - nb)) if q >= nd - nb else 1
        if da != db and da != 1 and db != 1:
            np.broadcast_shapes((<object>a).shape, (<object>b).shape)  # NumPy's error
        dims[q] = db if da == 1 else da
        strides[q] = 0
    return at_memory(_nothing, _nothing, <char *>cnp.PyArray_DATA(_nothing), nd, dims, strides)


cdef bint broadcasts_to(ndarray a, ndarray like) noexcept:
    cdef int q, lead = cnp.PyArray_NDIM(like) - cnp.PyArray_NDIM(a)
    if lead < 0:
        return False
    for q in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, q) != 1 and cnp.PyArray_DIM(a, q) != cnp.PyArray_DIM(like, q + lead):
            return False
    return True


cdef int grow(Taylor x, Algebra alg, index) except -1:
    """Move x, its base and so all its views to a larger algebra, in place."""
    cdef Taylor base = x if x.base is None else x.base
    cdef double *c
    cdef Taylor wide
    cdef Py_ssize_t i
    if base._value is None:
        wide = embed(base, alg, index)
        base.alg = alg
        base.heap = wide.heap
        if wide.heap is not None:
            base.c = wide.c
        else:
            base.c = base.room
            memcpy(base.c, wide.c, alg.M * sizeof(double))
        return 0
    terms = laid_out_as(<object>base._value, (alg.M - 1,))
    terms[index[1:] - 1] = base._terms
    base._terms = terms
    base.alg = alg
    base.stamp += 1
    return sync(x)


cdef laid_out_as(value, tuple lead, dtype=None):
    """Zeros of shape (*lead, *value.shape), laid out in memory exactly as the value is, so
    that views of the value find their places in it.
    """
    order = np.argsort([-s for s in value.strides], kind="stable")
    shape = [value.shape[q] for q in order]
    out = np.zeros([*lead, *shape], value.dtype if dtype is None else dtype)
    out = out.transpose([*range(len(lead)), *(np.argsort(order) + len(lead))])
    item, from_item = out.itemsize, value.itemsize
    if value.size and any(
        s * item != t * from_item
        for s, t, n in zip(value.strides, out.strides[len(lead):], value.shape) if n > 1
    ):
        raise RuntimeError("dualdiff: a number whose memory has gaps cannot take new seeds by "
                           "assignment; copy it first: x = x.copy()")
    return out


cdef Taylor embed(Taylor x, Algebra alg, index):
    """x over a larger algebra; index: where each of its monomials goes, None for x itself."""
    cdef Taylor y
    cdef Py_ssize_t i
    cdef cnp.npy_intp *at
    if index is None:
        return x
    if x.base is not None:
        sync(x)
    if x._value is None:
        y = new_scalar(alg)
        memset(y.c, 0, alg.M * sizeof(double))
        at = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>index)
        for i in range(x.alg.M):
            if at[i] >= 0:
                y.c[at[i]] = x.c[i]
        return y
    terms = <object>empty_terms(alg, x._value)
    memset(cnp.PyArray_DATA(<ndarray>terms), 0, cnp.PyArray_NBYTES(<ndarray>terms))
    to = index[1:]
    if to.size and to.min() < 0:
        keep = to >= 0
        terms[to[keep] - 1] = x._terms[keep]
    else:
        terms[to - 1] = x._terms
    if x.lanes is not None:
        return new_laned(alg, x._value, terms, x.lanes)
    return new_array(alg, x._value, terms)


cdef Taylor cast(Taylor x, dtype):
    """x with another dtype; without dimensions and not float64: as arrays without dimensions."""
    sync(x)
    value = np.asarray(value_of(x)).astype(dtype)
    if x.lanes is not None:
        return new_laned(x.alg, value, x._terms.astype(dtype), x.lanes)
    return new_array(x.alg, value, terms_of(x).astype(dtype))
