"""Part of _taylor.pyx: intermediate seeds, which keep numbers with lanes narrow where elements mix.

A product with a matrix, a sum, the meeting with a mean make every element of a result z depend
on many seeds.  In the gradient of a scalar (order 1) z gets seeds of its own instead: one
for each element, numbered after the inputs, of the factor that is `wide`; and the step that
made z is noted down: back(g, T) adds to T, the derivatives by all earlier seeds, what the
derivatives g by those of z amount to.  Numbers over the wide factor are numbers with lanes as
all others.  Reading them eliminates the intermediate seeds, the last first: one transposed
product for each step, whatever the number of inputs (vertex elimination; Griewank and
Walther, Evaluating Derivatives, chapters 9 and 10).

Invariant: what a step needs later is a copy, or is found changed (see `Kept`).
"""

cdef Py_ssize_t STEP_BYTES = 1 << 28  # that all steps of one call may keep
cdef Py_ssize_t STEP_ROWS = 32        # elements of a number that becomes dense by elimination
cdef Py_ssize_t KEPT_COPIES = 2**15   # elements up to which a factor of a product is copied


class StepsStop(DenseLimit):
    """Steps cannot go on, or do not pay: evaluate once more without them."""


cdef Factor root_of(Factor factor):
    """The factor of the inputs' own seeds."""
    return factor if factor.root is None else factor.root


cdef bint takes_steps(Taylor x) noexcept:
    """Whether x, a number with lanes, may be given seeds of its own."""
    cdef Factor root
    if x.lanes is None or len(x.alg.factors) != 1 or x.alg.D != 1 or is_pending(x) or (
        kernel_type(cnp.PyArray_TYPE(x._value)) < 0
    ):
        return False
    root = root_of(parent_of(x))
    return root.scalar and (root.wide is None or root.wide.held < STEP_BYTES)


cdef Factor wide_factor(Factor root):
    """The factor of the inputs' and of all intermediate seeds."""
    cdef Factor wide
    if root.wide is None:
        wide = Factor(root.n, 1)
        wide.tag, wide.born, wide.root, wide.steps = root.tag, root.born, root, []
        root.wide = wide
    return root.wide


cdef Taylor widened(Taylor x):
    """x, a number over the lanes of one factor, over those of the wide one."""
    cdef Factor parent = parent_of(x)
    if parent.root is not None:
        return x
    sync(x)
    alg = wide_factor(parent).lanes(len(x.lanes))
    return new_laned(alg, x._value, x._terms, x.lanes)


cdef tuple with_steps(Taylor x, Taylor y):
    """Two numbers of which one may take steps: both over wide lanes where that can be."""
    cdef Taylor a = x, b = y
    if x.lanes is not None and y.lanes is not None:
        if parent_of(x) is parent_of(y):
            return x, y
        if takes_steps(x) and takes_steps(y) and root_of(parent_of(x)) is root_of(parent_of(y)):
            return widened(x), widened(y)
    elif takes_steps(x) and meets_inputs(x, y):
        return widened(x), spread_step(y, root_of(parent_of(x)))
    elif takes_steps(y) and meets_inputs(y, x):
        return spread_step(x, root_of(parent_of(y))), widened(y)
    if x.lanes is not None and parent_of(x).root is not None:
        a = dense(x)
    if y.lanes is not None and parent_of(y).root is not None:
        b = dense(y)
    return a, b


cdef bint meets_inputs(Taylor x, Taylor y):
    """Whether y is a dense number, smaller than x, over just the inputs of x."""
    return (len(y.alg.factors) == 1 and y.alg.factors[0] is root_of(parent_of(x))
            and y.dtype == x.dtype and 4 * (y.size - 1) <= x.size)


cdef Taylor own_seeds(Factor root, ndarray value, back, Py_ssize_t held):
    """The result of a step: each element has a seed of its own."""
    cdef Factor wide = wide_factor(root)
    cdef Py_ssize_t first = wide.n, size = cnp.PyArray_SIZE(value)
    shape = (<object>value).shape
    wide.n = first + size
    wide.held += held + 16 * size
    wide.steps.append((first, size, back))
    lane = np.arange(first, first + size).reshape(shape)
    terms = np.ones((1,) + shape, (<object>value).dtype)
    return new_laned(wide.lanes(1), value, terms, (lane,))


def step(x, value, back, held):
    """The number of these values with seeds of its own; x: a number that it was made of."""
    return own_seeds(root_of(parent_of(<Taylor>x)), np.asarray(value), back, held)


def may_step(*numbers):
    """Whether all of these are numbers over the lanes of one call that takes steps."""
    cdef Factor root = None
    for x in numbers:
        if type(x) is not Taylor:
            return False
        if (<Taylor>x).base is not None:
            sync(<Taylor>x)
        if not takes_steps(<Taylor>x):
            return False
        if root is not None and root is not root_of(parent_of(<Taylor>x)):
            return False
        root = root_of(parent_of(<Taylor>x))
    return root is not None


# ---- steps -------------------------------------------------------------------------------

cdef class Scatter:
    """Back from each element of a number, or of its sum over axes, to the lanes it had."""

    cdef ndarray terms
    cdef tuple lanes
    cdef tuple shape    # of one direction's derivatives, ready to broadcast against the terms

    def __call__(self, g, T):
        g = g.reshape((len(g),) + self.shape)
        for q, lane in enumerate(self.lanes):
            scatter_rows(T, lane, self.terms[q, ...], g)


cdef Scatter scatter_of(Taylor x, shape):
    cdef Scatter s = Scatter.__new__(Scatter)
    sync(x)
    s.terms = recycled_copy(x._terms)
    s.lanes = kept_lanes(x)
    s.shape = shape
    return s


cdef tuple kept_lanes(Taylor x):
    """The lanes of x as they are now, C-contiguous."""
    cdef list lanes = []
    for lane in x.lanes:
        if cnp.PyArray_ISWRITEABLE(<ndarray>lane) or not cnp.PyArray_IS_C_CONTIGUOUS(<ndarray>lane):
            lane = recycled_copy(<ndarray>lane)
        lanes.append(lane)
    return tuple(lanes)


cdef bint plain_rows(ndarray a) noexcept:
    return cnp.PyArray_TYPE(a) == cnp.NPY_DOUBLE and cnp.PyArray_IS_C_CONTIGUOUS(a)


def scatter_rows(ndarray T, ndarray lane, ndarray row, ndarray g):
    """T[r, lane] += row * g[r], element by element, for each r.

    T: C-contiguous, a row for each of g; lane and row: of one shape, to which each g[r]
    broadcasts.
    """
    cdef Py_ssize_t r, i, rows = cnp.PyArray_DIM(T, 0), n = cnp.PyArray_SIZE(row)
    cdef Py_ssize_t width = cnp.PyArray_DIM(T, 1), each
    cdef cnp.npy_intp *at
    cdef double *t
    cdef double *v
    cdef double *c
    cdef double one
    if n == 0 or rows == 0:
        return
    each = cnp.PyArray_SIZE(g) // rows
    if not (plain_rows(T) and plain_rows(row) and plain_rows(g)
            and cnp.PyArray_IS_C_CONTIGUOUS(lane) and (each == n or each == 1)):
        w = row * g
        lane = np.broadcast_to(lane, w.shape[1:])
        if plain_rows(T):
            row = np.ones(w.shape[1:])
            scatter_rows(T, np.ascontiguousarray(lane), row, np.ascontiguousarray(w, np.float64))
        else:
            for r in range(rows):
                np.add.at(T[r], lane, w[r])
        return
    at = <cnp.npy_intp *>cnp.PyArray_DATA(lane)
    c = <double *>cnp.PyArray_DATA(row)
    with nogil:
        for r in range(rows):
            t = <double *>cnp.PyArray_DATA(T) + r * width
            v = <double *>cnp.PyArray_DATA(g) + r * each
            if each == n:
                for i in range(n):
                    if c[i] != 0:
                        t[at[i]] += c[i] * v[i]
            else:
                one = v[0]
                for i in range(n):
                    t[at[i]] += c[i] * one


class Kept:
    """A large array that a step needs later, and a way to see whether it has changed."""

    def __init__(self, a):
        self.a, self.print = a, self.fingerprint(a)

    def fingerprint(self, a):
        """The array times a vector without pattern."""
        with np.errstate(all="ignore"):
            return np.matmul(a, np.sin(np.arange(1.0, a.shape[-1] + 1)).astype(a.dtype))

    def array(self):
        """The array as it was."""
        if not np.array_equal(self.print, self.fingerprint(self.a), equal_nan=True):
            raise StepsStop("dualdiff: an array was changed after it was multiplied")
        return self.a


cdef class Product:
    """Back from each element of a matrix product to the lanes of its factors."""

    cdef object a, b            # their values: copies, or Kept
    cdef ndarray ta, tb         # terms and lanes of those that are numbers
    cdef tuple la, lb
    cdef Py_ssize_t held

    def __call__(self, g, T):
        a = self.a.array() if type(self.a) is Kept else self.a
        b = self.b.array() if type(self.b) is Kept else self.b
        shape_a, shape_b = a.shape, b.shape
        a = a[None] if a.ndim == 1 else a
        b = b[:, None] if b.ndim == 1 else b
        count = len(g)
        g = g.reshape((len(a), b.shape[1]) if count == 1 else (count, len(a), b.shape[1]))
        if self.ta is not None:
            back = quiet_product(g, b.T).reshape((count,) + shape_a)
            for q, lane in enumerate(self.la):
                scatter_rows(T, lane, self.ta[q, ...], back)
        if self.tb is not None:
            back = quiet_product(a.T, g).reshape((count,) + shape_b)
            for q, lane in enumerate(self.lb):
                scatter_rows(T, lane, self.tb[q, ...], back)


cdef quiet_product(a, b):
    """a @ b, in which an exactly zero factor beats inf and NaN; errors are ignored already."""
    c = np.matmul(a, b)
    flat = c.ravel("K")
    s = flat.dot(flat)
    return c if s == s else _hooks["product"](a, b)


cdef factor_kept(Product back, value):
    """The value of a factor as a step keeps it: a small one is copied."""
    if value.size > KEPT_COPIES:
        return Kept(value)
    back.held += value.nbytes
    return recycled_copy(<ndarray>value)


def product_step(a, b):
    """a @ b with seeds of its own; None where that cannot be.

    At least one is a number; the other one may be an array.
    """
    cdef Product back
    cdef Taylor x = <Taylor>(a if type(a) is Taylor else b)
    numbers = [y for y in (a, b) if type(y) is Taylor]
    if not may_step(*numbers) or not 1 <= a.ndim <= 2 or not 1 <= b.ndim <= 2:
        return None
    va = value_of(<Taylor>a) if type(a) is Taylor else a
    vb = value_of(<Taylor>b) if type(b) is Taylor else b
    if va.dtype != vb.dtype and not (va.dtype.kind in "fiu" and vb.dtype.kind in "fiu"):
        return None
    value = np.matmul(va, vb)
    for y in numbers:
        if (<Taylor>y).dtype != value.dtype:
            return None
    back = Product.__new__(Product)
    back.a, back.b = factor_kept(back, va), factor_kept(back, vb)
    if type(a) is Taylor:
        back.ta, back.la = recycled_copy((<Taylor>a)._terms), kept_lanes(<Taylor>a)
        back.held += 2 * cnp.PyArray_NBYTES(back.ta)
    if type(b) is Taylor:
        back.tb, back.lb = recycled_copy((<Taylor>b)._terms), kept_lanes(<Taylor>b)
        back.held += 2 * cnp.PyArray_NBYTES(back.tb)
    return own_seeds(root_of(parent_of(x)), value, back, back.held)


cdef class Spread:
    """Back from each element of a dense number to all inputs."""

    cdef object terms   # (n, elements)

    def __call__(self, g, T):
        # element by element: BLAS would round by the number of seeds, which chunks must not show
        for e in range(self.terms.shape[1]):
            T[:, : len(self.terms)] += _hooks["product"](g[:, e : e + 1], self.terms[None, :, e])


cdef Taylor collapsed(Taylor x):
    """x with one seed of its own for each element, in place of many local ones."""
    sync(x)
    if len(x.lanes) == 1:
        return widened(x)
    return own_seeds(root_of(parent_of(x)), x._value, scatter_of(x, x.shape),
                     cnp.PyArray_NBYTES(x._terms))


cdef Taylor summed_step(Taylor x, value, axes):
    """The sum over axes, of these values."""
    shape = tuple([1 if q in axes else s for q, s in enumerate((<object>x._value).shape)])
    return own_seeds(root_of(parent_of(x)), np.asarray(value), scatter_of(x, shape),
                     cnp.PyArray_NBYTES(x._terms))


def sum_step(Taylor x, value, axes):
    """The sum of x over axes, its values known, as a step; None where x takes none."""
    return summed_step(x, value, axes) if takes_steps(x) else None


cdef Taylor spread_step(Taylor y, Factor root):
    """A dense number over the inputs' seeds, with seeds of its own."""
    cdef Spread back = Spread.__new__(Spread)
    back.terms = np.array(terms_of(y)).reshape((root.n, -1))
    return own_seeds(root, np.asarray(value_of(y)).copy(), back,
                     back.terms[0].nbytes * seeds_in_all(root))


# ---- elimination ---------------------------------------------------------------------------

cdef Taylor eliminated(Taylor x):
    """x, over the lanes of a wide factor, as a dense number over the inputs' seeds."""
    cdef Factor wide = parent_of(x), root = wide.root
    cdef Py_ssize_t size = cnp.PyArray_SIZE(x._value), top, q, first, count
    value = <object>x._value
    if size > STEP_ROWS:
        raise StepsStop("dualdiff: a whole array with intermediate seeds is to become dense")
    top = max([int(lane.max()) + 1 for lane in x.lanes if (<object>lane).size] or [0])
    steps = [s for s in wide.steps if s[0] < top]
    top = steps[-1][0] + steps[-1][1] if steps else top
    T = np.zeros((size, max(top, root.n)), value.dtype)
    for q, lane in enumerate(x.lanes):
        T[np.arange(size), lane.ravel()] += x._terms[q].ravel()
    with np.errstate(all="ignore"):
        for first, count, back in reversed(steps):
            g = T[:, first : first + count]
            if np.count_nonzero(g):
                back(g, T)
    # the last seed of a chunk stands for all seeds of others, which look themselves
    if np.isnan(T[:, : root.n - (root.whole is not None)]).any():
        # zeros met infinities in another order than they do dense
        raise StepsStop("dualdiff: derivatives by intermediate seeds are not a number")
    terms = np.ascontiguousarray(T[:, : root.n].T).reshape((root.n,) + value.shape)
    return new_array(algebra_of((root,), ()), x._value, terms)
