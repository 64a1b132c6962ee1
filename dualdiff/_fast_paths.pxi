# Fast paths: derivatives at plain floats and float64 arrays, without a detour by pytrees.
# Included by _seeding.pyx.  Invariant: what they do not know they leave to the general
# paths, whose results are the same to the last bit.

# ---- gradients in one argument ---------------------------------------------------------


cdef class Gradient:
    """The function that grad and value_and_grad hand out.

    One float, or one float64 array, is differentiated here; everything else, and every
    misuse, goes to `general(args, kwargs)`.  `pending(y, call, x)` reads results
    that are not plain numbers over the seeds of this call; x is the input.
    """

    cdef readonly object fun        # what the user gave
    cdef readonly object root       # what is evaluated: fun, or what fun is the gradient of
    cdef readonly object settings   # the Python side: general, pending, name, reduce
    cdef object general, pending
    cdef Py_ssize_t place           # the one argument of the fast paths; -1: none
    cdef int order
    cdef bint with_value
    cdef dict __dict__
    cdef object __weakref__

    def __init__(self, settings, fun, root, Py_ssize_t place, int order, bint with_value):
        self.settings = settings
        self.general = settings.general
        self.pending = settings.pending
        self.fun = fun
        self.root = root
        self.place = place
        self.order = order
        self.with_value = with_value

    def __call__(self, *args, **kwargs):
        if 0 <= self.place < len(args):
            x = args[self.place]
            if PyFloat_Check(x):
                return scalar_gradient(self, args, kwargs, PyFloat_AS_DOUBLE(x))
            if self.order == 1 and plain_array(x) and cnp.PyArray_SIZE(<ndarray>x) > 0:
                try:
                    try:
                        return array_gradient(self, args, kwargs, <ndarray>x, True)
                    except StepsStop:
                        return array_gradient(self, args, kwargs, <ndarray>x, False)
                except DenseLimit:
                    return self.settings.read(args, kwargs)
        return self.general(args, kwargs)

    def __get__(self, instance, owner):
        return self if instance is None else MethodType(self, instance)

    def __getattr__(self, name):
        if name == "__wrapped__":
            return self.fun
        if name in ("__name__", "__qualname__"):
            return f"{self.settings.who}({getattr(self.fun, name, type(self.fun).__name__)})"
        if name == "__module__":
            return getattr(self.fun, name, None)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self):
        return f"<dualdiff {self.settings.who} of {self.fun!r}>"

    def __reduce__(self):
        return self.settings.reduce()


cdef call_with(fun, tuple args, dict kwargs, Py_ssize_t place, x):
    """fun with one positional argument replaced."""
    cdef list inputs
    if len(args) == 1:
        return fun(x, **kwargs) if kwargs else fun(x)
    inputs = list(args)
    inputs[place] = x
    return fun(*inputs, **kwargs)


cdef Call call_of(Algebra alg):
    """The call whose seeds these are, for reading."""
    cdef Call call = Call.__new__(Call)
    call.alg = alg
    call.factor = <Factor>alg.factors[0]
    return call


cdef scalar_gradient(Gradient g, tuple args, dict kwargs, double x):
    """The derivative in one float: all orders that the stacked calls want, in one pass."""
    cdef Algebra alg = acquire(1, g.order)
    cdef Taylor y, r = None
    cdef Py_ssize_t d
    cdef double c, v
    result = None
    try:
        y = new_scalar(alg)
        memset(y.c, 0, alg.M * sizeof(double))
        y.c[0] = x
        y.c[1] = 1.0
        result = call_with(g.root, args, kwargs, g.place, y)
        if type(result) is not Taylor or (<Taylor>result).alg is not alg or (
            (<Taylor>result)._value is not None
        ):
            return g.pending(result, call_of(alg), x)
        r = <Taylor>result
        c = r.c[g.order]
        for d in range(2, g.order + 1):
            c *= d
        if not g.with_value:
            return PyFloat64(c)
        v = r.c[g.order - 1]
        for d in range(2, g.order):
            v *= d
        return PyFloat64(v), PyFloat64(c)
    finally:
        y = None
        r = None
        result = None
        release(alg)


cdef array_gradient(Gradient g, tuple args, dict kwargs, ndarray x, bint steps):
    """The gradient in one float64 array, one seed for each element."""
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    cdef Algebra alg = acquire(n, 1)
    cdef Taylor y, r = None
    heap = result = None
    try:
        if with_lanes(n, 1):
            (<Factor>alg.factors[0]).scalar = steps
            y = seed_lanes(<Factor>alg.factors[0], copied(x), 0)
        elif n > 512 and 8.0 * n * n > dense_limit():
            raise DenseLimit("dualdiff: dense seeds of all elements at once are too large")
        else:
            (<Factor>alg.factors[0]).scalar = steps and _mode == "auto"
            y = seed_array(alg, x, 0)
        result = call_with(g.root, args, kwargs, g.place, y)
        if has_lanes(result) and is_wide(<Taylor>result, <Factor>alg.factors[0]):
            result = eliminated(<Taylor>result, Py_REFCNT(result) == 1)
        if type(result) is not Taylor or (<Taylor>result).alg is not alg or (
            (<Taylor>result)._value is not None
        ):
            return g.pending(result, call_of(alg), x)
        r = <Taylor>result
        heap = r.heap
        if cnp.PyArray_Check(heap) and Py_REFCNT(heap) == 2 and Py_REFCNT(r) == 2:
            grad = terms_in_place(r, x)  # nobody else has this number
        else:
            grad = shaped(r.c + 1, x)
        return (PyFloat64(r.c[0]), grad) if g.with_value else grad
    finally:
        y = None
        r = None
        heap = None
        result = None
        release(alg)


cdef bint plain_array(x):
    """Whether x is an array that the fast paths seed."""
    return (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE
            and cnp.PyArray_NDIM(<ndarray>x) > 0 and cnp.PyArray_ISBEHAVED_RO(<ndarray>x))


def slopes(fun, tuple args, dict kwargs, Py_ssize_t place, int order, pending):
    """Derivatives of fun element by element, in one float64 array at args[place], to an order.

    None, and nothing evaluated, where the argument is anything else.  pending: see Gradient; it
    reads all but first derivatives of the shape of the argument.
    """
    cdef ndarray x, alone
    cdef Algebra alg
    cdef Taylor y, r = None
    result = None
    if not plain_array(args[place]) or cnp.PyArray_SIZE(<ndarray>args[place]) == 0:
        return None
    x = args[place]
    alg = acquire(1, order)
    try:
        y = new_array(alg, copied(x), one_term(alg.M - 1, x, 0, 1.0))
        result = call_with(fun, args, kwargs, place, y)
        y = None
        if order == 1 and type(result) is Taylor and (<Taylor>result).alg is alg:
            r = <Taylor>result
            if r._value is not None and cnp.PyArray_SAMESHAPE(r._value, x) and (
                cnp.PyArray_TYPE(r._value) == cnp.NPY_DOUBLE
            ):
                alone = terms_alone(r) if is_waiting(r) else None
                if alone is not None:
                    return alone[0]
                sync(r)
                if r.alg is alg:
                    return copied(terms_of(r)[0])
        return pending(result, call_of(alg), x)
    finally:
        y = None
        r = None
        result = None
        release(alg)


# ---- one direction ---------------------------------------------------------------------


def are_plain(primals, tangents):
    """Whether these are floats and float64 arrays, or numbers made of such, as jvp wants them."""
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)) or (
        len(primals) != len(tangents)
    ):
        return False
    for x, v in zip(primals, tangents):
        if type(x) is Taylor:
            if (<Taylor>x)._value is None:
                if not PyFloat_Check(v):
                    return False
            elif not plain_array(v) or cnp.PyArray_TYPE((<Taylor>x)._value) != cnp.NPY_DOUBLE or (
                not cnp.PyArray_SAMESHAPE((<Taylor>x)._value, <ndarray>v)
            ):
                return False
        elif PyFloat_Check(x):
            if not PyFloat_Check(v):
                return False
        elif not plain_array(x) or not plain_array(v) or (
            not cnp.PyArray_SAMESHAPE(<ndarray>x, <ndarray>v)
        ):
            return False
    return True


def along_plain(fun, primals, tangents, read):
    """(fun, its derivative) along a direction, where are_plain; read(call, y): of any result."""
    cdef Call call = Call(1, 1)
    cdef Taylor y, r = None
    cdef list seeded = []
    result = None
    try:
        for x, v in zip(primals, tangents):
            if type(x) is Taylor:
                y = call.along(x, (v,))
            elif PyFloat_Check(x):
                y = new_scalar(call.alg)
                y.c[0], y.c[1] = PyFloat_AS_DOUBLE(x), PyFloat_AS_DOUBLE(v)
            else:
                y = new_array(call.alg, copied(x), copied(v)[None])
            seeded.append(y)
        result = fun(*seeded)
        y = None
        seeded = None
        if type(result) is Taylor:
            r = <Taylor>result
            if r._value is None and r.alg is call.alg:
                return PyFloat64(r.c[0]), PyFloat64(r.c[1])
            return call.value(r), call.coefficient(r, 1)
        return read(call, result)
    finally:
        y = r = None
        seeded = None
        result = None
        call.__exit__()


# ---- several arguments, Jacobians, Hessians --------------------------------------------


cdef class Evaluated:
    """A function evaluated once with seeds at plain arguments: close it after reading.

    The readers return None where the result is not a plain number over these seeds.
    """

    cdef readonly Call call
    cdef readonly object result
    cdef readonly list inputs       # the differentiated arguments
    cdef list firsts                # their first seeds

    def close(self):
        """Give the seeds back."""
        self.result = None
        self.call.__exit__()

    cdef Taylor number(self, bint scalar):
        """The result as a dense number over the seeds, or None."""
        cdef Taylor y
        if type(self.result) is not Taylor:
            return None
        y = <Taylor>self.result
        if y.lanes is not None and is_wide(y, self.call.factor):
            y = self.result = eliminated(y, Py_REFCNT(y) == 2)
        if y._value is None:
            return y if y.alg is self.call.alg else None
        if scalar:
            return None
        sync(y)
        if y.alg is not self.call.alg or y.lanes is not None:
            return None
        return y

    def value(self):
        """The result without seeds."""
        return self.call.value(self.result)

    def gradients(self):
        """The derivatives of a scalar result: one array or float for each input."""
        cdef Taylor y = self.number(True)
        cdef Py_ssize_t q
        if y is None:
            return None
        return [shaped(y.c + 1 + <Py_ssize_t>self.firsts[q], self.inputs[q])
                for q in range(len(self.inputs))]

    def jacobians(self):
        """The derivatives of the result: shape (*result.shape, *input.shape) for each input."""
        cdef Taylor y = self.number(False)
        cdef Py_ssize_t q, n, first
        if y is None:
            return self.laned_jacobians()
        if y._value is None:
            return self.gradients()
        terms = terms_of(y)
        shape = (<object>y._value).shape
        rows = terms.reshape((terms.shape[0], -1)).T
        out = []
        for q, x in enumerate(self.inputs):
            first = self.firsts[q]
            own = () if PyFloat_Check(x) else x.shape
            n = 1 if PyFloat_Check(x) else cnp.PyArray_SIZE(<ndarray>x)
            out.append(rows[:, first : first + n].copy(order="C").reshape(shape + own))
        return out

    cdef list laned_jacobians(self):
        """As jacobians, of a result with lanes over these seeds; None of any other."""
        cdef Taylor y
        cdef list out = []
        if not has_lanes(self.result):
            return None
        y = <Taylor>self.result
        sync(y)
        if y.lanes is None or len(y.alg.factors) != 1 or is_pending(y) or (
            (<Factor>y.alg.factors[0]).parent is not self.call.factor
            or cnp.PyArray_TYPE(y._value) != cnp.NPY_DOUBLE
        ):
            return None
        terms = np.ascontiguousarray(y._terms)
        lanes = [np.ascontiguousarray(lane) for lane in y.lanes]
        shape = (<object>y._value).shape
        for q, x in enumerate(self.inputs):
            own = () if PyFloat_Check(x) else x.shape
            block = np.zeros(shape + own)
            scatter_block(block, cnp.PyArray_SIZE(y._value), terms, lanes, self.firsts[q])
            out.append(block if block.ndim else block[()])
        return out

    def hessians(self):
        """The second derivatives of a scalar result: for each pair of inputs."""
        cdef Taylor y = self.number(True)
        cdef Py_ssize_t p, q, i, j, lo, hi, m, n, n_all = self.call.factor.n
        cdef double *top
        cdef double *out
        cdef double v
        if y is None:
            return None
        top = y.c + 1 + n_all
        rows = []
        for p in range(len(self.inputs)):
            row = []
            for q in range(len(self.inputs)):
                a, b = self.inputs[p], self.inputs[q]
                m = 1 if PyFloat_Check(a) else cnp.PyArray_SIZE(<ndarray>a)
                n = 1 if PyFloat_Check(b) else cnp.PyArray_SIZE(<ndarray>b)
                block = np.empty(m * n)
                out = <double *>cnp.PyArray_DATA(<ndarray>block)
                for i in range(m):
                    for j in range(n):
                        lo = <Py_ssize_t>self.firsts[p] + i
                        hi = <Py_ssize_t>self.firsts[q] + j
                        if lo > hi:
                            lo, hi = hi, lo
                        v = top[hi * (hi + 1) // 2 + lo]
                        out[i * n + j] = 2.0 * v if lo == hi else v
                shape = (() if PyFloat_Check(a) else a.shape) + (
                    () if PyFloat_Check(b) else b.shape)
                row.append(block.reshape(shape) if shape else block[0])
            rows.append(row)
        return rows


cdef void scatter_block(ndarray block, Py_ssize_t m, ndarray terms, list lanes,
                        Py_ssize_t first):
    """Add terms of m elements where lanes say, in columns `first` and following: a row each."""
    cdef Py_ssize_t i, k, s, n = cnp.PyArray_SIZE(block) // max(m, 1)
    cdef double *to = <double *>cnp.PyArray_DATA(block)
    cdef double *t = <double *>cnp.PyArray_DATA(terms)
    cdef cnp.npy_intp *seeds
    for k in range(len(lanes)):
        seeds = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>lanes[k])
        with nogil:
            for i in range(m):
                s = seeds[i] - first
                if 0 <= s < n:
                    to[i * n + s] += t[k * m + i]


cdef terms_in_place(Taylor r, ndarray x):
    """The first-order terms of a number without dimensions, in the shape of x and its memory."""
    cdef cnp.npy_intp first = r.c + 1 - <double *>cnp.PyArray_DATA(<ndarray>r.heap)
    return r.heap[first : first + cnp.PyArray_SIZE(x)].reshape((<object>x).shape)


cdef shaped(double *c, x):
    """Coefficients as the input x is: a float, or an array."""
    if PyFloat_Check(x):
        return PyFloat64(c[0])
    out = empty(cnp.PyArray_NDIM(<ndarray>x), cnp.PyArray_DIMS(<ndarray>x), cnp.NPY_DOUBLE)
    memcpy(cnp.PyArray_DATA(out), c, cnp.PyArray_NBYTES(out))
    return out


def evaluated(fun, tuple args, dict kwargs, places, int order, double room, bint scalar):
    """fun evaluated once, with seeds at the arguments `places`: an Evaluated.

    scalar: the result is one number.  None where an argument is not a float or a float64
    array, where seeds to this order need lanes, or where one number of the inputs' size
    would take more than `room` bytes.
    """
    cdef Evaluated e
    cdef Py_ssize_t n = 0, i
    cdef double bytes
    cdef bint laned
    cdef list inputs = [], firsts = [], numbers
    cdef Taylor y
    for p in places:
        if not -len(args) <= p < len(args):
            return None
        x = args[p]
        firsts.append(n)
        inputs.append(x)
        if PyFloat_Check(x):
            n += 1
        elif plain_array(x):
            n += cnp.PyArray_SIZE(<ndarray>x)
        else:
            return None
    laned = with_lanes(n, order)
    bytes = 8.0 * n
    for i in range(1, order + 1):
        bytes *= <double>(n + i) / i
    if n == 0 or (laned and order > 1) or (not laned and bytes > room):
        return None
    if len(inputs) > 1 and len({p % len(args) for p in places}) < len(inputs):
        return None
    e = Evaluated.__new__(Evaluated)
    e.call = Call(n, order, laned)
    e.call.factor.scalar = scalar and (laned or _mode == "auto")
    e.inputs, e.firsts = inputs, firsts
    try:
        numbers = list(args)
        for i, p in enumerate(places):
            x = inputs[i]
            if PyFloat_Check(x) or laned:
                y = e.call.seed(x, firsts[i])
            else:
                y = seed_array(e.call.alg, <ndarray>x, firsts[i])
            numbers[p] = y
        y = None
        e.result = fun(*numbers, **kwargs)
    except BaseException:
        numbers = y = None
        e.close()
        raise
    return e
