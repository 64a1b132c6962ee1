"""Part of _taylor.pyx: powers.

Of real float64 values and to order 1, a ** b has the slopes b a**b / a and a**b log(a).  They
serve where they keep all their digits: where nothing is 0, infinite, or nearly so.  Everything
else is for the row (`power` in _elementwise.py), with the same result to rounding.
"""

cdef double LEAST = 2.2250738585072014e-308  # of the numbers with all their digits
cdef double MOST = 1.7976931348623157e308
cdef int64_t WHOLE = 1 << 53                 # integers below are exact in float64


cdef Taylor scalar_square(Taylor x):
    """x ** 2 to order 1; None where something is not finite."""
    cdef Taylor y = new_scalar(x.alg)
    cdef double *c = y.c
    cdef double *a = x.c
    cdef double slope = 2.0 * a[0], total = 0.0
    cdef Py_ssize_t i
    c[0] = c_pow(a[0], 2.0)
    for i in range(1, x.alg.M):
        c[i] = slope * a[i]
        total += c[i]
    return y if isfinite(c[0]) and isfinite(total) else None


cdef power(a, p, bint ufunc):
    """a ** p; ufunc: called as np.power, which has no short cuts for special exponents."""
    cdef Taylor x, y
    cdef double e
    if type(a) is Taylor and (PyLong_CheckExact(p) or PyFloat_Check(p)):
        x = <Taylor>a
        if x.lanes is not None and is_pending(x):
            x = dense(x)
        e = PyLong_AsDouble(p) if PyLong_CheckExact(p) else PyFloat_AS_DOUBLE(p)
        if x._value is None:
            if e == 2.0 and x.alg.D == 1 and not ufunc:
                y = scalar_square(x)
                if y is not None:
                    return y
            y = new_scalar(x.alg)
            y.c[0] = single_power(x.c[0], e, ufunc)
            run_scalar(DD_power, x.alg.t, y.c, x.c, True, NULL, False, e)
            return y
        if PyFloat_CheckExact(p) or PyLong_CheckExact(p) or is_float64(x):
            if kernel_type(cnp.PyArray_TYPE(x._value)) >= 0:
                if e == 2.0 and not ufunc:
                    return array_unary(DD_power, x, e, None, SQUARE)
                if e == 0.5 and not ufunc:
                    return array_unary(DD_power, x, e, None, DD_sqrt)
                if ufunc or not (e == 0.0 or e == 1.0 or e == -1.0 or e == 0.5):
                    return array_unary(DD_power, x, e, None, POWER)
            if x.base is not None:
                sync(x)
            value = np.asarray(np.power(x._value, p) if ufunc else x._value ** p)
            if not cnp.PyArray_IS_C_CONTIGUOUS(value):
                value = value.copy("C")
            return array_unary(DD_power, x, e, value, NO_VALUES)
    result = first_power(a, p, ufunc)
    return power_row(a, p, ufunc) if result is None else result


# ---- numbers in the exponent, arrays of exponents --------------------------------------------

cdef bint is_single(x) noexcept:
    """Whether x is a float64, or a Python number, with or without terms."""
    return (<Taylor>x)._value is None if type(x) is Taylor else (
        PyFloat_Check(x) or PyLong_CheckExact(x))


cdef double as_double(x) except? -1.0:
    """The value of what is_single."""
    return (<Taylor>x).c[0] if type(x) is Taylor else x


cdef double single_power(double a, double b, bint ufunc) except? -1.0:
    """a ** b of NumPy's scalars, which is not always what np.power gives."""
    cdef double c
    if ufunc:
        return np.power(_float64(a), b)
    c = c_pow(a, b)
    if not isfinite(c):
        _float64(a) ** b  # for its warning
    return c


cdef power_row(a, b, bint ufunc):
    """a ** b by the row; of single numbers with the value that their operator has."""
    cdef double c
    if ufunc or not (is_single(a) and is_single(b)):
        return _rows[np.power](a, b)
    c = single_power(as_double(a), as_double(b), False)
    with np.errstate(all="ignore"):
        return revalued(<Taylor>_rows[np.power](a, b), c)


cdef quiet_row(a, b, bint ufunc):
    """The same, once NumPy has said what it has to say of the value."""
    with np.errstate(all="ignore"):
        return power_row(a, b, ufunc)


cdef plain_values(x):
    """Values of an operand for the slopes: a float, or a C-contiguous array of float64.

    None for operands of other kinds, and for numbers of higher order.
    """
    cdef ndarray v
    if type(x) is Taylor:
        if (<Taylor>x).alg.D != 1 or is_pending(<Taylor>x):
            return None
        if (<Taylor>x)._value is None:
            return (<Taylor>x).c[0]
        v = value_of(<Taylor>x)
    elif PyFloat_Check(x):
        return PyFloat_AS_DOUBLE(x)
    elif PyLong_CheckExact(x):
        return <double>x if -WHOLE < x < WHOLE else None
    elif cnp.PyArray_CheckExact(x) and (
        cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE or cnp.PyArray_ISINTEGER(<ndarray>x)
    ):
        v = np.asarray(x, _float64_dtype)
    else:
        return None
    if cnp.PyArray_NDIM(v) == 0 or cnp.PyArray_TYPE(v) != cnp.NPY_DOUBLE or not (
        cnp.PyArray_IS_C_CONTIGUOUS(v) and cnp.PyArray_ISBEHAVED_RO(v)
    ):
        return None
    return v


cdef first_power(a, b, bint ufunc):
    """a ** b of plain_values, at least one a number, by its slopes; None of any others."""
    cdef Taylor x = <Taylor>a if type(a) is Taylor else None
    cdef Taylor y = <Taylor>b if type(b) is Taylor else None
    cdef Taylor z = None
    cdef ndarray value, h
    va = plain_values(a)
    if va is None:
        return None
    vb = plain_values(b)
    if vb is None or x is not None and y is not None and not one_algebra(x, y):
        return None
    if not cnp.PyArray_Check(va) and not cnp.PyArray_Check(vb):
        z = single_first_power(x, y, va, vb, ufunc)
        return quiet_row(a, b, ufunc) if z is None else z
    if ufunc:
        value = np.power(value_of(x) if x is not None else a, value_of(y) if y is not None else b)
    else:
        value = (va if x is not None else a) ** (value_of(y) if y is not None else b)
    va = spread_values(va, value)
    vb = spread_values(vb, value)
    if x is not None:
        h = base_slopes(value, va, vb)
        if h is None:
            return quiet_row(a, b, ufunc)
        z = chained(x, h, value)
    if y is not None:
        h = exponent_slopes(value, va)
        if h is None:
            return quiet_row(a, b, ufunc)
        z = chained(y, h, value) if z is None else (
            apply("add", z, chained(y, h, value), 0.0, value))
    return z


cdef bint one_algebra(Taylor x, Taylor y):
    """Whether two numbers of order 1 have their seeds of one factor, lanes or not."""
    if x.lanes is None or y.lanes is None:
        return x.alg is y.alg and x.lanes is None and y.lanes is None
    return len(x.alg.factors) == 1 and len(y.alg.factors) == 1 and parent_of(x) is parent_of(y)


cdef Taylor single_first_power(Taylor x, Taylor y, double a, double b, bint ufunc):
    """first_power of two single numbers; None where a slope might lack digits."""
    cdef Taylor z = new_scalar((y if x is None else x).alg)
    cdef double *c = z.c
    cdef double s, t, total = 0.0
    cdef Py_ssize_t i
    c[0] = single_power(a, b, ufunc)
    memset(c + 1, 0, (z.alg.M - 1) * sizeof(double))
    if x is not None:
        s = c[0] / a
        t = s * b
        if not (has_digits(c[0]) and has_digits(s) and has_digits(t)):
            return None
        for i in range(1, z.alg.M):
            c[i] = t * x.c[i]
    if y is not None:
        s = c_log(a)
        t = c[0] * s
        if not (has_digits(t) or s == 0):
            return None
        for i in range(1, z.alg.M):
            c[i] += t * y.c[i]
    for i in range(1, z.alg.M):
        total += c[i]
    return z if isfinite(total) else None


cdef bint has_digits(double x) noexcept nogil:
    """Whether x is neither 0, nor infinite, nor NaN, nor too small for all its digits."""
    return (fabs(x) >= LEAST) & (fabs(x) <= MOST)


cdef spread_values(v, ndarray value):
    """Plain values in the shape of the result; a float stays one."""
    if not cnp.PyArray_Check(v) or cnp.PyArray_SAMESHAPE(<ndarray>v, value):
        return v
    return np.ascontiguousarray(np.broadcast_to(v, (<object>value).shape))


cdef double *first_element(v, double *room, Py_ssize_t *step):
    """Where plain values begin, and the step from one to the next: 0 for a float."""
    if cnp.PyArray_Check(v):
        step[0] = 1
        return <double *>cnp.PyArray_DATA(<ndarray>v)
    step[0] = 0
    room[0] = v
    return room


cdef ndarray base_slopes(ndarray value, va, vb):
    """b a**b / a, given a**b; None where one of them might lack digits."""
    cdef ndarray h = empty_like_shape(value, cnp.NPY_DOUBLE)
    cdef double room_a, room_b, s, t
    cdef Py_ssize_t i, step_a, step_b
    cdef double *a = first_element(va, &room_a, &step_a)
    cdef double *b = first_element(vb, &room_b, &step_b)
    cdef double *c = <double *>cnp.PyArray_DATA(value)
    cdef double *out = <double *>cnp.PyArray_DATA(h)
    cdef bint good = True
    for i in range(cnp.PyArray_SIZE(value)):
        s = c[i] / a[i * step_a]
        t = s * b[i * step_b]
        good &= (has_digits(c[i]) & has_digits(s) & has_digits(t)) | (b[i * step_b] == 0)
        out[i] = 0.0 if b[i * step_b] == 0 else t
    return h if good else None


cdef ndarray exponent_slopes(ndarray value, va):
    """a**b log(a), given a**b; None where one of them might lack digits."""
    cdef ndarray h = empty_like_shape(value, cnp.NPY_DOUBLE)
    cdef double room_a, room_l, t
    cdef Py_ssize_t i, step
    cdef double *a = first_element(va, &room_a, &step)
    cdef double *log_a
    cdef double *c = <double *>cnp.PyArray_DATA(value)
    cdef double *out = <double *>cnp.PyArray_DATA(h)
    cdef bint good = True
    for i in range(cnp.PyArray_SIZE(value) if step else 1):
        good &= a[i * step] > 0
    if not good:
        return None
    logs = np.log(va) if step else c_log(va)
    log_a = first_element(logs, &room_l, &step)
    for i in range(cnp.PyArray_SIZE(value)):
        t = c[i] * log_a[i * step]
        good &= has_digits(t) | (log_a[i * step] == 0)
        out[i] = t
    return h if good else None


cdef Taylor chained(Taylor x, ndarray h, ndarray value):
    """The number of these values with E y = h E x; h of their shape."""
    if x.lanes is not None:
        return laned_binary(DD_chain, x, h, value)
    return array_binary(DD_chain, x.alg, x, h, value, None, None)
