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
            scatter_rows(T, lane, self.terms[q] * g)


cdef Scatter scatter_of(Taylor x, shape):
    cdef Scatter s = Scatter.__new__(Scatter)
    sync(x)
    s.terms = np.array(x._terms)
    s.lanes = tuple([np.array(lane) if (<object>lane).flags.writeable else lane
                     for lane in x.lanes])
    s.shape = shape
    return s


def scatter_rows(T, lane, w):
    """T[r, lane] += w[r], element by element, for each row; T: C-contiguous."""
    cdef Py_ssize_t r, i, n
    cdef cnp.npy_intp *at
    cdef double *t
    cdef double *v
    lane = np.ascontiguousarray(np.broadcast_to(lane, w.shape[1:]), np.intp)
    if T.dtype != np.float64:
        for r in range(len(T)):
            np.add.at(T[r], lane, w[r])
        return
    w = np.ascontiguousarray(w, np.float64)
    n = lane.size
    at = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>lane)
    for r in range(len(T)):
        t = <double *>cnp.PyArray_DATA(<ndarray>T) + r * <Py_ssize_t>T.shape[1]
        v = <double *>cnp.PyArray_DATA(<ndarray>w) + r * n
        with nogil:
            for i in range(n):
                t[at[i]] += v[i]


cdef class Spread:
    """Back from each element of a dense number to all inputs."""

    cdef object terms   # (n, elements)

    def __call__(self, g, T):
        # element by element: BLAS would round by the number of seeds, which chunks must not show
        for e in range(self.terms.shape[1]):
            T[:, : len(self.terms)] += _hooks["product"](g[:, e : e + 1], self.terms[None, :, e])


cdef Taylor collapsed(Taylor x):
    """x with one seed of its own for each element, in place of many local ones."""
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
    top = max([int(np.max(lane)) + 1 for lane in x.lanes if (<object>lane).size] or [0])
    steps = [s for s in wide.steps if s[0] < top]
    top = steps[-1][0] + steps[-1][1] if steps else top
    T = np.zeros((size, max(top, root.n)), value.dtype)
    for q, lane in enumerate(x.lanes):
        T[np.arange(size), np.ravel(lane)] += np.ravel(x._terms[q])
    with np.errstate(all="ignore"):
        for first, count, back in reversed(steps):
            g = T[:, first : first + count]
            if g.any():
                back(g, T)
    # the last seed of a chunk stands for all seeds of others, which look themselves
    if np.isnan(T[:, : root.n - (root.whole is not None)]).any():
        # zeros met infinities in another order than they do dense
        raise StepsStop("dualdiff: derivatives by intermediate seeds are not a number")
    terms = np.ascontiguousarray(T[:, : root.n].T).reshape((root.n,) + value.shape)
    return new_array(algebra_of((root,), ()), x._value, terms)
