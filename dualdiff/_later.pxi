"""Part of _taylor.pyx: results that are computed later, several operations at once.

Fresh memory costs more than arithmetic.  So an operation on large arrays is noted down (a
`Later`) and gives a number without memory; when somebody looks at that number, all that led to it
is computed block by block in the cache (csrc/apply.c), and only results that somebody still
holds go to memory.  The operations, their order and their bits are those of one at a time.

A number that waits has `base` set to LATER, so that everything that follows a base (sync)
settles it first; its `_value` has the shape and the dtype, its elements are NaN.
Invariants: operands of what waits do not change: an assignment to a number settles all that reads
its memory (settle_readers), and a plain array, which may change behind our back, is copied.  A job
has its own references to all that it reads: another thread may compute the same numbers.
"""

LATER_BYTES = 1 << 17                       # of values from which operations wait
cdef Py_ssize_t SPARSE_LATER = 8            # the same of sparse results: so many times less
cdef enum:
    LATER_STEPS = 48                    # operations that wait for one result
    SPARED_STEPS = 3                    # up to a result that is not kept at first

cdef Taylor LATER = Taylor.__new__(Taylor)  # the base of every number that waits
cdef Taylor JOINED = Taylor.__new__(Taylor)  # or whose parts do (_lane_joins.pxi)
cdef dict _blanks = {}                      # type number -> NaN of that type
cdef Algebra _no_seeds = algebra_of((), ())
cdef void *_newest = NULL                   # the Later made last


@cython.final
@cython.no_gc_clear
cdef class Later:
    """One operation that waits: kernel, operands, and the result once it is there.

    An operand is another Later, or values and terms (None for a constant).
    """

    def __dealloc__(self):
        unlink(self)
        drop_operands(self)


cdef void link(Later q) noexcept:
    """Put q into the list of those that wait."""
    global _newest
    q.older = _newest
    if _newest != NULL:
        (<Later>_newest).newer = <void *>q
    _newest = <void *>q


cdef void unlink(Later q) noexcept:
    """Take q out of the list of those that wait."""
    global _newest
    if q.newer != NULL:
        (<Later>q.newer).older = q.older
    elif _newest == <void *>q:
        _newest = q.older
    if q.older != NULL:
        (<Later>q.older).newer = q.newer
    q.older = q.newer = NULL


cdef void drop_operands(Later q) noexcept:
    if q.a is not None:
        q.a.users -= 1
        q.a = None
    if q.b is not None:
        q.b.users -= 1
        q.b = None
    q.va = q.ta = q.vb = q.tb = q.mask = None


# ---- noting down -----------------------------------------------------------------------------

cdef bint may_wait(int kernel_type, ndarray shaped, x, y) except -1:
    """Whether an operation on these, one of which is None or a plain array perhaps, can wait.

    Other operands than single numbers must have the shape of the result.
    """
    cdef Py_ssize_t size = cnp.PyArray_NBYTES(shaped)
    if kernel_type < 0 or size < LATER_BYTES // SPARSE_LATER or not cnp.PyArray_NDIM(shaped) or (
        size < LATER_BYTES and not (is_sparse(x) or is_sparse(y))
    ):
        return False
    for v in (x, y):
        if type(v) is Taylor and (<Taylor>v)._value is not None and not (
            cnp.PyArray_SAMESHAPE((<Taylor>v)._value, shaped)
            or cnp.PyArray_SIZE((<Taylor>v)._value) == 1
        ):
            return False
    return True


cdef bint is_sparse(x) noexcept:
    """Whether x leads to a sparse result, of which no arrays are wanted."""
    return has_lanes(x) and parent_of(<Taylor>x).room != 0


cdef Taylor wait(int kernel, int loop, double p, Algebra alg, ndarray shaped, x, y, ndarray map_x,
                 ndarray map_y, ndarray mask, int axis=0, Py_ssize_t cut=0):
    """The number that x kernel y will be; y is None for a kernel of one operand.

    mask: None, or of np.where, nobody else's; axis, cut: of np.roll.
    """
    cdef Later q = Later.__new__(Later)
    cdef Taylor z
    cdef bint now
    q.alg, q.kernel, q.loop, q.p = alg, kernel, loop, p
    q.map_a, q.map_b, q.mask = map_x, map_y, mask
    q.axis, q.cut = axis, cut
    q.shaped = shaped
    q.errors = np.geterr()
    q.count = 1
    note(q, x, True)
    if y is not None:
        note(q, y, False)
    q.typenum = cnp.PyArray_TYPE(q.va if q.a is None else q.a.shaped)
    if q.typenum != cnp.PyArray_TYPE(shaped):
        raise RuntimeError("dualdiff: internal error: operands of two dtypes")
    if q.count > LATER_STEPS:  # counted some of them twice, perhaps
        q.count = count_steps(q)
    now = q.count >= LATER_STEPS or not quiet(q.errors)
    link(q)
    z = Taylor.__new__(Taylor)
    z.alg = alg
    z.later = q
    z._value = blank(shaped)
    z.base = LATER
    if now:
        settle(z)
    return z


cdef bint is_waiting(Taylor x) noexcept:
    return x.base is LATER


cdef bint is_put_off(Taylor x) noexcept:
    """Whether x has no values yet."""
    return x.base is LATER or x.base is JOINED


cdef bint quiet(dict errors) except -1:
    """Whether floating-point errors are to be warned of, at most."""
    for what in errors.values():
        if what != "warn" and what != "ignore":
            return False
    return True


cdef int note(Later q, v, bint first) except -1:
    """Take v down as an operand."""
    cdef Later other
    cdef ndarray value, terms = None
    if type(v) is Taylor:
        if (<Taylor>v).base is LATER:
            other = (<Taylor>v).later
            if other.value is None and cnp.PyArray_SAMESHAPE(other.shaped, q.shaped):
                other.users += 1
                if first or q.a is not other:
                    q.count += other.count
                if first:
                    q.a = other
                else:
                    q.b = other
                return 0
        sync(<Taylor>v)
        if (<Taylor>v)._value is None:  # it may be assigned to
            value, terms = np.asarray(value_of(<Taylor>v)), terms_of(<Taylor>v)
        else:
            value, terms = (<Taylor>v)._value, (<Taylor>v)._terms
            if q.kernel != DD_pos and cnp.PyArray_NDIM(value) > 1 and (
                not cnp.PyArray_IS_C_CONTIGUOUS(value) and is_one_term(terms)
                and cnp.PyArray_SAMESHAPE(value, q.shaped) and quiet(q.errors)
            ):  # machine code takes it from there
                return note(q, wait(DD_pos, DD_pos, 0.0, (<Taylor>v).alg, value, v, None, None,
                                    None, None), first)
    elif cnp.PyArray_Check(v):
        value = recycled_copy(<ndarray>v)  # it may change behind our back
        if q.shaped is v:
            q.shaped = value
    else:
        value = np.asarray(v)
    if first:
        q.va, q.ta = value, terms
    else:
        q.vb, q.tb = value, terms
    return 0


cdef ndarray blank(ndarray shaped):
    """An array of NaN of a shape, without memory."""
    return all_of(nan_of(cnp.PyArray_TYPE(shaped)), cnp.PyArray_NDIM(shaped),
                  cnp.PyArray_DIMS(shaped))


cdef ndarray nan_of(int typenum):
    cdef ndarray nan = _blanks.get(typenum)
    if nan is None:
        nan = _blanks[typenum] = np.full((), np.nan, cnp.PyArray_DescrFromType(typenum))
        nan.flags.writeable = False
    return nan


cdef ndarray all_of(ndarray one, int nd, npy_intp *dims):
    """An array all of whose elements are one."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] strides
    memset(strides, 0, sizeof(strides))
    return at_memory(one, one, <char *>cnp.PyArray_DATA(one), nd, dims, strides)


# ---- computing ---------------------------------------------------------------------------------

cdef int settle(Taylor x) except -1:
    """Let x, a number that waits, have its values and terms."""
    cdef Later q = x.later
    if q.value is None:
        compute(q)
    x._value, x._terms = q.value, q.terms
    x.base = None
    x.later = None
    return 0


cdef int settle_readers(Taylor x) except -1:
    """Compute everything that waits and reads the memory of x, which is about to change."""
    cdef Later q
    cdef void *at
    cdef char *low
    cdef char *high
    if x.base is not None:
        sync(x)
    x = x if x.base is None else x.base
    if x._value is None:
        return 0
    memory_bounds(x._value, &low, &high)
    at = _newest
    while at != NULL:
        q = <Later>at
        if q.value is None and (
            reads(q.va, low, high) or reads(q.vb, low, high)
            or q.a is not None and reads(q.a.value, low, high)
            or q.b is not None and reads(q.b.value, low, high)
            or q.parts is not None and part_reads(q, low, high)
        ):
            compute(q)  # takes it, and others perhaps, out of the list
            at = _newest
        else:
            at = q.older
    return 0


cdef void memory_bounds(ndarray a, char **low, char **high) noexcept:
    """The memory of an array's elements: low <= address < high."""
    cdef Py_ssize_t reach
    cdef int q
    low[0] = <char *>cnp.PyArray_DATA(a)
    high[0] = low[0] + cnp.PyArray_ITEMSIZE(a)
    for q in range(cnp.PyArray_NDIM(a)):
        reach = (cnp.PyArray_DIM(a, q) - 1) * cnp.PyArray_STRIDE(a, q)
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach


cdef bint reads(ndarray a, char *low, char *high) noexcept:
    """Whether an operand, or None, has elements in this memory."""
    cdef char *first
    cdef char *last
    if a is None:
        return False
    memory_bounds(a, &first, &last)
    return first < high and low < last


cdef int collect(Later q, dict place, list order) except -1:
    """Append q and what it waits for to a job, operands first."""
    if q.value is not None or q in place:
        return 0
    if q.a is not None:
        collect(q.a, place, order)
    if q.b is not None:
        collect(q.b, place, order)
    order.append(q)
    place[q] = len(order)
    return 0


cdef Py_ssize_t count_steps(Later q) except -1:
    """How many operations q waits for, itself included."""
    cdef list order = []
    collect(q, {}, order)
    return len(order)


cdef bint is_kept(Later q) noexcept:
    """Whether a number holds q: not just a job, a variable and those that wait for it."""
    return Py_REFCNT(q) - q.users - q.held > 3


cdef bint is_spared(Later q) noexcept:
    """Whether a number that is held is not written to memory: to compute it again costs less."""
    return q.count <= SPARED_STEPS and not q.copied and is_exact(q.kernel, q.loop)


cdef int compute(Later root) except -1:
    """Compute root, and with it what it waits for."""
    cdef dict place = {}
    cdef list order = [], results
    cdef Later q
    if root.value is not None:
        return 0
    if root.parts is not None:
        return join(root)
    if root.kernel == DD_pos and root.a is None and is_one_term(root.ta):
        root.value, root.terms = rolled_array(root.va, root.axis, root.cut), root.ta
        unlink(root)
        drop_operands(root)
        return 0
    collect(root, place, order)
    results = run_steps(root, place, order, True, NULL, None, None)
    if results is None:  # one by one, for the values of each that NumPy will warn of
        for q in order:
            compute(q)
        return 0
    return take_results(order, results)


cdef bint is_one_term(ndarray terms) noexcept:
    """Whether each row of terms is one element all along, which nobody can write to."""
    cdef int q
    for q in range(1, cnp.PyArray_NDIM(terms)):
        if cnp.PyArray_STRIDE(terms, q) and cnp.PyArray_DIM(terms, q) != 1:
            return False
    return not cnp.PyArray_ISWRITEABLE(terms)


cdef int take_results(list order, list results) except -1:
    """Let the operations of a job that are kept have their values and terms."""
    cdef Later q
    cdef Py_ssize_t i
    for i in range(len(order)):
        if results[i] is not None and results[i][1] is not None:
            q = <Later>order[i]
            q.value, q.terms = results[i]
            unlink(q)
            drop_operands(q)
    return 0


cdef bint compute_into(Later root, ndarray value, ndarray terms) except -1:
    """Compute root into memory of somebody else, and let it wait on; False if that cannot be.

    A second reader, or NumPy's warnings, want it to be computed for good.  value: None where
    nobody wants the values.
    """
    cdef dict place = {}
    cdef list order = [], results
    if root.value is not None or root.copied:
        return False
    collect(root, place, order)
    results = run_steps(root, place, order, True, NULL, value, terms)
    if results is None:
        return False
    root.copied = True
    results[len(order) - 1] = None
    take_results(order, results)
    return True


cdef ndarray terms_alone(Taylor x):
    """The terms of a number that waits on, without its values; None where it is to be computed."""
    cdef ndarray terms
    if x.later.value is not None or x.later.copied:
        return None
    terms = empty_terms(x.alg, x._value)
    return terms if compute_into(x.later, None, terms) else None


cdef object value_to_compare(Taylor x):
    """The value of x; of a number that waits and is about to go, without its terms."""
    cdef dict place = {}
    cdef list order = [], results
    if x.base is LATER and Py_REFCNT(x) == 1 and x.later.value is None:
        collect(x.later, place, order)
        results = run_steps(x.later, place, order, False, NULL, None, None)
        if results is not None:
            take_results(order, results)
            return results[len(order) - 1][0]
    return value_of(x)


cdef bint sum_up(Later root, dd_total *total) except -1:
    """Let `total` be the sum of root, whose elements nobody wants; whether that could be."""
    cdef dict place = {}
    cdef list order = [], results
    collect(root, place, order)
    results = run_steps(root, place, order, True, total, None, None)
    if results is None:
        return False
    take_results(order, results)
    return True


cdef list run_steps(Later root, dict place, list order, bint whole, dd_total *total,
                    ndarray to_value, ndarray to_terms, Rows rows=None, tuple lanes=None):
    """Run a job: for each step its value and terms, or None where it is not kept.

    whole: the terms of root are wanted, too; total: not NULL if nothing but its sum is; rows,
    lanes: if nothing but compressed rows of it are; to_value, to_terms: None, or memory for root,
    terms alone perhaps.  None in place of it all if there are
    several steps, or root is not to be kept as it is, and one raised a floating-point exception.
    """
    cdef dd_job job
    cdef Py_ssize_t i, used, n = len(order)
    cdef exponent *exponents
    cdef ndarray value, terms
    cdef list results = [None] * n, operands = []
    cdef bytearray wanted = bytearray(n + 1)  # 1 + the step whose terms a later one reads
    cdef bint taken = total != NULL or rows is not None, raised
    cdef Later q
    job.steps = <dd_step *>calloc(n, sizeof(dd_step))
    exponents = <exponent *>calloc(n, sizeof(exponent))
    if job.steps == NULL or exponents == NULL:
        free(job.steps)
        free(exponents)
        raise MemoryError("dualdiff: no memory for the steps of a job")
    try:
        job.type = kernel_type(root.typenum)
        job.count = <int>n
        job.total, job.entries = NULL, NULL
        set_shape(&job, root.shaped)
        for i in range(n - 1, -1, -1):
            q = <Later>order[i]
            fill_step(&job, job.steps + i, exponents + i, q, place, operands)
            if q is root and taken:
                wanted[n] = True
            elif q is root and to_terms is not None:
                value, terms = to_value, to_terms
                operand(&job, &job.steps[i].c, terms[0] if value is None else value, terms)
                if value is None:
                    job.steps[i].c.v = NULL
                results[i] = value, terms
            elif q is not root and is_kept(q) and is_spared(q):
                q.copied = True  # the next time it is kept
            elif q is root or is_kept(q):
                value = empty_like_shape(q.shaped, q.typenum)
                terms = empty_terms(q.alg, value) if whole or q is not root else None
                operand(&job, &job.steps[i].c, value, terms)
                results[i] = value, terms
            if wanted[i + 1] or results[i] is not None and terms is not None:
                wanted[job.steps[i].from_a] = wanted[job.steps[i].from_b] = True
            else:
                job.steps[i].A = _no_seeds.t
        if rows is not None:
            used = rows.r.used
            raised = execute_rows(&job, rows.begin(lanes))
            if raised:
                rows.r.used = used
        else:
            raised = execute_sum(&job, total) if total != NULL else execute(&job)
        if raised:
            if n > 1 or not whole or taken or to_terms is not None:
                return None
            complain(root)
        if rows is not None:
            rows.end()
        return results
    finally:
        free(job.steps)
        free(exponents)


cdef int fill_step(dd_job *job, dd_step *s, exponent *e, Later q, dict place,
                   list operands) except -1:
    """Describe one operation that waits, and take down the arrays that it reads."""
    s.A = q.alg.t
    s.p = q.p
    set_kernel(job, s, q.kernel)
    s.from_a = read_operand(job, &s.a, q.a, q.va, q.ta, place, operands)
    s.from_b = read_operand(job, &s.b, q.b, q.vb, q.tb, place, operands)
    if q.cut:
        rolled_operand(job, &s.a, q.va, q.ta, q.axis, q.cut)
    if q.map_a is not None:
        s.a.map = <int32_t *>cnp.PyArray_DATA(q.map_a)
        s.b.map = <int32_t *>cnp.PyArray_DATA(q.map_b)
    if q.mask is not None:
        s.mask = <char *>cnp.PyArray_DATA(q.mask)
        operands.append(q.mask)
    values_by(job, s, q.loop, e)
    return 0


cdef int read_operand(dd_job *job, dd_array *x, Later q, ndarray value, ndarray terms, dict place,
                      list operands) except -1:
    """Describe an operand: returns 1 + the step that computes it, or 0 where it is there."""
    if q is not None and q in place:
        return place[q]
    if q is not None:
        value, terms = q.value, q.terms
    if value is not None:
        operand(job, x, value, terms)
        operands.append((value, terms))
    return 0


cdef int complain(Later q) except -1:
    """Let NumPy warn of an operation whose operands are there."""
    with np.errstate(**q.errors):
        warn(q.kernel, q.loop, q.p, q.va if q.a is None else q.a.value,
             q.vb if q.b is None else q.b.value)
    return 0


def set_later_bytes(Py_ssize_t size):
    """From how many bytes of values on operations wait; returns the bound before."""
    global LATER_BYTES
    before = LATER_BYTES
    LATER_BYTES = size
    return before
