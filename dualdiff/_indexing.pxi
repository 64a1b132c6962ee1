"""Part of _taylor.pyx: reading and writing elements."""

# ---- indexing --------------------------------------------------------------------------

cdef bint basic_index(index) noexcept:
    """Whether NumPy gives a view: integers, slices, None and Ellipsis only."""
    if type(index) is tuple:
        for i in <tuple>index:
            if type(i) is tuple or not basic_index(i):  # a tuple inside is a list of places
                return False
        return True
    return (PyLong_CheckExact(index) or type(index) is slice or index is None
            or index is Ellipsis or isinstance(index, np.integer))


cdef Taylor element(Taylor x, Py_ssize_t i):
    """x[i] of a one-dimensional float64 number."""
    cdef Taylor y
    cdef void *value = <void *>x._value
    cdef void *terms = <void *>x._terms
    cdef Py_ssize_t r, step, M, n = borrowed_dim(value, 0)
    cdef char *src
    cdef double *c
    if i < 0:
        i += n
    if i < 0 or i >= n:
        raise IndexError(f"index {i - n if i < 0 else i} is out of bounds for axis 0 with size {n}")
    y = new_scalar(x.alg)
    c = y.c
    c[0] = (<double *>(borrowed_data(value) + i * borrowed_stride(value, 0)))[0]
    src = borrowed_data(terms) + i * borrowed_stride(terms, 1)
    step = borrowed_stride(terms, 0)
    M = x.alg.M
    for r in range(1, M):
        c[r] = (<double *>src)[0]
        src += step
    return y


cdef last_axis(terms, index):
    """(terms with the coefficients last, index that leaves that axis alone)."""
    if type(index) is not tuple:
        index = (index,)
    for i in index:
        if i is Ellipsis:
            index = index + (_all,)
            break
    return np.moveaxis(terms, 0, -1), index


cdef ndarray axis_view(ndarray a, int axis, Py_ssize_t start, Py_ssize_t step, Py_ssize_t n):
    """a[..., start : : step, ...] along one axis, n elements."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef int q, nd = cnp.PyArray_NDIM(a)
    for q in range(nd):
        dims[q] = cnp.PyArray_DIM(a, q)
        strides[q] = cnp.PyArray_STRIDE(a, q)
    cdef char *data = <char *>cnp.PyArray_DATA(a) + start * strides[axis]
    dims[axis] = n
    strides[axis] *= step
    return at_memory(a, a, data, nd, dims, strides)


cdef Taylor part(Taylor x, value, terms):
    """A view of x; a copy where NumPy gives a scalar: one element."""
    if cnp.PyArray_Check(value):
        return new_view(x, value, terms)
    return new_array(x.alg, np.asarray(value), terms.copy())


cdef getitem(Taylor x, index):
    cdef Taylor y
    cdef Py_ssize_t start, stop, step, n
    if x.base is not None:
        sync(x)  # first: it may have got lanes, or lost them
    if x.lanes is not None:
        return laned_getitem(x, index)
    if x._value is None:
        y = Taylor.__new__(Taylor)
        y.alg = x.alg
        y._value = np.asarray(_float64(x.c[0]))
        y._terms = terms_of(x)
        if index is Ellipsis or (type(index) is tuple and len(index) == 0):
            return x
        x = y
    if PyLong_CheckExact(index):
        if cnp.PyArray_NDIM(x._value) == 1 and cnp.PyArray_TYPE(x._value) == cnp.NPY_DOUBLE:
            return element(x, <Py_ssize_t>index)
        return part(x, x._value[index], x._terms[_all, index])
    if type(index) is slice and cnp.PyArray_NDIM(x._value):
        PySlice_Unpack(index, &start, &stop, &step)
        n = PySlice_AdjustIndices(cnp.PyArray_DIM(x._value, 0), &start, &stop, step)
        return new_view(x, axis_view(x._value, 0, start, step, n),
                        axis_view(x._terms, 1, start, step, n))
    if basic_index(index):
        value = x._value[index]
        if type(index) is not tuple:
            index = (index,)
        return part(x, value, x._terms[(_all,) + <tuple>index])
    index = plain_index(index)
    value = np.asarray(x._value[index])
    terms, index = last_axis(x._terms, index)
    return new_array(x.alg, value, np.ascontiguousarray(np.moveaxis(terms[index], -1, 0)))


cdef plain_index(index):
    if type(index) is Taylor or (type(index) is tuple and any(type(i) is Taylor for i in index)):
        raise IndexError("dualdiff: a number cannot be an index: it has derivatives; use integers "
                         "or booleans (comparisons and argsort of numbers give plain arrays)")
    return index


cdef bint is_element(Taylor x, v) noexcept:
    """Whether x[i] = v is one of one-dimensional float64 numbers over one dense algebra."""
    cdef Taylor y
    if (x._value is None or x.lanes is not None or cnp.PyArray_NDIM(x._value) != 1
            or cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE
            or not cnp.PyArray_ISWRITEABLE(x._value) or not cnp.PyArray_ISWRITEABLE(x._terms)):
        return False
    if type(v) is not Taylor:
        return PyFloat_CheckExact(v)
    y = <Taylor>v
    return y._value is None and y.alg is x.alg and y.lanes is None


cdef int set_element(Taylor x, Py_ssize_t i, v) except -1:
    """x[i] = v where is_element(x, v)."""
    cdef Py_ssize_t r, step, n = cnp.PyArray_DIM(x._value, 0)
    cdef char *to
    cdef double *c = (<Taylor>v).c if type(v) is Taylor else NULL
    if i < 0:
        i += n
    if i < 0 or i >= n:
        raise IndexError(f"index {i - n if i < 0 else i} is out of bounds for axis 0 with size {n}")
    (<double *>(<char *>cnp.PyArray_DATA(x._value) + i * cnp.PyArray_STRIDE(x._value, 0)))[0] = (
        PyFloat_AS_DOUBLE(v) if c == NULL else c[0])
    to = <char *>cnp.PyArray_DATA(x._terms) + i * cnp.PyArray_STRIDE(x._terms, 1)
    step = cnp.PyArray_STRIDE(x._terms, 0)
    for r in range(1, x.alg.M):
        (<double *>(to + (r - 1) * step))[0] = 0.0 if c == NULL else c[r]
    return 0


cdef int setitem(Taylor x, index, v) except -1:
    cdef tuple u
    if _newest != NULL:
        settle_readers(x)
    if x.base is not None:
        sync(x)
    own_terms(x)
    if PyLong_CheckExact(index) and is_element(x, v):
        return set_element(x, <Py_ssize_t>index, v)
    v = as_operand(v)
    if v is NotImplemented:
        raise TypeError("dualdiff: only numbers, arrays and Python numbers can be assigned to the "
                        "elements of a number")
    index = plain_index(index)
    if type(v) is Taylor and (<Taylor>v).dtype.kind == "c" and x.dtype.kind != "c":
        raise TypeError("dualdiff: a complex number cannot be assigned to elements of a real one; "
                        "make the target complex first: x = x.astype(complex)")
    if x._value is None:
        return set_scalar(x, index, v)
    if x.base is not None:
        sync(x)
    if x.lanes is not None or type(v) is Taylor and (<Taylor>v).lanes is not None:
        return laned_setitem(x, index, v)
    if type(v) is Taylor:
        if (<Taylor>v).alg is not x.alg:
            u = union_of(x.alg, (<Taylor>v).alg)
            if u[1] is not None:
                grow(x, u[0], u[1])
            v = embed(v, u[0], u[2])
        x._value[index] = value_of(v)
        new_terms = np.moveaxis(terms_of(v), 0, -1)
    else:
        x._value[index] = v
        new_terms = 0
    terms, index = last_axis(x._terms, index)
    terms[index] = new_terms
    return 0


cdef int set_scalar(Taylor x, index, v) except -1:
    cdef tuple u
    cdef Taylor y
    hit = np.zeros((), bool)
    hit[index] = True  # NumPy's own errors for what cannot index no dimensions
    if not hit:
        return 0
    if type(v) is Taylor:
        if (<Taylor>v).alg is not x.alg:
            u = union_of(x.alg, (<Taylor>v).alg)
            if u[1] is not None:
                grow(x, u[0], u[1])
            v = embed(v, u[0], u[2])
        y = cast((<Taylor>v).reshape(()) if (<Taylor>v).ndim else v, _float64_dtype)
        memcpy(x.c, y.c, x.alg.M * sizeof(double))
    else:
        value = np.zeros(())
        value[...] = v
        x.c[0] = value
        memset(x.c + 1, 0, (x.alg.M - 1) * sizeof(double))
    return 0
