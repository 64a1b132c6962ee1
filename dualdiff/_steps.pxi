"""Part of _taylor.pyx: intermediate seeds, which keep numbers with lanes narrow where elements mix.

A product with a matrix, a sum, the meeting with a mean make every element of a result z depend
on many seeds.  In the gradient of a scalar (order 1) z gets seeds of its own instead: one
for each element, numbered after the inputs, of the factor that is `wide`; and the step that
made z is noted down: back(g, T) adds to T, the derivatives by all earlier seeds, what the
derivatives g by those of z amount to.  Numbers over the wide factor are numbers with lanes as
all others.  Reading them eliminates the intermediate seeds, the last first: one transposed
product for each step, whatever the number of inputs (vertex elimination; Griewank and
Walther, Evaluating Derivatives, chapters 9 and 10).

In nested calls z is a polynomial in the seeds of the other calls, too: its `rest`, of M
coefficients.  What the inputs add to z has M coefficients as well, and each of them gets a seed:
z = rest + sum over k of seed k times monomial k.  So there are M lanes, every seed is a plain
one, and the derivative by a product of seeds of z and others needs no rule of its own.

Invariant: what a step needs later is a copy, read-only from then on (see kept_terms), or found
changed (see `Kept`).
"""

cdef Py_ssize_t STEP_BYTES = 1 << 28  # that all steps of one call may keep
cdef Py_ssize_t STEP_ARRAYS = 512     # of the inputs' size that they may keep, if that is more
cdef Py_ssize_t STEP_ROWS = 32        # elements of a number that becomes dense by elimination
cdef Py_ssize_t STEP_RESTS = 8        # monomials of other calls' seeds that a step may carry along
cdef Py_ssize_t KEPT_COPIES = 2**15   # elements up to which a factor of a product is copied
cdef Py_ssize_t SHARED_ONES = 2**15   # elements up to which the terms 1 are views of `_ones`
cdef Py_ssize_t SHARED_SEEDS = 2**20  # seeds up to which lanes are views of one array of them
cdef Py_ssize_t SPREAD_TERMS = 64     # of a number from which an array may meet a seed of its own
cdef Py_ssize_t SPREAD_SIZE = 2**16   # elements that the terms of the result would have at least
cdef ndarray _ones = np.ones(SHARED_ONES)
_ones.flags.writeable = False


class StepsStop(DenseLimit):
    """Steps cannot go on, or do not pay: evaluate once more without them."""


cdef Factor root_of(Factor factor):
    """The factor of the inputs' own seeds."""
    return factor if factor.root is None else factor.root


cdef bint takes_steps(Taylor x) noexcept:
    """Whether x, a number with lanes, may be given seeds of its own."""
    return x.lanes is not None and not is_pending(x) and steps_allowed(x)


cdef bint steps_allowed(Taylor x) noexcept:
    """Whether the call that the lanes of x belong to takes steps of numbers like x."""
    return kernel_type(cnp.PyArray_TYPE(x._value)) >= 0 and any_steps_allowed(x)


cdef bint any_steps_allowed(Taylor x) noexcept:
    """The same of numbers of any dtype."""
    cdef Factor root = root_of(parent_of(x)), local = <Factor>x.alg.factors[x.alg.laned]
    return (root.scalar and local.order == 1 and not x.alg.bounds
            and rest_size(x) <= STEP_RESTS and has_room(root))


cdef bint has_room(Factor root) noexcept:
    """Whether the steps of a call may keep more than they do."""
    return root.wide is None or root.wide.held < max(STEP_BYTES, STEP_ARRAYS * 8 * root.n)


cdef bint joins_steps(Taylor x) noexcept:
    """Whether x, a number with lanes, may meet numbers with intermediate seeds."""
    return takes_steps(x) or not is_pending(x) and any_steps_allowed(x)


# ---- the rest: what a number is beside its lanes ----------------------------------------------

cdef Py_ssize_t rest_size(Taylor x) noexcept:
    """How many monomials of the other calls' seeds x has, the constant included."""
    return x.alg.M // (1 + (<Factor>x.alg.factors[x.alg.laned]).n)


cdef Algebra rest_of(Algebra alg):
    """The algebra of the other calls' seeds, None where there are none."""
    return None if len(alg.factors) == 1 else <Algebra>rest_split(alg)[0]


cdef tuple rest_split(Algebra alg):
    """(algebra of the other calls' seeds or None, [local monomial, monomial of those] -> row)."""
    found = alg.unions.get(-1)
    if found is None:
        found = alg.unions[-1] = alg.split(alg.factors[alg.laned])
    return <tuple>found


cdef rest_number(Taylor x):
    """x without the seeds of its lanes: a number over the rest, or an array."""
    if x.lanes is None:
        return x
    if len(x.alg.factors) == 1:
        return x._value
    rest, index = rest_split(x.alg)
    return new_array(rest, x._value, x._terms[index[0, 1:] - 1])


cdef Taylor over_rest(Taylor x, Algebra rest):
    """x over an algebra with all factors of `rest`."""
    cdef tuple u
    if rest is None:
        return x
    u = union_of(x.alg, rest)
    return embed(x, <Algebra>u[0], u[1])


cdef local_terms(Taylor x):
    """Terms of the lanes as an array (monomials of the rest, lanes, *shape) that stays as it is."""
    if len(x.alg.factors) == 1:
        return kept_terms(x)[None]
    _, index = rest_split(x.alg)
    return x._terms[index[1:].T - 1]


cdef ndarray kept_terms(Taylor x):
    """The terms of x, from now on read-only, so that x takes others before it is written to
    (own_terms); a copy of those of a view.
    """
    if x.base is None and is_own((<object>x._terms).base):
        cnp.PyArray_CLEARFLAGS(x._terms, cnp.NPY_ARRAY_WRITEABLE)
    return x._terms if never_written(x._terms) else recycled_copy(x._terms)


cdef tuple rest_pairs(Algebra rest):
    """(i, j, k): monomials i and j of the rest make k, constants included."""
    if rest is None:
        return ((0, 0, 0),)
    found = rest.table.cache.get("all pairs")
    if found is None:
        start, pi, pj = rest.pairs
        found = [(0, k, k) for k in range(rest.M)] + [(k, 0, k) for k in range(1, rest.M)]
        for k in range(rest.M):
            found += [(int(pi[q]), int(pj[q]), k) for q in range(start[k], start[k + 1])]
        found = rest.table.cache["all pairs"] = tuple(found)
    return <tuple>found


# ---- seeds ------------------------------------------------------------------------------------

cdef Factor wide_factor(Factor root):
    """The factor of the inputs' and of all intermediate seeds."""
    cdef Factor wide
    if root.wide is None:
        wide = Factor(root.n, 1)
        wide.tag, wide.born, wide.root, wide.steps = root.tag, root.born, root, []
        root.wide = wide
    return root.wide


cdef Taylor widened(Taylor x):
    """x, a number over the lanes of one call, over those of its wide factor."""
    cdef Factor parent = parent_of(x), local
    if parent.root is not None:
        return x
    sync(x)
    local = <Factor>x.alg.factors[x.alg.laned]
    if len(x.alg.factors) == 1:
        alg = wide_factor(parent).lanes(local.n)
    else:
        alg = replace_factor(x.alg, local, wide_factor(parent).local(local.n))
    return new_laned(alg, x._value, x._terms, x.lanes)


cdef tuple with_steps(Taylor x, Taylor y):
    """Two numbers of which one may take steps: both over wide lanes where that can be."""
    if x.lanes is not None and y.lanes is not None:
        if parent_of(x) is parent_of(y):
            return x, y
        if joins_steps(x) and joins_steps(y) and root_of(parent_of(x)) is root_of(parent_of(y)):
            return widened(x), widened(y)
    elif takes_steps(x) and meets_inputs(x, y):
        return widened(x), spread_step(y, root_of(parent_of(x)))
    elif takes_steps(y) and meets_inputs(y, x):
        return spread_step(x, root_of(parent_of(y))), widened(y)
    return apart(x, y), apart(y, x)


cdef Taylor apart(Taylor x, Taylor y):
    """x as it meets y: dense if it has intermediate seeds, and y others of the inputs."""
    cdef Factor root
    if x.lanes is None or parent_of(x).root is None:
        return x
    root = parent_of(x).root
    return dense(x) if y.lanes is not None or y.alg.place(root) >= 0 else x


cdef bint meets_inputs(Taylor x, Taylor y):
    """Whether y is dense, smaller than x, and over the inputs of x."""
    cdef Factor root = root_of(parent_of(x))
    return (y.alg.place(root) >= 0 and not y.alg.bounds and y.alg.M <= STEP_RESTS * (1 + root.n)
            and y.dtype == x.dtype and 4 * (y.size - 1) <= x.size)


cdef bint grows(a, b) noexcept:
    """Whether a is one number over many inputs, all of whose terms a plain array b would repeat."""
    cdef Taylor x
    cdef Factor root
    if type(a) is not Taylor or (<Taylor>a)._value is not None or not cnp.PyArray_CheckExact(b):
        return False
    x = <Taylor>a
    if x.alg.M < SPREAD_TERMS or len(x.alg.factors) != 1 or x.alg.bounds or (
        x.alg.M * cnp.PyArray_SIZE(<ndarray>b) < SPREAD_SIZE
    ):
        return False
    root = <Factor>x.alg.factors[0]
    return (root.scalar and root.order == 1 and root.parent is None and has_room(root)
            and cnp.PyArray_TYPE(<ndarray>b) == cnp.NPY_DOUBLE)


cdef Taylor own_seeds(Factor root, rest, back, Py_ssize_t held):
    """The result of a step: each element has a seed of its own.

    rest: an array, or a number over the seeds of other calls.
    """
    cdef Factor wide = wide_factor(root)
    cdef Algebra alg
    cdef Py_ssize_t first = wide.n, M = (<Taylor>rest).alg.M if type(rest) is Taylor else 1, k
    cdef ndarray value = np.asarray(value_of(<Taylor>rest)) if type(rest) is Taylor else rest
    cdef Py_ssize_t size = cnp.PyArray_SIZE(value)
    cdef ndarray terms
    cdef list lanes = []
    wide.n = first + M * size
    wide.held += held + 8 * M * size
    wide.steps.append((first, M * size, back))
    for k in range(M):
        if wide.n <= SHARED_SEEDS:
            lane = piece(<ndarray>first_seeds(wide.n), first + k * size, value, False)
        else:
            lane = np.arange(first + k * size, first + (k + 1) * size).reshape(
                (<object>value).shape)
        lanes.append(lane)
    if type(rest) is not Taylor:
        alg = wide.lanes(1)
        if size <= SHARED_ONES and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
            terms = piece(_ones, 0, value, True)
        else:  # one element, read-only
            one = np.ones((1,) * (1 + cnp.PyArray_NDIM(value)), (<object>value).dtype)
            terms = np.broadcast_to(one, (1,) + (<object>value).shape)
        return new_laned(alg, value, terms, tuple(lanes))
    alg = union_of(wide.lanes(<int>M), (<Taylor>rest).alg)[0]
    _, index = rest_split(alg)
    terms = np.zeros((alg.M - 1,) + (<object>value).shape, (<object>value).dtype)
    terms[index[0, 1:] - 1] = terms_of(<Taylor>rest)
    for k in range(M):
        terms[index[1 + k, k] - 1] = 1
    return new_laned(alg, value, terms, tuple(lanes))


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


def step(x, rest, back, held):
    """The number with seeds of its own that a step gives; x: a number that it was made of.

    rest: its values, or a number over the seeds of other calls.
    """
    return own_seeds(root_of(parent_of(<Taylor>x)),
                     rest if type(rest) is Taylor else np.asarray(rest), back, held)


def step_parts(Taylor x):
    """(rest, terms, lanes) as a step needs them: without the seeds of the lanes; theirs."""
    return rest_number(x), local_terms(x), kept_lanes(x)


def complex_step(Taylor x, rest, back, Py_ssize_t held):
    """The same of complex values: each has seeds of its real part and of its imaginary part.

    The seeds of all real parts come first.
    """
    cdef Factor wide = wide_factor(root_of(parent_of(x)))
    cdef Algebra alg
    cdef Py_ssize_t first = wide.n, M = (<Taylor>rest).alg.M if type(rest) is Taylor else 1, k
    cdef ndarray value = np.asarray(value_of(<Taylor>rest)) if type(rest) is Taylor else rest
    cdef Py_ssize_t size = cnp.PyArray_SIZE(value)
    shape = (<object>value).shape
    wide.n = first + 2 * M * size
    wide.held += held + 16 * M * size
    wide.steps.append((first, 2 * M * size, back))
    lanes = tuple([np.arange(first + k * size, first + (k + 1) * size).reshape(shape)
                   for k in range(2 * M)])
    if type(rest) is not Taylor:
        parts = np.array([1, 1j], (<object>value).dtype).reshape((2,) + (1,) * len(shape))
        return new_laned(wide.lanes(2), value, np.broadcast_to(parts, (2,) + shape), lanes)
    alg = union_of(wide.lanes(<int>(2 * M)), (<Taylor>rest).alg)[0]
    _, index = rest_split(alg)
    terms = np.zeros((alg.M - 1,) + shape, (<object>value).dtype)
    terms[index[0, 1:] - 1] = terms_of(<Taylor>rest)
    for k in range(M):
        terms[index[1 + k, k] - 1] = 1
        terms[index[1 + M + k, k] - 1] = 1j
    return new_laned(alg, value, terms, lanes)


def may_step(*numbers, nested=False, any_dtype=False):
    """Whether all of these are numbers over the lanes of one call that takes steps.

    nested: they may have seeds of other calls, too; any_dtype: and complex values.
    """
    cdef Factor root = None
    for x in numbers:
        if type(x) is not Taylor:
            return False
        if (<Taylor>x).base is not None:
            sync(<Taylor>x)
        if not (takes_steps(<Taylor>x) or any_dtype and (<Taylor>x).lanes is not None
                and joins_steps(<Taylor>x)):
            return False
        if not nested and len((<Taylor>x).alg.factors) > 1:
            return False
        if root is not None and root is not root_of(parent_of(<Taylor>x)):
            return False
        root = root_of(parent_of(<Taylor>x))
    return root is not None


# ---- elimination ---------------------------------------------------------------------------

cdef Taylor eliminated(Taylor x, bint alone=False):
    """x, over the lanes of a wide factor, over the inputs' seeds.

    alone: nobody else has x.  Dense, or still to be summed where it has seeds of other calls, too.
    """
    if x.base is not None:
        sync(x)
    cdef Factor wide = parent_of(x), root = wide.root
    cdef Algebra rest = rest_of(x.alg)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(x._value), M = 1 if rest is None else rest.M
    cdef Py_ssize_t top = root.n, s, k
    cdef ndarray T
    cdef Taylor y
    value = <object>x._value
    if size > STEP_ROWS or rest is not None and cnp.PyArray_NDIM(x._value):
        raise StepsStop("dualdiff: a whole array with intermediate seeds is to become dense")
    y = multiple_of_row(x, wide, alone)
    if y is not None:
        return y
    for lane in x.lanes:
        top = max(top, 1 + (lane.item() if size == 1 else lane.max(initial=0)))
    s = len(wide.steps)
    while s and <Py_ssize_t>wide.steps[s - 1][0] >= top:
        s -= 1
    if s:
        top = max(top, wide.steps[s - 1][0] + wide.steps[s - 1][1])
    T = np.zeros((size * M, top), value.dtype)
    terms = local_terms(x)
    for k in range(M):
        for q, lane in enumerate(x.lanes):
            add_one_each(rows_of(T, k * size, size), lane.ravel(), terms[k, q, ...].ravel())
    go_back(wide, s, T)
    if rest is None:
        terms = np.ascontiguousarray(columns(T, 0, root.n).T).reshape((root.n,) + value.shape)
        return new_array(algebra_of((root,), ()), x._value, terms)
    return summed_later(x, rest, root, columns(T, 0, root.n))


cdef int go_back(Factor wide, Py_ssize_t s, ndarray T) except -1:
    """Add to T what its columns for the seeds of the first s steps amount to by the inputs'."""
    cdef tuple known
    cdef Py_ssize_t first, count
    cdef Factor root = wide.root
    with np.errstate(all="ignore"):
        while s:
            s -= 1
            known = <tuple>wide.steps[s]
            first, count = known[0], known[1]
            if first >= cnp.PyArray_DIM(T, 1):
                continue
            g = columns(T, first, count)
            if not all_zero(g):
                known[2](g, T)
    # the last seed of a chunk stands for all seeds of others, which look themselves
    own = columns(T, 0, root.n - (root.whole is not None))
    if holds_nan(own):
        # zeros met infinities in another order than they do dense
        raise StepsStop("dualdiff: derivatives by intermediate seeds are not a number")
    return 0


cdef Taylor multiple_of_row(Taylor x, Factor wide, bint alone):
    """As eliminated, of a multiple of a large sum: in the memory of that if alone; or None."""
    cdef Taylor y
    cdef Row back
    cdef Py_ssize_t s
    cdef cnp.npy_intp[2] dims
    cdef tuple lanes
    if cnp.PyArray_NDIM(x._value) or len(x.lanes) > 1 or len(x.alg.factors) > 1 or (
        cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE
    ):
        return None
    lanes = x.lanes
    lane = lanes[0]
    alone = alone and Py_REFCNT(lanes) == 2 and Py_REFCNT(lane) == 2  # nothing else was made of it
    at = lane.item()
    for s in range(len(wide.steps) - 1, -1, -1):
        if (<tuple>wide.steps[s])[0] <= at:
            break
    else:
        return None
    if type(wide.steps[s][2]) is not Row or (<Row>wide.steps[s][2]).first:
        return None
    back = <Row>wide.steps[s][2]
    y = Taylor.__new__(Taylor)
    y.alg = algebra_of((wide.root,), ())
    y.heap = back.times((<double *>cnp.PyArray_DATA(x._terms))[0],
                        alone and s == len(wide.steps) - 1)
    y.c = <double *>cnp.PyArray_DATA(<ndarray>y.heap) + LEAD
    dims[0], dims[1] = 1, back.n
    if s:
        go_back(wide, s, at_memory(<ndarray>y.heap, <ndarray>y.heap, <char *>(y.c + 1), 2, dims,
                                   NULL))
    y.c[0] = (<double *>cnp.PyArray_DATA(x._value))[0]
    return y


cdef Taylor summed_later(Taylor x, Algebra rest, Factor root, slopes):
    """A number without dimensions, still to be summed over the inputs' seeds.

    slopes: (monomials of the rest, n), the derivatives; the rest is that of x.
    """
    cdef Algebra alg = union_of(root.lanes(1), rest)[0]
    _, index = rest_split(x.alg)
    _, into = rest_split(alg)
    terms = np.zeros((alg.M - 1, root.n), slopes.dtype)
    terms[into[0, 1:] - 1, 0] = x._terms[index[0, 1:] - 1]
    terms[into[1] - 1] = slopes
    return new_laned(alg, x._value, terms, (root.seeds(),))


cdef ndarray rows_of(ndarray T, Py_ssize_t first, Py_ssize_t count):
    """T[first : first + count], a view."""
    cdef cnp.npy_intp[2] dims
    dims[0], dims[1] = count, cnp.PyArray_DIM(T, 1)
    return at_memory(T, T, <char *>cnp.PyArray_DATA(T) + first * cnp.PyArray_STRIDE(T, 0), 2, dims,
                     cnp.PyArray_STRIDES(T))


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
    """Whether an element is not a number."""
    cdef Py_ssize_t r, i, n, rows
    cdef double *t
    cdef bint bad = False
    if cnp.PyArray_TYPE(T) != cnp.NPY_DOUBLE or not (
        cnp.PyArray_NDIM(T) == 2 and cnp.PyArray_STRIDE(T, 1) == sizeof(double)
    ):
        return np.isnan(T).any()
    rows, n = cnp.PyArray_DIM(T, 0), cnp.PyArray_DIM(T, 1)
    with nogil:
        for r in range(rows):
            t = <double *>cnp.PyArray_GETPTR2(T, r, 0)
            for i in range(n):
                bad |= t[i] != t[i]
    return bad


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
