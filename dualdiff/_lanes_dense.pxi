"""Part of _taylor.pyx: sums of numbers with lanes that are pending; lanes become dense.

A sum of second or higher order whose dense algebra would be too large stays `pending`:
a number without dimensions whose terms and lanes have one axis more, still to be summed.
"""

# ---- arithmetic of what is pending -----------------------------------------------------------

cdef pending_binary(int kernel, a, b, ndarray value):
    """Sums, and products with constants, of numbers that are still to be summed."""
    cdef Taylor x, y
    if value is None:
        value = np.asarray(value_ufunc(kernel)(np.asarray(plain_value(a)),
                                               np.asarray(plain_value(b))))
    if value.ndim == 0:
        if type(b) is not Taylor:
            x = <Taylor>a
            if kernel == DD_mul:
                return new_laned(x.alg, value, x._terms * b, x.lanes)
            if kernel == DD_div:
                return new_laned(x.alg, value, x._terms / b, x.lanes)
            if kernel == DD_add or kernel == DD_sub:
                return new_laned(x.alg, value, x._terms, x.lanes)
        elif type(a) is not Taylor:
            y = <Taylor>b
            if kernel == DD_mul:
                return new_laned(y.alg, value, y._terms * a, y.lanes)
            if kernel == DD_add or kernel == DD_sub:
                return new_laned(y.alg, value, y._terms if kernel == DD_add else -y._terms, y.lanes)
        elif kernel == DD_add or kernel == DD_sub:
            x = as_pending(<Taylor>a)
            y = as_pending(<Taylor>b)
            if x is not None and y is not None and parent_of(x) is parent_of(y) and (
                len(x.alg.factors) == 1 and len(y.alg.factors) == 1
            ):
                return concatenated(x, y, kernel == DD_sub, value)
    a = dense(<Taylor>a) if type(a) is Taylor else a
    b = dense(<Taylor>b) if type(b) is Taylor else b
    if type(a) is Taylor:
        return apply(kernel_names[kernel], a, b, 0.0, value)
    return binary(kernel, a, b)


cdef plain_value(x):
    return value_of(<Taylor>x) if type(x) is Taylor else x


cdef Taylor as_pending(Taylor x):
    """A laned number without dimensions in pending form; None for any other."""
    if x.lanes is None or cnp.PyArray_NDIM(x._value):
        return None
    if is_pending(x):
        return x
    return new_laned(x.alg, x._value, np.asarray(x._terms)[:, None],
                     tuple([np.asarray(lane).reshape(1) for lane in x.lanes]))


cdef Taylor concatenated(Taylor x, Taylor y, bint minus, ndarray value):
    """x + y, or x - y, by laying what is to be summed side by side."""
    cdef Py_ssize_t n = max(len(x.lanes), len(y.lanes))
    x, y = with_lanes(x, n), with_lanes(y, n)
    size = cnp.PyArray_SIZE(x._terms) + cnp.PyArray_SIZE(y._terms)
    if size > DENSER * dense_rows(x) and dense_rows(x) <= DENSE_ROWS:  # more than the sum itself
        return apply("sub" if minus else "add", dense(x), dense(y), 0.0, value)
    terms = np.concatenate([x._terms, -y._terms if minus else y._terms], axis=1)
    lanes = tuple([np.concatenate(pair) for pair in zip(x.lanes, y.lanes)])
    return new_laned(x.alg, value, terms, lanes)


# ---- to the dense representation --------------------------------------------------------

class DenseLimit(MemoryError):
    """A number with lanes would have become too large as a dense one."""


cdef monomials(Algebra small, Algebra big, Py_ssize_t k, tuple lanes):
    """Position in the dense algebra of local monomial k, element by element."""
    cdef Py_ssize_t place = small.laned
    cdef Factor parent = (<Factor>small.factors[place]).parent
    cdef Algebra outer
    seeds = small.multi_index(k)
    local = seeds[place]
    if len(big.factors) == 1 and len(local) == 1:
        return lanes[local[0]] + 1
    n = parent.n
    d = len(local)
    if d == 0:
        rank = np.zeros((), np.intp)
    elif d == 1:
        rank = lanes[local[0]] + 1
    else:
        s = np.sort(np.stack([lanes[i] for i in local]), axis=0)
        rank = np.full(s.shape[1:], count_below(n, d))
        for i in range(d):  # colexicographic rank: the sum of C(s_i + i, i + 1)
            term = np.ones(s.shape[1:], np.int64)
            for j in range(i + 1):
                term = term * (s[i] + i - j) // (j + 1)
            rank = rank + term
    if len(big.factors) == 1:
        return rank
    _, index = big.split(parent)
    rest = np.delete(small.table.array("part")[k], place)
    outer = small.split(small.factors[place])[0]
    return np.take(index[:, int(outer.table.find(rest))], rank)


cdef count_below(n, d):
    """Monomials of n seeds of degree less than d."""
    c = 1
    for i in range(1, d):
        c = c * (n + i) // i
    return c


cdef Py_ssize_t seeds_in_all(Factor parent):
    """Seeds that lanes may stand for, those of other chunks included."""
    cdef Factor root = root_of(parent)
    return parent.n if root.whole is None else parent.n - root.n + root.whole.n


cdef dense_rows(Taylor x):
    """Rows of terms that x has once it is dense, without making its table."""
    cdef Factor local = x.alg.factors[x.alg.laned]
    return rows_in_all([root_of(local.parent) if f is local else f for f in x.alg.factors])


cdef rows_in_all(factors):
    """Monomials of these factors, those of other chunks included."""
    rows = 1
    for f in {f if (<Factor>f).whole is None else (<Factor>f).whole for f in factors}:
        c = 1
        for i in range(1, f.order + 1):
            c = c * (f.n + i) // i
        rows *= c
    return rows


cdef Taylor dense(Taylor x):
    """x in the dense representation, if that is not too large; itself if it is."""
    if x.base is not None:
        sync(x)
    return x if x.lanes is None else dense_within(x, parent_of(x).room or _dense_limit)


cdef Taylor dense_within(Taylor x, Py_ssize_t limit):
    """x in the dense representation, if that takes no more than so many bytes."""
    cdef Algebra alg
    cdef Py_ssize_t k
    if x.base is not None:
        sync(x)
    if x.lanes is None:
        return x
    if parent_of(x).root is not None:
        return dense_within(eliminated(x), limit)
    value = <object>x._value
    rows = dense_rows(x)
    if rows * value.size * value.itemsize > limit:
        raise DenseLimit(
            f"dualdiff: an array of shape {value.shape} would need {rows} coefficients for each "
            f"element ({rows * value.size * value.itemsize / 2**20:.0f} MiB): the function mixes "
            "all inputs there; differentiate with chunk_size=, with respect to fewer inputs, or "
            "within a larger memory_budget")
    alg = dense_algebra(x.alg)
    if is_pending(x):
        total = summed_terms(x, alg)
        return new_array(alg, x._value, total)
    terms = np.zeros((alg.M - 1, value.size), value.dtype)
    columns = np.arange(value.size)
    for k in range(1, x.alg.M):
        at = np.broadcast_to(monomials(x.alg, alg, k, x.lanes), value.shape).ravel()
        terms[at - 1, columns] += x._terms[k - 1].ravel()
    return new_array(alg, x._value, terms.reshape((alg.M - 1,) + value.shape))


cdef summed_terms(Taylor x, Algebra alg):
    """Terms over the dense algebra of the sum of all elements (of what is pending)."""
    cdef ndarray total = np.zeros(alg.M, (<object>x._terms).dtype)
    cdef bint quick = x.alg.D <= 2 and len(x.alg.factors) == 1 and (
        cnp.PyArray_TYPE(x._terms) == cnp.NPY_DOUBLE)
    cdef list lanes = None
    cdef Py_ssize_t k
    if quick:
        rows = (<object>x._terms).reshape(x.alg.M - 1, -1)
        if not cnp.PyArray_IS_C_CONTIGUOUS(<ndarray>rows):
            rows = rows.copy()
        lanes = []
        for lane in x.lanes:
            lanes.append(lane if cnp.PyArray_IS_C_CONTIGUOUS(<ndarray>lane) else lane.copy())
        scatter_pairs(<double *>cnp.PyArray_DATA(total), parent_of(x).n, x.alg, rows, lanes)
        return total[1:]
    for k in range(1, x.alg.M):
        row = <object>x._terms[k - 1]
        at = np.broadcast_to(monomials(x.alg, alg, k, x.lanes), row.shape).ravel()
        if row.dtype == np.float64:
            total += np.bincount(at, row.ravel(), alg.M)
        else:
            np.add.at(total, at, row.ravel())
    return total[1:]


cdef int scatter_pairs(double *total, Py_ssize_t n, Algebra alg, ndarray rows,
                       list lanes) except -1:
    """Add contiguous rows of terms, of degree at most 2, to the dense ones that they mean."""
    cdef Py_ssize_t k, e, i, j, size = cnp.PyArray_DIM(rows, 1)
    cdef double *t
    cdef cnp.npy_intp *a
    cdef cnp.npy_intp *b
    cdef tuple seeds
    for k in range(1, alg.M):
        seeds = <tuple>alg.seeds_of(k)
        t = <double *>cnp.PyArray_DATA(rows) + (k - 1) * size
        a = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>lanes[seeds[0]])
        if len(seeds) == 1:
            for e in range(size):
                total[1 + a[e]] += t[e]
            continue
        b = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>lanes[seeds[1]])
        for e in range(size):
            i, j = a[e], b[e]
            if i > j:
                i, j = j, i
            total[1 + n + i + j * (j + 1) // 2] += t[e]
    return 0
