"""Part of _taylor.pyx: np.sum over everything.

Values, and rows of terms, are added as NumPy adds them; first-order terms of a number with
lanes go to the seeds that they stand for.  Threads share both (csrc/sum.c).  The sum of a
number that waits, which nobody else has, is computed without its elements (_later.pxi).
"""


cdef Py_ssize_t ROW_SEEDS = 4096  # inputs from which sums are steps even if they need not be


cdef Taylor sum_of_waiting(Taylor x):
    """np.sum(x) of a number that waits, whose elements nobody wants; None where they are needed."""
    cdef dd_total total
    cdef Taylor y
    cdef Row row
    cdef Py_ssize_t first = 0
    cdef double value
    cdef ptrdiff_t *starts = NULL
    if x.later.value is not None or x.later.typenum != cnp.NPY_DOUBLE:
        return None
    memset(&total, 0, sizeof(total))
    try:
        if x.lanes is None:
            y = new_scalar(x.alg)
        else:
            by_row = sums_by_row(x, &first)
            if parent_of(x).root is not None and not by_row:
                return None
            starts = starts_of(x, first, &total)
            if starts == NULL:
                return None
            total.n, total.starts = parent_of(x).n - first, starts
            if by_row:
                row = row_of(first, total.n)
                total.g, total.sums = row.terms(), <char *>&value
                if sum_up(x.later, &total) and isfinite(value):
                    return row_step(x, np.asarray(value), row)
                return None
            y = new_scalar(dense_algebra(x.alg))
            total.g = y.c + 1
        total.sums = <char *>y.c
        return y if sum_up(x.later, &total) and isfinite(y.c[0]) else None  # else with a warning
    finally:
        free(starts)


cdef Taylor sum_all(Taylor x, bint alone):
    """np.sum(x) of a contiguous float array: None where this does not apply.

    alone: nobody else has x.
    """
    cdef Taylor y
    cdef Py_ssize_t n
    cdef int type
    if x._value is None:
        return x
    if x.base is LATER and alone:
        y = sum_of_waiting(x)
        if y is not None:
            return y
    if x.base is not None:
        sync(x)
    if x.lanes is not None:
        return laned_sum(x)
    type = kernel_type(cnp.PyArray_TYPE(x._value))
    if type < 0 or cnp.PyArray_NDIM(x._value) > 1 and not (
        cnp.PyArray_IS_C_CONTIGUOUS(x._value) and cnp.PyArray_IS_C_CONTIGUOUS(x._terms)
    ):
        return None
    if cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE or cnp.PyArray_NDIM(x._value) == 0:
        return None
    cdef Py_ssize_t step = sizeof(double), tstep = sizeof(double), rows
    if cnp.PyArray_NDIM(x._value) == 1:
        step = cnp.PyArray_STRIDE(x._value, 0)
        tstep = cnp.PyArray_STRIDE(x._terms, 1)
    n = cnp.PyArray_SIZE(x._value)
    rows = cnp.PyArray_STRIDE(x._terms, 0)
    y = new_scalar(x.alg)
    sum_rows(type, <char *>y.c, 1, n, <char *>cnp.PyArray_DATA(x._value), 0, step)
    if not isfinite(y.c[0]):
        np.add.reduce(x._value, axis=None)  # for its warning
    sum_rows(type, <char *>(y.c + 1), x.alg.M - 1, n, <char *>cnp.PyArray_DATA(x._terms), rows,
             tstep)
    return y


cdef Taylor mean_all(Taylor x, bint alone):
    """np.mean(x), likewise: the sum over the number of elements, as NumPy has it."""
    cdef Py_ssize_t n = x.size
    cdef Taylor total
    if n == 0 or x._value is None or cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE:
        return None
    total = sum_all(x, alone)
    if total is None:
        return None
    return apply("div", total, <double>n, value=np.asarray(value_of(total) / n))


# ---- of numbers with lanes -------------------------------------------------------------------

cdef void scatter(double *g, ndarray lane, ndarray row) noexcept:
    """g[lane] += row, element by element."""
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(row)
    cdef Py_ssize_t sl, st
    cdef double total = 0.0
    cdef char *seeds = <char *>cnp.PyArray_DATA(lane)
    cdef char *t = <char *>cnp.PyArray_DATA(row)
    if cnp.PyArray_NDIM(row) == 0:
        g[(<cnp.npy_intp *>seeds)[0]] += (<double *>t)[0]
        return
    sl = cnp.PyArray_STRIDE(lane, 0)
    st = cnp.PyArray_STRIDE(row, 0)
    with nogil:
        if sl == 0 and st == sizeof(double):  # one seed for all
            add_up(1, <char *>&total, t, n, st)
            g[(<cnp.npy_intp *>seeds)[0]] += total
        else:
            for i in range(n):
                g[(<cnp.npy_intp *>(seeds + i * sl))[0]] += (<double *>(t + i * st))[0]


cdef bint all_differ(ndarray lane) noexcept:
    """Whether a lane stays the same along no axis."""
    cdef int q
    for q in range(cnp.PyArray_NDIM(lane)):
        if cnp.PyArray_STRIDE(lane, q) == 0 and cnp.PyArray_DIM(lane, q) != 1:
            return False
    return True


cdef void scatter_axes(double *g, char *seeds, npy_intp *by, char *t, npy_intp *steps,
                       npy_intp *dims, int nd) noexcept nogil:
    """g[lane] += row, element by element in C order, of arrays of nd dimensions."""
    cdef npy_intp i
    for i in range(dims[0]):
        if nd > 1:
            scatter_axes(g, seeds + i * by[0], by + 1, t + i * steps[0], steps + 1, dims + 1,
                         nd - 1)
        else:
            g[(<npy_intp *>(seeds + i * by[0]))[0]] += (<double *>(t + i * steps[0]))[0]


cdef Py_ssize_t place_in(ndarray seeds, ndarray lane) noexcept:
    """Where the first element of a lane lies in an array of seeds; -1: nowhere."""
    cdef Py_ssize_t item = sizeof(cnp.npy_intp), off
    off = <char *>cnp.PyArray_DATA(lane) - <char *>cnp.PyArray_DATA(seeds)
    return off // item if 0 <= off < cnp.PyArray_SIZE(seeds) * item else -1


cdef bint is_one_seed(ndarray lane) noexcept:
    """Whether one seed stands for all elements."""
    cdef int q
    for q in range(cnp.PyArray_NDIM(lane)):
        if cnp.PyArray_STRIDE(lane, q) != 0 and cnp.PyArray_DIM(lane, q) != 1:
            return False
    return cnp.PyArray_SIZE(lane) > 0


cdef bint runs_of(Factor parent, ndarray lane, dd_runs *r) except -1:
    """Whether a lane is a slice of the seeds that goes upwards by runs of consecutive ones."""
    cdef ndarray seeds = root_of(parent).arange
    cdef Py_ssize_t dim, step, item = sizeof(cnp.npy_intp)
    cdef int q
    if seeds is None or not cnp.PyArray_SIZE(lane):
        return False
    r.start = place_in(seeds, lane)
    if r.start < 0 and parent.root is not None:
        r.start = place_in(<ndarray>first_seeds(0), lane)
    if r.start < 0:
        return False
    r.length = r.runs = 1
    for q in range(cnp.PyArray_NDIM(lane) - 1, -1, -1):
        dim, step = cnp.PyArray_DIM(lane, q), cnp.PyArray_STRIDE(lane, q) // item
        if dim == 1:
            continue
        if r.runs == 1 and step == r.length:
            r.length *= dim
        elif r.runs == 1 and step > r.length:
            r.runs, r.step = dim, step
        elif r.runs > 1 and step == r.step * r.runs:
            r.runs *= dim
        else:
            return False
    if r.runs == 1:
        r.step = r.length
    return True


cdef ptrdiff_t *starts_of(Taylor x, Py_ssize_t first, dd_total *total) except? NULL:
    """The first seed of each lane, as dd_total wants them; NULL where that cannot be.

    first: the seed that is to be number 0.  Lanes go by the same runs, or are one seed, and x has
    no other seeds.  total.step, total.length: those of the runs.
    """
    cdef Factor parent = parent_of(x)
    cdef Py_ssize_t k, count = len(x.lanes)
    cdef ptrdiff_t *starts
    cdef dd_runs r
    cdef bint known = False
    if x.alg.D > 1 or len(x.alg.factors) > 1:
        return NULL
    starts = <ptrdiff_t *>malloc(count * sizeof(ptrdiff_t))
    if starts == NULL:
        raise MemoryError("dualdiff: no memory for the runs of seeds")
    for k in range(count):
        if is_one_seed(<ndarray>x.lanes[k]):
            starts[k] = -1 - ((<npy_intp *>cnp.PyArray_DATA(<ndarray>x.lanes[k]))[0] - first)
            continue
        if not runs_of(parent, <ndarray>x.lanes[k], &r) or (
            known and (r.step != total.step or r.length != total.length)
        ):
            free(starts)
            return NULL
        starts[k], total.step, total.length, known = r.start - first, r.step, r.length, True
    return starts


cdef bint sums_by_row(Taylor x, Py_ssize_t *first) except -1:
    """Whether the sum of x is a step that keeps what each seed gets, rather than terms.

    So what is done with the sum costs nothing by the number of inputs.  first: the seed that the
    row starts with, if so.
    """
    cdef Factor parent = parent_of(x)
    if x.alg.D > 1 or len(x.alg.factors) > 1 or not steps_allowed(x) or (
        cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE or cnp.PyArray_SIZE(x._value) == 0
    ):
        return False
    first[0] = 0
    if parent.root is not None:
        first[0] = min([lowest_seed(parent, <ndarray>lane) for lane in x.lanes])
    elif parent.n < ROW_SEEDS:
        return False
    return cnp.PyArray_SIZE(x._value) * (2 * len(x.lanes)) >= parent.n - first[0]


cdef Py_ssize_t lowest_seed(Factor parent, ndarray lane) except -1:
    cdef dd_runs r
    if is_one_seed(lane):
        return (<npy_intp *>cnp.PyArray_DATA(lane))[0]
    return r.start if runs_of(parent, lane, &r) else lane.min()


cdef int scatter_terms(double *g, Taylor x, Py_ssize_t first=0) except -1:
    """g = the sum of the first-order terms of x, for each seed from `first` on."""
    cdef Factor parent = parent_of(x)
    cdef Py_ssize_t k, count = len(x.lanes)
    cdef dd_runs *runs = <dd_runs *>malloc((count + 1) * sizeof(dd_runs))
    cdef int known = 0
    cdef double total
    cdef ndarray row, lane
    cdef list others = []
    if runs == NULL:
        raise MemoryError("dualdiff: no memory for the runs of seeds")
    try:
        for k in range(count):
            lane = <ndarray>x.lanes[k]
            row = <ndarray>np.asarray(x._terms[k])  # a scalar where x has no dimensions
            if cnp.PyArray_NDIM(row) and cnp.PyArray_IS_C_CONTIGUOUS(row) and (
                runs_of(parent, lane, runs + known)
            ):
                runs[known].t = <double *>cnp.PyArray_DATA(row)
                runs[known].start -= first
                known += 1
            else:
                others.append((lane, row))
        scatter_runs(g, parent.n - first, runs, known, True)
        g -= first
        for lane, row in others:
            if is_one_seed(lane) and cnp.PyArray_NDIM(row) and cnp.PyArray_IS_C_CONTIGUOUS(row):
                sum_rows(kernel_type(cnp.NPY_DOUBLE), <char *>&total, 1, cnp.PyArray_SIZE(row),
                         <char *>cnp.PyArray_DATA(row), 0, sizeof(double))
                g[(<npy_intp *>cnp.PyArray_DATA(lane))[0]] += total
                continue
            if cnp.PyArray_NDIM(row) > 1 and all_differ(lane):
                scatter_axes(g, <char *>cnp.PyArray_DATA(lane), cnp.PyArray_STRIDES(lane),
                             <char *>cnp.PyArray_DATA(row), cnp.PyArray_STRIDES(row),
                             cnp.PyArray_DIMS(row), cnp.PyArray_NDIM(row))
                continue
            if cnp.PyArray_NDIM(row) > 1:
                lane, row = flattened(lane, row)
            scatter(g, lane, row)
    finally:
        free(runs)
    return 0


cdef object sum_of_values(ndarray value):
    """np.add.reduce over all elements, shared by threads where they are many."""
    cdef double total
    if cnp.PyArray_TYPE(value) != cnp.NPY_DOUBLE or not cnp.PyArray_IS_C_CONTIGUOUS(value):
        return np.add.reduce(value, axis=None)
    sum_rows(kernel_type(cnp.NPY_DOUBLE), <char *>&total, 1, cnp.PyArray_SIZE(value),
             <char *>cnp.PyArray_DATA(value), 0, sizeof(double))
    return _float64(total) if isfinite(total) else np.add.reduce(value, axis=None)


cdef Taylor laned_sum(Taylor x):
    """np.sum(x): the local coefficients go to the seeds that they stand for."""
    cdef Taylor y
    cdef Algebra alg
    cdef Row row
    cdef Py_ssize_t first = 0
    cdef Factor parent = parent_of(x)
    if is_pending(x):
        return x
    value = np.asarray(sum_of_values(x._value))
    by_row = sums_by_row(x, &first)
    if by_row and equal_run(x, (1,)) < 0:
        row = row_of(first, parent.n - first)
        scatter_terms(row.terms(), x, first)
        return row_step(x, value, row)
    if by_row or parent.root is not None:
        return summed_step(x, value, tuple(range(cnp.PyArray_NDIM(x._value))))
    if x.alg.D == 1 and len(x.alg.factors) == 1 and cnp.PyArray_TYPE(x._value) == cnp.NPY_DOUBLE:
        alg = dense_algebra(x.alg)
        y = new_scalar(alg)
        y.c[0] = value
        scatter_terms(y.c + 1, x)
        return y
    rows = dense_rows(x)
    small = len(x.alg.factors) > 1 and (
        cnp.PyArray_SIZE(x._value) * (rows_in_all(x.alg.factors) - 1) <= DENSER * rows)
    # inner calls, and sparse results, are read off what is pending without its sum
    if rows <= DENSE_ROWS and not small and not parent.room:
        alg = dense_algebra(x.alg)
        return new_array(alg, value, summed_terms(x, alg))
    return new_laned(x.alg, value, np.reshape(x._terms, (x.alg.M - 1, -1)),
                     tuple([np.ravel(lane) for lane in x.lanes]))


cdef flattened(lane, row):
    """One-dimensional forms of a lane and a row; axes along which one seed stands are summed."""
    keep = [q for q in range(row.ndim) if lane.strides[q] or row.shape[q] == 1]
    drop = tuple(q for q in range(row.ndim) if q not in keep)
    if drop:
        row = row.sum(axis=drop)
        lane = lane[tuple(0 if q in drop else slice(None) for q in range(lane.ndim))]
    return np.ravel(lane), np.ravel(row)
