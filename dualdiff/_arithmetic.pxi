"""Part of _taylor.pyx: kernels on numbers: operators, choices."""

# ---- arithmetic ----------------------------------------------------------------

cdef int warn(int kernel, int loop, double p, object a, object b) except -1:
    """Let NumPy say of these values what it has to say: a warning, an error, nothing."""
    if loop == SQUARE:
        np.square(a)
    elif loop == POWER:
        np.power(a, p)
    elif b is None:
        value_ufunc(loop)(a)
    else:
        value_ufunc(kernel)(a, b)
    return 0


cdef Taylor scalar_unary(int kernel, Taylor a):
    cdef Taylor y = new_scalar(a.alg)
    y.c[0] = scalar_value(kernel, a.c[0])
    if not isfinite(y.c[0]):
        warn(kernel, kernel, 0.0, _float64(a.c[0]), None)
    run_scalar(kernel, a.alg.t, y.c, a.c, True, NULL, False, 0.0)
    return y


cdef Taylor scalar_binary(int kernel, Algebra alg, double *a, bint at, double *b, bint bt):
    """a kernel b, over one algebra; at, bt: the operand has terms, or is a constant."""
    cdef Taylor y = new_scalar(alg)
    cdef double *c = y.c
    cdef double a0 = a[0], b0 = b[0]
    cdef Py_ssize_t i, M = alg.M
    cdef int nan = 0
    if kernel == DD_mul:
        c[0] = a0 * b0
        if alg.D == 1:
            if not bt:
                for i in range(1, M):
                    c[i] = a[i] * b0
                    nan |= c[i] != c[i]
            elif not at:
                for i in range(1, M):
                    c[i] = a0 * b[i]
                    nan |= c[i] != c[i]
            else:
                for i in range(1, M):
                    c[i] = a0 * b[i] + a[i] * b0
                    nan |= c[i] != c[i]
            if nan:
                run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
        else:
            run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
    elif kernel == DD_add:
        c[0] = a0 + b0
        if at and bt:
            for i in range(1, M):
                c[i] = a[i] + b[i]
        else:
            memcpy(c + 1, a + 1 if at else b + 1, (M - 1) * sizeof(double))
    elif kernel == DD_sub:
        c[0] = a0 - b0
        if not bt:
            memcpy(c + 1, a + 1, (M - 1) * sizeof(double))
        elif at:
            for i in range(1, M):
                c[i] = a[i] - b[i]
        else:
            for i in range(1, M):
                c[i] = -b[i]
    else:
        c[0] = a0 / b0 if kernel == DD_div else scalar_value2(kernel, a0, b0)
        run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
    if not isfinite(c[0]):
        warn(kernel, kernel, 0.0, _float64(a0), _float64(b0))
    return y


cdef Taylor array_result(Algebra alg, ndarray value):
    cdef Taylor y = Taylor.__new__(Taylor)
    y.alg = alg
    y._value = value
    y._terms = empty_terms(alg, value)
    return y


cdef bint plain_strides(ndarray v) noexcept:
    """Whether elements lie one after another, axes of length 1 included."""
    cdef Py_ssize_t step = cnp.PyArray_ITEMSIZE(v)
    cdef int q
    for q in range(cnp.PyArray_NDIM(v) - 1, -1, -1):
        if cnp.PyArray_STRIDE(v, q) != step:
            return False
        step *= cnp.PyArray_DIM(v, q)
    return True


cdef Taylor array_unary(int kernel, Taylor a, double p, ndarray value, int loop):
    """Kernel of an array; value: its values if they are known, else loop computes them."""
    cdef dd_job job
    cdef dd_step step
    cdef exponent e
    cdef Taylor y
    cdef int type = kernel_type(cnp.PyArray_TYPE(a._value))
    if a.base is not None and a.base is not LATER:
        sync(a)
    if value is None and not (a.lanes is not None and is_pending(a)) and (
        may_wait(type, a._value, a, None)
        and (a.base is LATER or loop == SQUARE or plain_strides(a._value))
    ):
        y = wait(kernel, loop, p, a.alg, a._value, a, None, None, None, None)
        y.lanes = a.lanes
        return y
    if a.base is not None:
        sync(a)
    if a.lanes is not None and is_pending(a):
        if kernel == DD_neg:
            return new_laned(a.alg, np.asarray(-a._value), -a._terms, a.lanes)
        a = dense(a)
        if a._value is None:
            y = new_scalar(a.alg)
            if value is not None:
                y.c[0] = value
            else:
                y.c[0] = a.c[0] * a.c[0] if loop == SQUARE else scalar_value(kernel, a.c[0])
            run_scalar(kernel, a.alg.t, y.c, a.c, True, NULL, False, p)
            return y
    if type < 0:
        if value is None:
            value = np.asarray(value_ufunc(kernel)(a._value))
        name = kernel_names[kernel]
        terms = _hooks["reference"](name, a.alg, value, (a._value, a._terms), None, p)
        if a.lanes is not None:
            return new_laned(a.alg, np.asarray(value), terms, a.lanes)
        return new_array(a.alg, np.asarray(value), terms)
    if value is None and loop != SQUARE and not plain_strides(a._value):
        # NumPy's loops for strided memory may round otherwise than those for rows.
        value = np.array(np.power(a._value, p) if loop == POWER else
                         value_ufunc(loop)(a._value), order="C", copy=None)
    y = array_result(a.alg, empty_like_shape(a._value, cnp.PyArray_TYPE(a._value))
                     if value is None else value)
    y.lanes = a.lanes
    one_step(&job, &step, a.alg.t, type, kernel, p)
    set_shape(&job, y._value)
    operand(&job, &step.a, a._value, a._terms)
    operand(&job, &step.c, y._value, y._terms)
    values_by(&job, &step, NO_VALUES if value is not None else loop, &e)
    if execute(&job):
        warn(kernel, loop, p, a._value, None)
    return y


cdef ndarray result_like(ndarray x, ndarray y, ndarray mask):
    """The operand in the shape of the result, where the others have it, too, or one element."""
    cdef ndarray like = x
    if x is None or y is not None and cnp.PyArray_NDIM(y) >= cnp.PyArray_NDIM(x) and (
        cnp.PyArray_SIZE(x) == 1
    ):
        like = y
    for other in (x, y, mask):
        if other is not None and not cnp.PyArray_SAMESHAPE(<ndarray>other, like) and (
            other is mask or cnp.PyArray_SIZE(<ndarray>other) != 1
            or cnp.PyArray_NDIM(<ndarray>other) > cnp.PyArray_NDIM(like)
        ):
            return None
    return like


cdef Taylor array_binary(int kernel, Algebra alg, x, y, ndarray value, ndarray map_x,
                         ndarray map_y, ndarray mask=None):
    """Kernel of two operands of one dtype over one algebra, broadcast.

    Each is a Taylor, an ndarray, or a Python float; at least one has dimensions or is
    not float64.  map_x, map_y: None, or see dd_array in csrc/dualdiff.h: int32.  mask: of
    np.where, C-contiguous and in the shape of the result.  The result has no lanes yet.
    """
    cdef dd_job job
    cdef dd_step step
    cdef Taylor z
    cdef ndarray vx = None, tx = None, vy = None, ty = None, like
    cdef double cx, cy
    cdef int typenum = -1, type
    cdef bint given = value is not None
    if type_is_array(x):
        vx = (<Taylor>x)._value if isinstance(x, Taylor) else <ndarray>x
        tx = (<Taylor>x)._terms if isinstance(x, Taylor) else None
        typenum = cnp.PyArray_TYPE(vx)
    if type_is_array(y):
        vy = (<Taylor>y)._value if isinstance(y, Taylor) else <ndarray>y
        ty = (<Taylor>y)._terms if isinstance(y, Taylor) else None
        typenum = cnp.PyArray_TYPE(vy)
    type = kernel_type(typenum)
    if value is None:
        like = result_like(vx, vy, mask)
        if like is not None and may_wait(type, like, x, y):
            return wait(kernel, kernel, 0.0, alg, like, x, y, map_x, map_y, mask)
    if type_is_array(x) and isinstance(x, Taylor) and (<Taylor>x).base is not None:
        sync(<Taylor>x)
        vx, tx = (<Taylor>x)._value, (<Taylor>x)._terms
    if type_is_array(y) and isinstance(y, Taylor) and (<Taylor>y).base is not None:
        sync(<Taylor>y)
        vy, ty = (<Taylor>y)._value, (<Taylor>y)._terms
    if type < 0:
        px = raw_parts(<Taylor>x) if isinstance(x, Taylor) else (x, None)
        py = raw_parts(<Taylor>y) if isinstance(y, Taylor) else (y, None)
        if mask is not None:
            value = np.where(mask, px[0], py[0])
        elif value is None:
            value = np.asarray(value_ufunc(kernel)(px[0], py[0]))
        name = kernel_names[kernel]
        terms = _hooks["reference"](name, alg, value, px, py, 0.0 if mask is None else mask)
        return new_array(alg, value, terms)
    if value is None:
        if mask is not None:
            value = empty_like_shape(mask, typenum)
        elif vx is None:
            value = empty_like_shape(vy, typenum)
        elif vy is None or cnp.PyArray_SAMESHAPE(vx, vy):
            value = empty_like_shape(vx, typenum)
        else:
            value = empty_like_shape(broadcast_like(vx, vy), typenum)
    z = array_result(alg, value)
    one_step(&job, &step, alg.t, type, kernel, 0.0)
    set_shape(&job, value)
    operand(&job, &step.c, z._value, z._terms)
    if vx is not None:
        operand(&job, &step.a, vx, tx)
    elif isinstance(x, Taylor):
        scalar_operand(&step.a, (<Taylor>x).c, alg.M - 1)
    else:
        cx = x
        scalar_operand(&step.a, &cx, 0)
    if vy is not None:
        operand(&job, &step.b, vy, ty)
    elif isinstance(y, Taylor):
        scalar_operand(&step.b, (<Taylor>y).c, alg.M - 1)
    else:
        cy = y
        scalar_operand(&step.b, &cy, 0)
    if map_x is not None:
        step.a.map = <int32_t *>cnp.PyArray_DATA(map_x)
        step.b.map = <int32_t *>cnp.PyArray_DATA(map_y)
    if mask is not None:
        step.mask = <char *>cnp.PyArray_DATA(mask)
    values_by(&job, &step, NO_VALUES if given else kernel, NULL)
    if execute(&job):
        warn(kernel, kernel, 0.0, value_of(x) if isinstance(x, Taylor) else x,
             value_of(y) if isinstance(y, Taylor) else y)
    return z


cdef tuple raw_parts(Taylor x):
    """(value, terms), over local seeds where x has lanes."""
    return value_of(x), x._terms if x._value is not None else terms_of(x)


cdef Taylor settled(Taylor z):
    """A result without dimensions and of float64 moves into a C buffer."""
    if z.lanes is None and z._value is not None and cnp.PyArray_NDIM(z._value) == 0 and (
        cnp.PyArray_TYPE(z._value) == cnp.NPY_DOUBLE
    ):
        return new_array(z.alg, z._value, z._terms)
    return z


cdef bint type_is_array(x) noexcept:
    return (<Taylor>x)._value is not None if type(x) is Taylor else cnp.PyArray_Check(x)


cdef unary(int kernel, Taylor a):
    if a._value is None:
        return scalar_unary(kernel, a)
    return array_unary(kernel, a, 0.0, None, kernel)


cdef binary(int kernel, a, b):
    """a kernel b, one of them a Taylor; NotImplemented if the other operand may know."""
    cdef Taylor x, y
    cdef double k
    if type(a) is Taylor and type(b) is Taylor:
        x = <Taylor>a
        y = <Taylor>b
        if x.alg is y.alg and x._value is None and y._value is None:
            return scalar_binary(kernel, x.alg, x.c, True, y.c, True)
    elif type(a) is Taylor:
        x = <Taylor>a
        if x._value is None:
            if PyLong_CheckExact(b):
                k = PyLong_AsDouble(b)
                return scalar_binary(kernel, x.alg, x.c, True, &k, False)
            if PyFloat_Check(b):
                k = PyFloat_AS_DOUBLE(b)
                return scalar_binary(kernel, x.alg, x.c, True, &k, False)
    elif (<Taylor>b)._value is None:
        y = <Taylor>b
        if PyLong_CheckExact(a):
            k = PyLong_AsDouble(a)
            return scalar_binary(kernel, y.alg, &k, False, y.c, True)
        if PyFloat_Check(a):
            k = PyFloat_AS_DOUBLE(a)
            return scalar_binary(kernel, y.alg, &k, False, y.c, True)
    return general_binary(kernel, a, b)


cdef general_binary(int kernel, a, b):
    """a kernel b; temporaries among them need not be kept where they wait (_later.pxi)."""
    cdef Later la = None, lb = None
    if type(a) is Taylor and (<Taylor>a).base is LATER and Py_REFCNT(a) == 1:
        la = (<Taylor>a).later
        la.held = 1
    if type(b) is Taylor and (<Taylor>b).base is LATER and Py_REFCNT(b) == 1:
        lb = (<Taylor>b).later
        lb.held = 1
    try:
        return binary_of(kernel, waiting_operand(a), waiting_operand(b))
    finally:
        if la is not None:
            la.held = 0
        if lb is not None:
            lb.held = 0


cdef binary_of(int kernel, a, b):
    cdef Algebra alg
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    if grows(a, b):
        a = spread_step(<Taylor>a, <Factor>(<Taylor>a).alg.factors[0])
    elif grows(b, a):
        b = spread_step(<Taylor>b, <Factor>(<Taylor>b).alg.factors[0])
    if has_lanes(a) or has_lanes(b):
        x, y = one_dtype(a, b)
        return laned_binary(kernel, x, y, None)
    alg, x, y = together(a, b)
    x, y = one_dtype(x, y)
    if not type_is_array(x) and not type_is_array(y):
        return binary(kernel, x, y)
    return settled(array_binary(kernel, alg, x, y, None, None, None))


cdef waiting_operand(x):
    """As as_operand, but a number that waits may go on waiting."""
    if type(x) is Taylor and (<Taylor>x).base is LATER:
        return x
    return as_operand(x)


cdef as_operand(x):
    """A Taylor, a native aligned ndarray, or a Python number; NotImplemented if it is neither."""
    if type(x) is Taylor:
        if (<Taylor>x).base is not None:
            sync(<Taylor>x)
        return x
    if cnp.PyArray_CheckExact(x):
        if cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_OBJECT:
            return pack(x)
        if not cnp.PyArray_ISBEHAVED_RO(<ndarray>x):
            return np.array(x, dtype=x.dtype.newbyteorder("="))
        return x
    if PyFloat_CheckExact(x) or PyLong_CheckExact(x) or isinstance(x, (bool, complex)):
        return x
    if isinstance(x, (np.generic, list, tuple)):
        return as_operand(np.asarray(x))
    if type(x) is Slate:
        return as_operand(now(x))
    if isinstance(x, np.ndarray):  # a subclass: its data, as the protocol gave it to us
        return as_operand(np.asarray(x))
    return NotImplemented


cdef Taylor picked_scalar(Algebra alg, x):
    """A copy of x, a number in a C buffer over alg or a constant."""
    cdef Taylor z = new_scalar(alg)
    if type(x) is Taylor:
        memcpy(z.c, (<Taylor>x).c, alg.M * sizeof(double))
    else:
        memset(z.c, 0, alg.M * sizeof(double))
        z.c[0] = x
    return z


def choose(mask, a, b):
    """np.where(mask, a, b), at least one of them a number, from an array of booleans.

    NotImplemented where their lanes differ, or another operand may know.
    """
    cdef tuple lanes = None
    cdef Algebra alg
    cdef Taylor z
    a, b = waiting_operand(a), waiting_operand(b)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    if has_lanes(a) or has_lanes(b):
        if type(a) is not Taylor or type(b) is not Taylor:
            lanes = (<Taylor>(a if type(a) is Taylor else b)).lanes
        elif equal_lanes(<Taylor>a, <Taylor>b):
            lanes = (<Taylor>a).lanes
        if lanes is None or has_lanes(a) and is_pending(<Taylor>a) or (
            has_lanes(b) and is_pending(<Taylor>b)
        ):
            return NotImplemented
    alg, x, y = together(a, b)
    x, y = one_dtype(x, y)
    if not mask.ndim and not type_is_array(x) and not type_is_array(y):
        return picked_scalar(alg, x if mask else y)
    shape = np.broadcast_shapes(mask.shape, operand_shape(x), operand_shape(y))
    mask = np.array(np.broadcast_to(mask, shape), order="C")  # the caller's may change
    z = array_binary(DD_choose, alg, x, y, None, None, None, mask)
    if lanes is not None:
        z.lanes = spread_lanes(lanes, z._value)
    return settled(z)


cdef together(a, b):
    """(algebra, a, b) with both numbers over their union."""
    cdef tuple u
    if type(a) is not Taylor:
        return (<Taylor>b).alg, a, b
    if type(b) is not Taylor or (<Taylor>a).alg is (<Taylor>b).alg:
        return (<Taylor>a).alg, a, b
    u = union_of((<Taylor>a).alg, (<Taylor>b).alg)
    return u[0], embed(a, u[0], u[1]), embed(b, u[0], u[2])


cdef operand_shape(x):
    """The shape of an operand; a number that waits goes on waiting."""
    return x.shape if type(x) is Taylor else np.shape(x)


cdef dtype_operand(x):
    return (<Taylor>x).dtype if type(x) is Taylor else x


cdef one_dtype(a, b):
    """Both operands in the dtype that NumPy gives the result; Python numbers become float."""
    cdef bint fa = is_float64(a), fb = is_float64(b)
    if fa and fb:
        return a, b
    if fa and (PyFloat_CheckExact(b) or PyLong_CheckExact(b)):
        return a, float(b)
    if fb and (PyFloat_CheckExact(a) or PyLong_CheckExact(a)):
        return float(a), b
    dtype = np.result_type(dtype_operand(a), dtype_operand(b))
    return to_dtype(a, dtype), to_dtype(b, dtype)


cdef bint is_float64(x) noexcept:
    if type(x) is Taylor:
        return (<Taylor>x)._value is None or (
            cnp.PyArray_TYPE((<Taylor>x)._value) == cnp.NPY_DOUBLE)
    return cnp.PyArray_Check(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE


cdef to_dtype(x, dtype):
    if type(x) is Taylor:
        return x if (<Taylor>x).dtype == dtype else cast(x, dtype)
    return np.asarray(x, dtype)
