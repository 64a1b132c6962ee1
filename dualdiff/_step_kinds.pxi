"""Part of _taylor.pyx: the steps by which numbers get seeds of their own (see _steps.pxi): a
scatter, a matrix product, a spread; and sums, meetings and products that are made of them.

Each is called as back(g, T).  Invariant: lanes of operands lie before the seeds of the result.
"""

cdef class Scatter:
    """Back from each element of a number, or of its sum over axes, to the lanes it had."""

    cdef ndarray terms  # (monomials of the rest, lanes, *shape)
    cdef tuple lanes
    cdef tuple shape    # of one direction's derivatives, ready to broadcast against the terms
    cdef Py_ssize_t run  # the first seed of a sum over a run of them with equal terms; else -1

    def __call__(self, g, T):
        cdef Py_ssize_t r, n
        cdef double *term = <double *>cnp.PyArray_DATA(self.terms)
        if self.run >= 0 and plain_rows(T) and plain_rows(g):
            n = cnp.PyArray_DIM(<ndarray>self.lanes[0], 0)
            for r in range(cnp.PyArray_DIM(T, 0)):
                scaled_row(<double *>cnp.PyArray_GETPTR2(T, r, self.run), n,
                           (<double *>cnp.PyArray_GETPTR2(g, r, 0))[0], term, 0, False)
            return
        g = g.reshape((len(g), cnp.PyArray_DIM(self.terms, 0)) + self.shape)
        scatter_all(T, self.lanes, self.terms, g)


cdef class Row:
    """Back from the sum of a number to n seeds from `first` on: what it adds to each is known.

    heap: as that of a number without dimensions over these seeds, its value not set.
    """

    cdef ndarray heap
    cdef Py_ssize_t first, n

    def __call__(self, g, T):
        cdef Py_ssize_t r
        cdef double *row = self.terms()
        if not plain_rows(T):  # of another dtype
            T = T[:, self.first : self.first + self.n]
            with_zeros = g * self.heap[LEAD + 1 :]
            T += np.where(self.heap[LEAD + 1 :] == 0, 0, with_zeros)
            return
        for r in range(cnp.PyArray_DIM(T, 0)):
            scaled_row(<double *>cnp.PyArray_GETPTR2(T, r, self.first), self.n,
                       (<double *>cnp.PyArray_GETPTR2(g, r, 0))[0], row, 1, False)

    cdef double *terms(self) except NULL:
        if self.heap is None:
            raise StepsStop("dualdiff: a sum with seeds of its own is read for a second time")
        return <double *>cnp.PyArray_DATA(self.heap) + LEAD + 1

    cdef ndarray times(self, double g, bint alone):
        """A heap with the terms times g; alone: this one, nobody will read it again."""
        cdef ndarray heap = self.heap
        cdef double *row = self.terms()
        if not alone:
            heap = empty(1, cnp.PyArray_DIMS(heap), cnp.NPY_DOUBLE)
        if not alone or g != 1.0:
            scaled_row(<double *>cnp.PyArray_DATA(heap) + LEAD + 1, self.n, g, row, 1, True)
        if alone:
            self.heap = None
        return heap


cdef Row row_of(Py_ssize_t first, Py_ssize_t n):
    """A row for n seeds, not set."""
    cdef Row back = Row.__new__(Row)
    cdef cnp.npy_intp size = LEAD + 1 + n
    back.heap = empty(1, &size, cnp.NPY_DOUBLE)
    back.first, back.n = first, n
    return back


cdef Taylor row_step(Taylor x, ndarray value, Row back):
    """The sum of x as a step: its value, and what each seed gets."""
    return own_seeds(root_of(parent_of(x)), value, back, 8 * back.n)


cdef int scatter_all(ndarray T, tuple lanes, terms, g) except -1:
    """Add to T: terms (M, lanes, *shape) times g (rows, M, ...)."""
    cdef Py_ssize_t k, q
    for k in range(len(terms)):
        for q in range(len(lanes)):
            scatter_rows(T, lanes[q], terms[k, q, ...], g[:, k])
    return 0


cdef Taylor with_terms(Taylor x, ndarray terms):
    """A number with the lanes of x, other terms, and no values to speak of."""
    return new_laned(x.alg, x._value, terms, x.lanes)


cdef Scatter scatter_of(Taylor x, shape):
    cdef Scatter s = Scatter.__new__(Scatter)
    sync(x)
    s.terms = local_terms(x)
    s.lanes = kept_lanes(x)
    s.shape = shape
    s.run = equal_run(x, shape)
    return s


cdef Py_ssize_t equal_run(Taylor x, shape) except -2:
    """See Scatter.run."""
    cdef dd_runs r
    if shape != (1,) or cnp.PyArray_NDIM(x._value) != 1 or len(x.lanes) > 1 or (
        len(x.alg.factors) > 1 or cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE
    ):
        return -1
    if cnp.PyArray_STRIDE(x._terms, 1) or not runs_of(parent_of(x), <ndarray>x.lanes[0], &r):
        return -1
    return r.start if r.runs == 1 else -1


cdef tuple kept_lanes(Taylor x):
    """The lanes of x as they are now: copies of those that may be written to."""
    cdef list lanes = []
    for lane in x.lanes:
        if cnp.PyArray_ISWRITEABLE(<ndarray>lane):
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
    """Exact zeros add nothing: many fall on one seed, and an infinity of g would make NaN."""
    cdef Py_ssize_t i
    cdef cnp.npy_intp *at = <cnp.npy_intp *>lane
    cdef double *c = <double *>row
    cdef double *v = <double *>g
    cdef double one = v[0], each
    if by_lane == sizeof(cnp.npy_intp) and by_row == sizeof(double) and by == sizeof(double):
        for i in range(n):
            if c[i] != 0:
                t[at[i]] += c[i] * v[i]
    elif by_lane == sizeof(cnp.npy_intp) and by_row == sizeof(double) and by == 0:
        for i in range(n):
            if c[i] != 0:
                t[at[i]] += c[i] * one
    else:
        for i in range(n):
            each = (<double *>(row + i * by_row))[0]
            if each != 0:
                t[(<cnp.npy_intp *>(lane + i * by_lane))[0]] += each * (
                    <double *>(g + i * by))[0]


cdef class Kept:
    """A large array that a step needs later, and a way to see whether it has changed."""

    cdef ndarray a
    cdef object print

    cdef ndarray array(self):
        """The array as it was."""
        self.check(fingerprint(self.a))
        return self.a

    cdef ndarray product(self, ndarray g, bint left):
        """g @ the matrix as it was if left, else the matrix @ g; None if it takes two passes."""
        result = fingerprint_product(self.a, g, left)
        if result is None:
            return None
        self.check(result[0])
        return None if holds_nan(result[1]) else result[1]

    cdef int check(self, now) except -1:
        if now != self.print:
            raise StepsStop("dualdiff: an array was changed after it was multiplied")
        return 0


cdef Kept kept(ndarray a):
    cdef Kept k = Kept.__new__(Kept)
    k.a = a[...]  # whose shape nobody else can set
    k.print = fingerprint(a)
    return k


cdef class Product:
    """Back from each element of a matrix product to the lanes of its factors."""

    cdef list a, b              # coefficients by the rest: copies; the value perhaps Kept
    cdef tuple shape_a, shape_b
    cdef ndarray ta, tb         # terms (M, lanes, *shape) and lanes of those that are numbers
    cdef tuple la, lb
    cdef Algebra rest
    cdef Py_ssize_t held

    def __call__(self, g, T):
        cdef Py_ssize_t M = 1 if self.rest is None else self.rest.M, m, p
        if M == 1 and len(g) == 1 and self.one_pass(g, T):
            return
        cdef list a = [matrix(x, (1,) + self.shape_a) for x in self.a]
        cdef list b = [matrix(x, self.shape_b + (1,)) for x in self.b]
        cdef list ga = [None] * M, gb = [None] * M
        m, p = a[0].shape[0], b[0].shape[1]
        count = len(g)
        g = g.reshape((count, M, m, p))
        for i, j, k in rest_pairs(self.rest):
            each = g[0, k] if count == 1 else g[:, k]
            if self.ta is not None and j < len(b):
                ga[i] = sum_of(ga[i], quiet_product(each, b[j].T))
            if self.tb is not None and i < len(a):
                gb[j] = sum_of(gb[j], quiet_product(a[i].T, each))
        if self.ta is not None:
            scatter_all(T, self.la, self.ta, stacked_rows(ga, count, self.shape_a))
        if self.tb is not None:
            scatter_all(T, self.lb, self.tb, stacked_rows(gb, count, self.shape_b))

    cdef bint one_pass(self, g, T) except -1:
        """A constant matrix times a vector: read once, to be multiplied and compared."""
        if len(self.shape_a) + len(self.shape_b) != 3:
            return False
        if self.ta is None and type(self.a[0]) is Kept and len(self.shape_a) == 2:
            each = (<Kept>self.a[0]).product(g.reshape(-1), True)
            terms, lanes = self.tb, self.lb
        elif self.tb is None and type(self.b[0]) is Kept and len(self.shape_b) == 2:
            each = (<Kept>self.b[0]).product(g.reshape(-1), False)
            terms, lanes = self.ta, self.la
        else:
            return False
        if each is None:
            return False
        scatter_all(T, lanes, terms, each[None, None])
        return True


cdef matrix(x, tuple shape):
    """A factor as it was, as a matrix of this shape if it is a vector."""
    x = (<Kept>x).array() if type(x) is Kept else x
    return x.reshape(shape) if x.ndim == 1 else x


cdef sum_of(total, x):
    return x if total is None else total + x


cdef stacked_rows(list each, count, tuple shape):
    """(count, M, *shape) from M arrays, one for each monomial of the rest."""
    if len(each) == 1:
        return each[0].reshape((count, 1) + shape)
    return np.stack([x.reshape((count,) + shape) for x in each], 1)


cdef quiet_product(a, b):
    """a @ b, in which an exactly zero factor beats inf and NaN; errors are ignored already."""
    c = np.matmul(a, b)
    return _hooks["product"](a, b) if holds_nan(c) else c


cdef list factor_kept(Product back, x):
    """The coefficients of a factor as a step keeps them: a small value is copied."""
    cdef list rows = list(terms_of(<Taylor>x)) if type(x) is Taylor else []
    value = np.asarray(value_of(<Taylor>x)) if type(x) is Taylor else x
    if value.size > KEPT_COPIES:
        return [kept(value), *rows]
    back.held += value.nbytes * (1 + len(rows))
    return [recycled_copy(<ndarray>value), *rows]


def product_step(a, b):
    """a @ b with seeds of its own; None where that cannot be.

    At least one is a number; the other one may be an array.
    """
    cdef Product back
    cdef Factor root
    numbers = [x for x in (a, b) if type(x) is Taylor]
    laned = [x for x in numbers if has_lanes(x)]
    if not may_step(*laned, nested=True) or not 1 <= a.ndim <= 2 or not 1 <= b.ndim <= 2:
        return None
    if a.dtype != b.dtype and not (a.dtype.kind in "fiu" and b.dtype.kind in "fiu"):
        return None
    root = root_of(parent_of(<Taylor>laned[0]))
    back = Product.__new__(Product)
    for x in numbers:
        rest = rest_of((<Taylor>x).alg) if has_lanes(x) else (<Taylor>x).alg
        if rest is not None:
            back.rest = rest if back.rest is None else union_of(back.rest, rest)[0]
    if back.rest is not None and (back.rest.M > STEP_RESTS or back.rest.bounds
                                  or back.rest.place(root) >= 0):
        return None
    if type(a) is Taylor:
        a = over_rest(<Taylor>a, back.rest)
    if type(b) is Taylor:
        b = over_rest(<Taylor>b, back.rest)
    ra = rest_number(<Taylor>a) if type(a) is Taylor else a
    rb = rest_number(<Taylor>b) if type(b) is Taylor else b
    value = np.matmul(ra, rb)
    for x in numbers:
        if (<Taylor>x).dtype != value.dtype:
            return None
    back.shape_a, back.shape_b = ra.shape, rb.shape
    back.a, back.b = factor_kept(back, ra), factor_kept(back, rb)
    if has_lanes(a):
        back.ta, back.la = local_terms(<Taylor>a), kept_lanes(<Taylor>a)
        back.held += 2 * cnp.PyArray_NBYTES(back.ta)
    if has_lanes(b):
        back.tb, back.lb = local_terms(<Taylor>b), kept_lanes(<Taylor>b)
        back.held += 2 * cnp.PyArray_NBYTES(back.tb)
    return own_seeds(root, value, back, back.held)


cdef Py_ssize_t SMALL_PRODUCT = 2048  # terms up to which a product goes without the row's detours
cdef double UNBOUNDED = 1e300         # sums of squares from which a product may overflow


cdef small_product(a, b):
    """A small dense number times a constant vector or matrix; None where the row must see to it.

    Its squares are so small that nothing overflows, and nothing is infinite or NaN.
    """
    cdef bint left = type(a) is Taylor
    cdef Taylor x = <Taylor>(a if left else b)
    other = b if left else a
    if type(other) is Taylor or not cnp.PyArray_CheckExact(other) or x._value is None or (
        cnp.PyArray_TYPE(<ndarray>other) != cnp.NPY_DOUBLE
        or cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE
        or not 1 <= cnp.PyArray_NDIM(<ndarray>other) <= 2 or cnp.PyArray_NDIM(x._value) > 2
        or x.alg.M < 2 or (x.alg.M - 1) * cnp.PyArray_SIZE(x._value) > SMALL_PRODUCT
        or cnp.PyArray_SIZE(<ndarray>other) > SMALL_PRODUCT
    ):
        return None
    if x.base is not None:
        sync(x)
    t = x._terms.ravel()
    c = other.ravel()
    if not (np.dot(t, t) < UNBOUNDED and np.dot(c, c) < UNBOUNDED):
        return None
    value = np.matmul(x._value, other) if left else np.matmul(other, x._value)
    if left:
        terms = np.matmul(x._terms, other)
    elif cnp.PyArray_NDIM(x._value) == 1:
        terms = np.matmul(x._terms, other.T)
    else:
        terms = np.matmul(other, x._terms)
    return new_array(x.alg, np.asarray(value), terms)


cdef Py_ssize_t LONG_PRODUCT = 16384  # coefficients of a product from which a step pays


cdef product_of_seeds(a, b):
    """A large product of the seeds of a call that takes steps with a matrix; None for others."""
    cdef Taylor x = <Taylor>(a if type(a) is Taylor else b)
    other = b if type(a) is Taylor else a
    cdef Factor factor
    cdef Py_ssize_t size
    if not cnp.PyArray_CheckExact(other) or cnp.PyArray_NDIM(<ndarray>other) != 2 or (
        x._value is None or x.alg.D != 1 or len(x.alg.factors) != 1
    ):
        return None
    factor = <Factor>x.alg.factors[0]
    size = cnp.PyArray_SIZE(<ndarray>other) // max(
        cnp.PyArray_DIM(<ndarray>other, 0 if type(a) is Taylor else 1), 1)
    if cnp.PyArray_NDIM(x._value) == 2:
        size *= cnp.PyArray_DIM(x._value, 0 if type(a) is Taylor else 1)
    if not factor.scalar or factor.root is not None or size * factor.n < LONG_PRODUCT:
        return None
    x = seeds_with_lanes(x, factor)
    if x is None:
        return None
    return product_step(x, b) if type(a) is Taylor else product_step(a, x)


cdef Taylor seeds_with_lanes(Taylor x, Factor factor):
    """A dense number whose elements are seeds of a factor, one by one, with lanes; else None."""
    cdef Py_ssize_t i, j, n = cnp.PyArray_SIZE(x._value), first = -1
    cdef ndarray terms
    cdef double *t
    cdef bint same = True
    if cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE or n == 0:
        return None
    if x.base is not None:
        sync(x)
    terms = np.ascontiguousarray(x._terms)
    t = <double *>cnp.PyArray_DATA(terms)
    for i in range(factor.n):
        if t[i * n] != 0:
            first = i
            break
    if first < 0 or first + n > factor.n:
        return None
    for i in range(factor.n):
        for j in range(n):
            same &= t[i * n + j] == (i == first + j)
    if not same:
        return None
    lane = factor.seeds()[first : first + n].reshape((<object>x._value).shape)
    return new_laned(factor.lanes(1), x._value, np.ones((1,) + (<object>x._value).shape), (lane,))


cdef class Spread:
    """Back from each element of a dense number to all inputs."""

    cdef object terms   # (monomials of the rest, n, elements)

    def __call__(self, g, T):
        # element by element: BLAS would round by the number of seeds, which chunks must not show
        M, n, size = self.terms.shape
        g = g.reshape((len(g), M, size))
        for k in range(M):
            for e in range(size):
                a, b = g[:, k, e : e + 1], self.terms[k, None, :, e]
                each = a * b
                T[:, :n] += _hooks["product"](a, b) if holds_nan(each) else each


cdef Taylor collapsed(Taylor x):
    """x with one seed of its own for each element, in place of many local ones."""
    sync(x)
    if len(x.lanes) == 1:
        return widened(x)
    return own_seeds(root_of(parent_of(x)), rest_number(x), scatter_of(x, x.shape),
                     cnp.PyArray_NBYTES(x._terms))


@cython.final
cdef class Halves:
    """Back from the real and the imaginary parts of complex sums."""
    cdef Scatter real, imag

    def __call__(self, ndarray g, ndarray T):
        cdef Py_ssize_t n = cnp.PyArray_DIM(g, 1) // 2
        self.real(columns(g, 0, n), T)
        self.imag(columns(g, n, n), T)


cdef Taylor summed_step(Taylor x, value, tuple axes):
    """The sum over axes, of these values."""
    cdef Halves halves
    shape = tuple([1 if q in axes else s for q, s in enumerate((<object>x._value).shape)])
    rest = value = np.asarray(value)
    if (<object>value).dtype.kind == "c":
        if len(x.alg.factors) > 1:
            raise StepsStop("dualdiff: complex sums in nested calls take no steps")
        halves = Halves.__new__(Halves)
        halves.real = scatter_of(with_terms(x, (<object>x._terms).real), shape)
        halves.imag = scatter_of(with_terms(x, (<object>x._terms).imag), shape)
        return complex_step(x, value, halves, cnp.PyArray_NBYTES(x._terms))
    if len(x.alg.factors) > 1:
        algebra, index = rest_split(x.alg)
        with np.errstate(all="ignore"):
            rows = x._terms[index[0, 1:] - 1].sum(axis=tuple([a + 1 for a in axes]))
        rest = new_array(algebra, value, rows.reshape((len(rows),) + value.shape))
    return own_seeds(root_of(parent_of(x)), rest, scatter_of(x, shape),
                     cnp.PyArray_NBYTES(x._terms))


def sum_step(Taylor x, value, axes):
    """The sum of x over axes, its values known, as a step; None where x takes none."""
    return summed_step(x, value, axes) if x.lanes is not None and joins_steps(x) else None


cdef Taylor pending_step(Taylor x):
    """A number that is still to be summed, with seeds of its own; itself where it takes none."""
    cdef Scatter back
    if not is_pending(x) or not steps_allowed(x):
        return x
    rest = x._value
    if len(x.alg.factors) > 1:
        algebra, index = rest_split(x.alg)
        rest = new_array(algebra, x._value, x._terms[index[0, 1:] - 1].sum(-1))
    back = scatter_of(x, (1,))
    return own_seeds(root_of(parent_of(x)), rest, back, cnp.PyArray_NBYTES(x._terms))


cdef met_pending(x, other):
    """x as it meets another operand: with seeds of its own where that one has dimensions."""
    if has_lanes(x) and is_pending(<Taylor>x) and (
        type(other) is Taylor and (<Taylor>other).ndim or cnp.PyArray_Check(other) and other.ndim
    ):
        return pending_step(<Taylor>x)
    return x


cdef Taylor spread_step(Taylor y, Factor root):
    """A dense number over the inputs' seeds, with seeds of its own."""
    cdef Spread back = Spread.__new__(Spread)
    value = np.array(value_of(y))
    rest, index = y.alg.split(root)
    terms = terms_of(y).reshape((y.alg.M - 1, -1))
    back.terms = np.moveaxis(terms[index[1:] - 1], 1, 0).copy()
    if rest is not None:
        value = new_array(rest, value, terms[index[0, 1:] - 1].reshape((-1,) + value.shape))
    return own_seeds(root, value, back, back.terms[:, 0].nbytes * seeds_in_all(root))
