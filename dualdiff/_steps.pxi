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
cdef Py_ssize_t SHARED_ONES = 2**15   # elements up to which the terms 1 are views of `_ones`
cdef Py_ssize_t SHARED_SEEDS = 2**20  # seeds up to which lanes are views of one array of them
cdef ndarray _ones = np.ones(SHARED_ONES)
_ones.flags.writeable = False


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
    cdef ndarray lane, ones
    wide.n = first + size
    wide.held += held + 16 * size
    wide.steps.append((first, size, back))
    if wide.n <= SHARED_SEEDS:
        lane = piece(<ndarray>first_seeds(wide.n), first, value, False)
    else:
        lane = np.arange(first, first + size).reshape((<object>value).shape)
    if size <= SHARED_ONES and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
        ones = piece(_ones, 0, value, True)
    else:
        ones = np.ones((1,) + (<object>value).shape, (<object>value).dtype)
    return new_laned(wide.lanes(1), value, ones, (lane,))


cdef ndarray piece(ndarray flat, Py_ssize_t first, ndarray like, bint row):
    """A view of elements `first` and following of a flat array, shaped as `like`.

    row: with an axis of length 1 in front.
    """
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef int q, lead = 1 if row else 0, nd = cnp.PyArray_NDIM(like) + lead
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(flat), step = item
    for q in range(nd - 1, -1, -1):
        dims[q] = cnp.PyArray_DIM(like, q - lead) if q >= lead else 1
        strides[q] = step
        step *= dims[q]
    return at_memory(flat, flat, <char *>cnp.PyArray_DATA(flat) + first * item, nd, dims, strides)


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

    T: a row for each of g; lane and row: of one shape, to which each g[r] broadcasts.
    """
    cdef Py_ssize_t r, rows = cnp.PyArray_DIM(T, 0)
    cdef int q, nd = cnp.PyArray_NDIM(row), lead = nd - (cnp.PyArray_NDIM(g) - 1)
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, at, by
    if cnp.PyArray_SIZE(row) == 0 or rows == 0:
        return
    if not (plain_rows(T) and cnp.PyArray_TYPE(row) == cnp.NPY_DOUBLE
            and cnp.PyArray_TYPE(g) == cnp.NPY_DOUBLE):
        w = row * g
        lane = np.broadcast_to(lane, w.shape[1:])
        for r in range(rows):
            np.add.at(T[r], lane, w[r])
        return
    for q in range(nd):
        dims[q] = cnp.PyArray_DIM(row, q)
        by[q] = 0
        if q >= lead and cnp.PyArray_DIM(g, q - lead + 1) > 1:
            by[q] = cnp.PyArray_STRIDE(g, q - lead + 1)
    with nogil:
        for r in range(rows):
            scatter_strided(
                <double *>cnp.PyArray_DATA(T) + r * cnp.PyArray_DIM(T, 1), nd, dims, at,
                <char *>cnp.PyArray_DATA(lane), cnp.PyArray_STRIDES(lane),
                <char *>cnp.PyArray_DATA(row), cnp.PyArray_STRIDES(row),
                <char *>cnp.PyArray_DATA(g) + r * cnp.PyArray_STRIDE(g, 0), by)


cdef void scatter_strided(double *t, int nd, cnp.npy_intp *dims, cnp.npy_intp *at, char *lane,
                          cnp.npy_intp *by_lane, char *row, cnp.npy_intp *by_row, char *g,
                          cnp.npy_intp *by) noexcept nogil:
    """t[lane] += row * g, over strided arrays in C order; at: room for nd indices."""
    cdef int q, last = nd - 1
    cdef Py_ssize_t n = 1
    while last >= 0 and (last == nd - 1 or joins(dims, by_lane, last)
                         and joins(dims, by_row, last) and joins(dims, by, last)):
        n *= dims[last]
        last -= 1
    for q in range(nd):
        at[q] = 0
    while True:
        scatter_line(t, n, lane, 0 if nd == 0 else by_lane[nd - 1], row,
                     0 if nd == 0 else by_row[nd - 1], g, 0 if nd == 0 else by[nd - 1])
        q = last
        while q >= 0:
            at[q] += 1
            lane += by_lane[q]
            row += by_row[q]
            g += by[q]
            if at[q] < dims[q]:
                break
            lane -= by_lane[q] * dims[q]
            row -= by_row[q] * dims[q]
            g -= by[q] * dims[q]
            at[q] = 0
            q -= 1
        if q < 0:
            return


cdef bint joins(cnp.npy_intp *dims, cnp.npy_intp *by, int q) noexcept nogil:
    """Whether axes q and q + 1 are one line."""
    return by[q] == by[q + 1] * dims[q + 1]


cdef void scatter_line(double *t, Py_ssize_t n, char *lane, Py_ssize_t by_lane, char *row,
                       Py_ssize_t by_row, char *g, Py_ssize_t by) noexcept nogil:
    cdef Py_ssize_t i
    cdef cnp.npy_intp *at = <cnp.npy_intp *>lane
    cdef double *c = <double *>row
    cdef double *v = <double *>g
    cdef double one = v[0]
    if by_lane == sizeof(cnp.npy_intp) and by_row == sizeof(double) and by == sizeof(double):
        for i in range(n):
            t[at[i]] += c[i] * v[i]
    elif by_lane == sizeof(cnp.npy_intp) and by_row == sizeof(double) and by == 0:
        for i in range(n):
            t[at[i]] += c[i] * one
    else:
        for i in range(n):
            t[(<cnp.npy_intp *>(lane + i * by_lane))[0]] += (
                (<double *>(row + i * by_row))[0] * (<double *>(g + i * by))[0])


cdef class Kept:
    """A large array that a step needs later, and a way to see whether it has changed."""

    cdef ndarray a
    cdef object print

    cdef ndarray array(self):
        """The array as it was."""
        if fingerprint(self.a) != self.print:
            raise StepsStop("dualdiff: an array was changed after it was multiplied")
        return self.a


cdef Kept kept(ndarray a):
    cdef Kept k = Kept.__new__(Kept)
    k.a = a[...]  # whose shape nobody else can set
    k.print = fingerprint(a)
    return k


cdef class Product:
    """Back from each element of a matrix product to the lanes of its factors."""

    cdef object a, b            # their values: copies, or Kept
    cdef ndarray ta, tb         # terms and lanes of those that are numbers
    cdef tuple la, lb
    cdef Py_ssize_t held

    def __call__(self, g, T):
        a = (<Kept>self.a).array() if type(self.a) is Kept else self.a
        b = (<Kept>self.b).array() if type(self.b) is Kept else self.b
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
        return kept(value)
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
    cdef Py_ssize_t size = cnp.PyArray_SIZE(x._value), top = root.n, s, first, count
    cdef ndarray T
    cdef tuple known
    value = <object>x._value
    if size > STEP_ROWS:
        raise StepsStop("dualdiff: a whole array with intermediate seeds is to become dense")
    for lane in x.lanes:
        top = max(top, 1 + (lane.item() if size == 1 else lane.max(initial=0)))
    s = len(wide.steps)
    while s and <Py_ssize_t>wide.steps[s - 1][0] >= top:
        s -= 1
    if s:
        top = wide.steps[s - 1][0] + wide.steps[s - 1][1]
    T = np.zeros((size, top), value.dtype)
    for q, lane in enumerate(x.lanes):
        add_one_each(T, lane.ravel(), x._terms[q, ...].ravel())
    with np.errstate(all="ignore"):
        while s:
            s -= 1
            known = <tuple>wide.steps[s]
            first, count = known[0], known[1]
            g = columns(T, first, count)
            if not all_zero(g):
                known[2](g, T)
    # the last seed of a chunk stands for all seeds of others, which look themselves
    own = columns(T, 0, root.n - (root.whole is not None))
    if holds_nan(own):
        # zeros met infinities in another order than they do dense
        raise StepsStop("dualdiff: derivatives by intermediate seeds are not a number")
    terms = np.ascontiguousarray(columns(T, 0, root.n).T).reshape((root.n,) + value.shape)
    return new_array(algebra_of((root,), ()), x._value, terms)


cdef int add_one_each(ndarray T, ndarray lane, ndarray row) except -1:
    """T[r, lane[r]] += row[r]."""
    cdef Py_ssize_t r
    cdef cnp.npy_intp *at = <cnp.npy_intp *>cnp.PyArray_DATA(lane)
    if cnp.PyArray_TYPE(T) != cnp.NPY_DOUBLE:
        T[range(row.size), lane] += row
        return 0
    for r in range(cnp.PyArray_DIM(T, 0)):
        (<double *>cnp.PyArray_GETPTR2(T, r, at[r]))[0] += (<double *>cnp.PyArray_DATA(row))[r]
    return 0


cdef bint holds_nan(ndarray T) except -1:
    cdef Py_ssize_t r, i
    cdef double *t
    if cnp.PyArray_TYPE(T) != cnp.NPY_DOUBLE:
        return np.isnan(T).any()
    for r in range(cnp.PyArray_DIM(T, 0)):
        t = <double *>cnp.PyArray_GETPTR2(T, r, 0)
        for i in range(cnp.PyArray_DIM(T, 1)):
            if t[i] != t[i]:
                return True
    return False


cdef ndarray columns(ndarray T, Py_ssize_t first, Py_ssize_t count):
    """T[:, first : first + count], a view."""
    cdef cnp.npy_intp[2] dims
    dims[0], dims[1] = cnp.PyArray_DIM(T, 0), count
    return at_memory(T, T, <char *>cnp.PyArray_DATA(T) + first * cnp.PyArray_STRIDE(T, 1), 2, dims,
                     cnp.PyArray_STRIDES(T))


cdef bint all_zero(ndarray g) except -1:
    """Whether a row for each direction is zero everywhere."""
    cdef Py_ssize_t i
    cdef double *v = <double *>cnp.PyArray_DATA(g)
    if cnp.PyArray_DIM(g, 0) > 1 or cnp.PyArray_TYPE(g) != cnp.NPY_DOUBLE:
        return not np.count_nonzero(g)
    for i in range(cnp.PyArray_DIM(g, 1)):
        if v[i] != 0.0:
            return False
    return True
