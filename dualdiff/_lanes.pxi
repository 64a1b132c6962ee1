"""Part of _taylor.pyx: lanes, the second representation of a number.

A number with lanes has, in place of a factor of n seeds, a local factor of a few seeds,
and for each local seed a lane: an integer array of the number's shape that says, element
by element, which of the n seeds it stands for.  The identity seed of an n-vector has one
local seed and the lane arange(n).  Kernels run on the local algebra and never see lanes;
functions that move elements move the lanes too; operands with different lanes meet in the
union of their local seeds; past MAXLANES, or where it is no gain, a number becomes dense.
Two lanes are known to be equal when they are the same memory seen the same way: slices of
one input are compared as slices.

A sum of second or higher order whose dense algebra would be too large stays `pending`:
a number without dimensions whose terms and lanes have one axis more, still to be summed.
"""

cdef Py_ssize_t MAXLANES = 64            # local seeds beyond which a number becomes dense
cdef Py_ssize_t STEP_LANES = 12          # beyond which elements get seeds of their own (_steps.pxi)
cdef Py_ssize_t DENSE_ELEMENTS = 512     # seeds up to which single elements are dense
cdef Py_ssize_t DENSE_ROWS = 200_000     # coefficients up to which a sum becomes dense at once
cdef Py_ssize_t DENSER = 4               # a pending sum may be larger by this than the dense one
cdef Py_ssize_t _dense_limit = 1 << 25   # bytes that one number may become dense with


cdef Taylor new_laned(Algebra alg, ndarray value, ndarray terms, tuple lanes):
    """A number with lanes, which keeps these arrays."""
    cdef Taylor y = Taylor.__new__(Taylor)
    y.alg = alg
    y._value = value
    y._terms = terms
    y.lanes = lanes
    return y


cdef bint has_lanes(x) noexcept:
    return type(x) is Taylor and (<Taylor>x).lanes is not None


cdef bint is_pending(Taylor x) noexcept:
    """Whether the terms are still to be summed over their last axis."""
    return x.lanes is not None and x.base is not LATER and (
        cnp.PyArray_NDIM(x._terms) == cnp.PyArray_NDIM(x._value) + 2)


cdef Factor parent_of(Taylor x):
    return (<Factor>x.alg.factors[x.alg.laned]).parent


# ---- lanes ---------------------------------------------------------------------------

cdef bint same_lane(ndarray a, ndarray b) noexcept:
    """Whether two lanes are the same memory seen the same way."""
    cdef int q, nd = cnp.PyArray_NDIM(a)
    if a is b:
        return True
    if cnp.PyArray_DATA(a) != cnp.PyArray_DATA(b) or nd != cnp.PyArray_NDIM(b):
        return False
    for q in range(nd):
        if cnp.PyArray_DIM(a, q) != cnp.PyArray_DIM(b, q):
            return False
        if cnp.PyArray_DIM(a, q) > 1 and cnp.PyArray_STRIDE(a, q) != cnp.PyArray_STRIDE(b, q):
            return False
    return True


cdef ndarray spread_view(ndarray a, ndarray like):
    """a broadcast to the shape of `like`, as a view."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] strides
    cdef int q, nd = cnp.PyArray_NDIM(like), lead = nd - cnp.PyArray_NDIM(a)
    if lead == 0 and cnp.PyArray_SAMESHAPE(a, like):
        return a
    for q in range(nd):
        if q < lead or cnp.PyArray_DIM(a, q - lead) == 1:
            strides[q] = 0
        else:
            strides[q] = cnp.PyArray_STRIDE(a, q - lead)
    return at_memory(a, a, <char *>cnp.PyArray_DATA(a), nd, cnp.PyArray_DIMS(like), strides)


cdef tuple spread_lanes(tuple lanes, ndarray like):
    cdef list out = []
    for lane in lanes:
        out.append(spread_view(<ndarray>lane, like))
    return tuple(out)


cdef Taylor relabeled(Taylor x, Algebra alg, tuple seeds):
    """x over `alg`, whose local factor is larger: its seed s is seeds[s] there; no lanes yet."""
    cdef Taylor y
    cdef Py_ssize_t k
    sync(x)
    y = array_result(alg, x._value)
    terms = <object>y._terms
    index = relabel(x.alg, alg, seeds).tolist()
    for k in set(range(1, alg.M)).difference(index):
        terms[k - 1] = 0
    for k in range(1, x.alg.M):
        terms[<Py_ssize_t>index[k] - 1] = x._terms[k - 1]
    y.lanes = x.lanes
    return y


cdef dict _maps = {}


cdef row_map(Algebra small, Algebra big, tuple seeds):
    """For each monomial of `big` its position in `small` (see relabeled), 0 for none: int32."""
    cdef Table table = big.table
    cdef Py_ssize_t i
    if big.D == 1 and len(big.factors) == 1:
        key = (big.M, seeds)
        found = _maps.get(key)
        if found is None:
            found = np.zeros(big.M, np.int32)
            for i in range(len(seeds)):
                found[1 + seeds[i]] = 1 + i
            if len(_maps) > 1000:
                _maps.clear()
            _maps[key] = found
        return found
    key = ("rows", small.table.key, small.laned, seeds)
    found = table.cache.get(key)
    if found is None:
        found = np.zeros(big.M, np.int32)
        found[relabel(small, big, seeds)] = np.arange(small.M)
        table.cache[key] = found
    return found


cdef bint equal_lanes(Taylor x, Taylor y) noexcept:
    """Whether two numbers have the same algebra and, element by element, the same lanes."""
    cdef Py_ssize_t i
    if x.alg is not y.alg or x.lanes is None or y.lanes is None or len(x.lanes) != len(y.lanes):
        return False
    for i in range(len(x.lanes)):
        if not same_lane(<ndarray>x.lanes[i], <ndarray>y.lanes[i]):
            return False
    return True


# ---- arithmetic ----------------------------------------------------------------------

cdef laned_binary(int kernel, a, b, ndarray value):
    """a kernel b of one dtype, at least one of them with lanes; value: if it is known."""
    cdef Taylor x, y, z
    cdef Factor px, py
    cdef Algebra alg
    if has_lanes(a) and is_pending(<Taylor>a) or has_lanes(b) and is_pending(<Taylor>b):
        return pending_binary(kernel, a, b, value)
    if type(a) is not Taylor or type(b) is not Taylor:
        x = <Taylor>(a if type(a) is Taylor else b)
        z = array_binary(kernel, x.alg, a, b, value, None, None)
        z.lanes = spread_lanes(x.lanes, z._value)
        return z
    x = <Taylor>a
    y = <Taylor>b
    px = None if x.lanes is None else parent_of(x)
    py = None if y.lanes is None else parent_of(y)
    if px is py:
        return meet(kernel, x, y, value)
    if px is not None and px.root is not None or py is not None and py.root is not None or (
        px is not None and px.scalar or py is not None and py.scalar
    ):
        a, b = with_steps(x, y)
        if has_lanes(a) and has_lanes(b) and parent_of(<Taylor>a) is parent_of(<Taylor>b):
            return meet(kernel, <Taylor>a, <Taylor>b, value)
        if a is not x or b is not y:
            return laned_binary(kernel, a, b, value) if has_lanes(a) or has_lanes(b) else (
                apply(kernel_names[kernel], a, b, 0.0, value))
    if px is not None and py is not None:  # two laned factors: one of them becomes dense
        return laned_binary(kernel, x, dense(y), value)
    if px is not None and y.alg.place(px) >= 0 or py is not None and x.alg.place(py) >= 0:
        x = dense(x)
        y = dense(y)
        return apply(kernel_names[kernel], x, y, 0.0, value)
    alg, a, b = together(x, y)
    z = array_binary(kernel, alg, a, b, value, None, None)
    z.lanes = spread_lanes(x.lanes if px is not None else y.lanes, z._value)
    return z


cdef meet(int kernel, Taylor x, Taylor y, ndarray value):
    """x kernel y, with lanes over one factor: in the union of their local seeds."""
    cdef Taylor z
    cdef Algebra alg
    cdef Py_ssize_t i, j, n
    cdef tuple lanes_x = x.lanes, lanes_y = y.lanes
    cdef list lanes, at
    cdef bint equal = len(lanes_x) == len(lanes_y) and x.alg is y.alg
    cdef ndarray like = None
    if not cnp.PyArray_SAMESHAPE(x._value, y._value):
        like = np.broadcast_to(np.empty(()), np.broadcast_shapes(
            (<object>x._value).shape, (<object>y._value).shape))
        lanes_x = spread_lanes(lanes_x, like)
        lanes_y = spread_lanes(lanes_y, like)
    if equal:
        for i in range(len(lanes_x)):
            if not same_lane(<ndarray>lanes_x[i], <ndarray>lanes_y[i]):
                equal = False
                break
    if equal:
        z = array_binary(kernel, x.alg, x, y, value, None, None)
        z.lanes = lanes_x
        return z
    lanes = list(lanes_x)
    at = []
    for j in range(len(lanes_y)):
        for i in range(len(lanes_x)):  # one for each: y may have a lane twice
            if i not in at and same_lane(<ndarray>lanes_x[i], <ndarray>lanes_y[j]):
                at.append(i)
                break
        else:
            at.append(len(lanes))
            lanes.append(lanes_y[j])
    n = len(lanes)
    if n > STEP_LANES and takes_steps(x) and takes_steps(y):
        return meet(kernel, collapsed(x), collapsed(y), value)
    if n > MAXLANES or n > 2 and 2 * n > seeds_in_all(parent_of(x)) and not parent_of(x).room:
        return apply(kernel_names[kernel], dense(x), dense(y), 0.0, value)
    alg = laned_algebra(x.alg, n)
    if laned_algebra(y.alg, n) is alg and kernel_type(cnp.PyArray_TYPE(x._value)) >= 0:
        z = array_binary(kernel, alg, x, y, value, row_map(x.alg, alg, tuple(range(len(lanes_x)))),
                         row_map(y.alg, alg, tuple(at)))
    else:
        y = relabeled(y, laned_algebra(y.alg, n), tuple(at))
        x = relabeled(x, alg, tuple(range(len(lanes_x))))
        alg, p, q = together(x, y)
        z = array_binary(kernel, alg, p, q, value, None, None)
    z.lanes = tuple(lanes)
    return z


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


cdef Taylor with_lanes(Taylor x, Py_ssize_t n):
    """x with n local seeds, the new ones standing for nothing (their terms are zero)."""
    cdef Taylor y
    cdef Py_ssize_t old = len(x.lanes)
    cdef Algebra alg
    if old == n:
        return x
    alg = laned_algebra(x.alg, n)
    index = relabel(x.alg, alg, tuple(range(old)))
    terms = np.zeros((alg.M - 1,) + (<object>x._terms).shape[1:], (<object>x._terms).dtype)
    terms[index[1:] - 1] = x._terms
    empty_lane = np.broadcast_to(np.zeros((), np.intp), np.shape(terms)[1:])
    return new_laned(alg, x._value, terms, x.lanes + (empty_lane,) * (n - old))


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
        return eliminated(x)
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


# ---- elements ------------------------------------------------------------------------------

cdef laned_getitem(Taylor x, index):
    """x[index]: the lanes are indexed as the value is."""
    cdef Taylor y
    cdef Py_ssize_t start, stop, step, n
    cdef list lanes = []
    if is_pending(x):
        return x if index is Ellipsis or (type(index) is tuple and not index) else (
            getitem(dense(x), index))
    if PyLong_CheckExact(index) and x.alg.D == 1 and cnp.PyArray_NDIM(x._value) == 1 and (
        cnp.PyArray_TYPE(x._value) == cnp.NPY_DOUBLE and len(x.alg.factors) == 1
        and seeds_in_all(parent_of(x)) <= DENSE_ELEMENTS and not parent_of(x).room
        and parent_of(x).root is None
    ):
        return dense_element(x, <Py_ssize_t>index)
    if type(index) is slice and cnp.PyArray_NDIM(x._value):
        PySlice_Unpack(index, &start, &stop, &step)
        n = PySlice_AdjustIndices(cnp.PyArray_DIM(x._value, 0), &start, &stop, step)
        for lane in x.lanes:
            lanes.append(axis_view(<ndarray>lane, 0, start, step, n))
        y = new_laned(x.alg, axis_view(x._value, 0, start, step, n),
                      axis_view(x._terms, 1, start, step, n), tuple(lanes))
    elif basic_index(index):
        if type(index) is not tuple:
            index = (index,)
        y = new_laned(x.alg, np.asarray(x._value[index]),
                      np.asarray(x._terms[(_all,) + <tuple>index]),
                      tuple([np.asarray(lane[index]) for lane in x.lanes]))
        if cnp.PyArray_NDIM(y._value) == 0 and Ellipsis not in index:
            y._value = y._value.copy()  # an element is a scalar, not a view
            y._terms = y._terms.copy()
            return dense(y) if (seeds_in_all(parent_of(y)) <= DENSE_ELEMENTS and y.alg.D == 1
                                and not parent_of(y).room and parent_of(y).root is None) else y
    else:
        index = plain_index(index)
        value = np.asarray(x._value[index])
        terms, at = last_axis(x._terms, index)
        terms = np.ascontiguousarray(np.moveaxis(terms[at], -1, 0))
        return new_laned(x.alg, value, terms, tuple([np.asarray(lane[index]) for lane in x.lanes]))
    y.base = x if x.base is None else x.base
    y.stamp = y.base.stamp
    return y


cdef Taylor dense_element(Taylor x, Py_ssize_t i):
    """x[i] of a one-dimensional float64 number of order 1, as a dense number."""
    cdef Taylor y
    cdef Py_ssize_t k, n = cnp.PyArray_DIM(x._value, 0)
    cdef cnp.npy_intp seed
    cdef ndarray lane
    if i < 0:
        i += n
    if i < 0 or i >= n:
        raise IndexError(f"index {i - n if i < 0 else i} is out of bounds for axis 0 with size {n}")
    y = new_scalar(dense_algebra(x.alg))
    memset(y.c, 0, y.alg.M * sizeof(double))
    y.c[0] = (<double *>cnp.PyArray_GETPTR1(x._value, i))[0]
    for k in range(len(x.lanes)):
        lane = <ndarray>x.lanes[k]
        seed = (<cnp.npy_intp *>cnp.PyArray_GETPTR1(lane, i))[0]
        y.c[1 + seed] += (<double *>cnp.PyArray_GETPTR2(x._terms, k, i))[0]
    return y


cdef int laned_setitem(Taylor x, index, v) except -1:
    """x[index] = v: each element takes its own lanes along."""
    cdef Taylor base = x if x.base is None else x.base, w
    cdef Py_ssize_t i
    if is_pending(x) or type(v) is Taylor and has_lanes(v) and is_pending(<Taylor>v):
        v = dense(<Taylor>v)
    if type(v) is not Taylor:
        x._value[index] = v
        terms, at = last_axis(x._terms, index)
        terms[at] = 0
        return 0
    w = <Taylor>v
    if not fits_lanes(base, w):
        if base.lanes is not None:
            move_base(base, dense(base))
        sync(x)
        return setitem(x, index, dense(w))
    if base.lanes is None or len(base.lanes) < len(w.lanes) or w.alg is not base.alg or (
        not own_lanes(base)
    ):
        adopt_lanes(base, w)
        sync(x)
    w = over_lanes(w, base)
    x._value[index] = w._value
    terms, at = last_axis(x._terms, index)
    terms[at] = np.moveaxis(w._terms, 0, -1)
    for i in range(len(x.lanes)):
        x.lanes[i][index] = w.lanes[i]
    return 0


cdef bint own_lanes(Taylor base):
    """Whether the lanes of a number are writable and nobody else's: results share lanes."""
    cdef tuple lanes = base.lanes
    if Py_REFCNT(lanes) > 2:  # the number's reference and the variable
        return False
    for lane in lanes:
        if Py_REFCNT(lane) > 2 or not cnp.PyArray_ISWRITEABLE(<ndarray>lane):
            return False
    return True


cdef bint fits_lanes(Taylor base, Taylor w):
    """Whether w can be stored in base with lanes: both over the same single factor."""
    if w.lanes is None or len(w.alg.factors) != 1:
        return False
    if base.lanes is None:
        return len(base.alg.factors) == 0
    return len(base.alg.factors) == 1 and parent_of(base) is parent_of(w)


cdef int move_base(Taylor base, Taylor y) except -1:
    """Let base be y, in place, its memory laid out so that its views can follow."""
    terms = laid_out_as(<object>base._value, (y.alg.M - 1,))
    terms[...] = y._terms
    base._terms = terms
    base.alg = y.alg
    base.lanes = y.lanes
    base.stamp += 1
    return 0


cdef int adopt_lanes(Taylor base, Taylor w) except -1:
    """Give base lanes of its own, writable and at least as many as w has."""
    cdef Py_ssize_t n
    cdef list lanes = []
    cdef Taylor y
    if base._value is None:
        raise RuntimeError("dualdiff: internal error: lanes for a number in a C buffer")
    value = <object>base._value
    if base.lanes is None:
        y = new_laned(w.alg, base._value, np.zeros((w.alg.M - 1,) + value.shape, value.dtype),
                      tuple([np.zeros(value.shape, np.intp)] * len(w.lanes)))
    else:
        y = with_lanes(base, max(len(base.lanes), len(w.lanes)))
    for lane in y.lanes:
        own = laid_out_as(value, (), np.intp)
        own[...] = lane
        lanes.append(own)
    y.lanes = tuple(lanes)
    return move_base(base, y)


cdef Taylor over_lanes(Taylor w, Taylor base):
    """w with as many local seeds as base."""
    return with_lanes(w, len(base.lanes))
