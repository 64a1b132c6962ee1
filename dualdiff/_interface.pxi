"""Part of _taylor.pyx: what the kinds call, from Python, and packing of object arrays."""


from dualdiff._driver cimport cholesky as factorise


# ---- for the kinds -------------------------------------------------------------------

def is_taylor(x):
    """Whether x is a Taylor number."""
    return type(x) is Taylor


def make(Algebra alg, value, terms):
    """A number from an algebra, its values, and its terms of shape (M - 1, *shape)."""
    return new_array(alg, np.asarray(value), np.asarray(terms))


def make_view(Taylor x, value, terms):
    """A number whose arrays are views into those of x: it follows x's assignments."""
    return new_view(x, value, terms)


def base_of(Taylor x):
    """The number whose memory x is a view of, or None."""
    return None if is_put_off(x) else x.base


def parts(Taylor x):
    """(algebra, value, terms) of a number; value is an ndarray, without dimensions too."""
    if x.base is not None:
        sync(x)
    if x.lanes is not None:
        x = dense(x)
    terms = terms_of(x)
    return x.alg, (np.asarray(_float64(x.c[0])) if x._value is None else x._value), terms


def unify(*args):
    """(algebra, operands): numbers as (value, terms) over their union, the rest as (x, None).

    Object arrays and lists that hold numbers are packed.  algebra is None without numbers.
    """
    cdef Algebra alg = None
    cdef list out = []
    for x in args:
        x = now(x)
        if type(x) is not Taylor and (
            isinstance(x, (list, tuple)) or (cnp.PyArray_Check(x) and x.dtype == object)
        ):
            x = pack(x)
        out.append(x)
        if type(x) is Taylor:
            if (<Taylor>x).base is not None:
                sync(<Taylor>x)
            if (<Taylor>x).lanes is not None:
                x = out[-1] = dense(<Taylor>x)
            if alg is None:
                alg = (<Taylor>x).alg
            elif alg is not (<Taylor>x).alg:
                alg = union_of(alg, (<Taylor>x).alg)[0]
    for i, x in enumerate(out):
        if type(x) is not Taylor:
            out[i] = (x, None)
            continue
        if (<Taylor>x).alg is not alg:
            x = embed(x, alg, union_of(alg, (<Taylor>x).alg)[2])
        out[i] = (np.asarray(value_of(x)), terms_of(x))
    return alg, out


def apply(name, Taylor a, b=None, double p=0.0, value=None):
    """Kernel `name` of a, and of b where it has two operands; value: the values if known.

    A given value must have the dtype of the operands and the shape of the result.
    """
    cdef int kernel = _kernel_numbers[name]
    cdef Taylor y
    cdef Algebra alg
    if value is None and b is None and a._value is not None:
        return array_unary(kernel, a, p, None, kernel)
    if a.base is not None:
        sync(a)
    if value is not None:
        value = np.asarray(value)
        if a._value is None and (value.ndim or value.dtype != _float64_dtype):
            a = cast(a, value.dtype)
            a._value = np.asarray(a._value) if a._value is not None else None
    if b is None:
        if a._value is None:
            y = new_scalar(a.alg)
            y.c[0] = scalar_value(kernel, a.c[0]) if value is None else value
            run_scalar(kernel, a.alg.t, y.c, a.c, True, NULL, False, p)
            return y
        value = np.array(value, order="C", copy=None, subok=False)
        return array_unary(kernel, a, p, value, kernel)
    b = as_operand(b)
    if value is None:
        return binary(kernel, a, b)
    if a.lanes is not None or has_lanes(b):
        a, b = one_dtype(a, b)
        return laned_binary(kernel, a, b, np.array(value, order="C", copy=None))
    alg, x, b = together(a, b)
    x, b = one_dtype(x, b)
    if not type_is_array(x) and not type_is_array(b) and value.ndim == 0:
        y = new_scalar(alg)
        y.c[0] = value
        b_value = float(b) if type(b) is not Taylor else None
        return _apply_scalars(kernel, y, <Taylor>x, b, b_value)
    return settled(array_binary(kernel, alg, x, b, np.array(value, order="C", copy=None), None,
                                None))


cdef _apply_scalars(int kernel, Taylor y, Taylor x, b, b_value):
    cdef double k
    if b_value is None:
        run_scalar(kernel, y.alg.t, y.c, x.c, True, (<Taylor>b).c, True, 0.0)
    else:
        k = b_value
        run_scalar(kernel, y.alg.t, y.c, x.c, True, &k, False, 0.0)
    return y


# ---- matrices ------------------------------------------------------------------------

def cholesky_terms(Algebra alg, factor, terms):
    """Terms (K, B, n, n) of a become those of l in l l^T = a; factor: the value of l (B, n, n).

    Both are C-contiguous and of float32 or float64; upper triangles are not read, and
    become 0.
    """
    if factor.dtype != terms.dtype or factor.dtype.char not in "fd":
        raise TypeError(f"cholesky_terms expected float32 or float64, got {factor.dtype}")
    if not (factor.flags.c_contiguous and terms.flags.c_contiguous):
        raise ValueError("cholesky_terms expected C-contiguous arrays")
    if terms.shape != (alg.M - 1, *factor.shape):
        raise ValueError("cholesky_terms expected terms of shape "
                         f"{(alg.M - 1, *factor.shape)}, got {terms.shape}")
    factorise(alg.t, factor, terms)


# ---- arrays of numbers ------------------------------------------------------------

def pack(x):
    """One number from an object array, or nested lists, of numbers and constants.

    Anything without a Taylor in it comes back as np.asarray makes it.
    """
    cdef Taylor e, y
    cdef Algebra alg = None
    cdef Py_ssize_t i, n, r, M
    cdef double *terms
    cdef Py_ssize_t at
    x = now(x)
    if type(x) is Taylor:
        return x
    arr = object_array(x)
    if arr.dtype != object:
        return arr
    flat = arr.ravel()
    items = [now(flat[i]) for i in range(flat.size)]
    dtype = None
    plain = True
    for at, item in enumerate(items):
        if type(item) is Taylor:
            e = <Taylor>item
            if e.ndim:
                raise TypeError(
                    "dualdiff: an object array holds numbers of different shapes; stack numbers "
                    "of one shape, or keep them in a list")
            if e.base is not None:
                sync(e)
            if e.lanes is not None:
                e = dense(e)
                items[at] = e
            if alg is None:
                alg = e.alg
            elif alg is not e.alg:
                alg = union_of(alg, e.alg)[0]
            plain = plain and e._value is None
    if alg is None:
        return np.array(items + [None], object)[:-1].reshape(arr.shape) if not items else (
            np.array(items).reshape(arr.shape))
    if not plain or not all(
        type(item) is Taylor or isinstance(item, (float, int)) for item in items
    ):
        dtype = np.result_type(*[dtype_operand(item) for item in items])
        plain = dtype == _float64_dtype
    else:
        dtype = _float64_dtype
    n = len(items)
    M = alg.M
    value = np.empty(n, dtype)
    rows = np.zeros((M - 1, n), dtype)
    terms = <double *>cnp.PyArray_DATA(<ndarray>rows)
    for i in range(n):
        item = items[i]
        if type(item) is not Taylor:
            value[i] = item
            continue
        e = <Taylor>item
        if e.alg is not alg:
            u = union_of(alg, e.alg)
            e = embed(e, alg, u[2])
        if e._value is None and plain:
            value[i] = e.c[0]
            for r in range(1, M):
                terms[(r - 1) * n + i] = e.c[r]
        else:
            value[i] = value_of(e)
            rows[:, i] = terms_of(e)
    return new_array(alg, value.reshape(arr.shape), rows.reshape((M - 1,) + arr.shape))


cdef object_array(x):
    if cnp.PyArray_Check(x):
        return x
    try:
        return np.array(x)
    except ValueError:
        raise TypeError(
            "dualdiff: a nested sequence of numbers of different shapes cannot become one "
            "array; give all entries one shape") from None
