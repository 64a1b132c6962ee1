"""Part of _taylor.pyx: lanes, the second representation of a number.

A number with lanes has, in place of a factor of n seeds, a local factor of a few seeds,
and for each local seed a lane: an integer array of the number's shape that says, element
by element, which of the n seeds it stands for.  The identity seed of an n-vector has one
local seed and the lane arange(n).  Kernels run on the local algebra and never see lanes;
functions that move elements move the lanes too; operands with different lanes meet in the
union of their local seeds; past so many (most_lanes), or where it is no gain, a number becomes
dense.
Two lanes are known to be equal when they are the same memory seen the same way: slices of
one input are compared as slices.

Pending sums, and numbers that become dense: _lanes_dense.pxi.
"""

cdef Py_ssize_t MAXLANES = 64            # local seeds beyond which a number becomes dense
cdef Py_ssize_t STEP_LANES = 4           # beyond which elements get seeds of their own (_steps.pxi)
cdef Py_ssize_t DENSE_ELEMENTS = 2048    # seeds up to which single elements are dense
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
    return x.lanes is not None and not is_put_off(x) and (
        cnp.PyArray_NDIM(x._terms) == cnp.PyArray_NDIM(x._value) + 2)


cdef Py_ssize_t most_lanes(Taylor x, Py_ssize_t size):
    """Local seeds that a number of so many elements, made of x, may have before it is dense.

    A sparse result to first order may have more, with terms and lanes of eight rooms (_sparse.py:
    half the budget).
    """
    cdef Py_ssize_t room = parent_of(x).room
    if room == 0 or x.alg.D > 1:
        return MAXLANES
    return max(MAXLANES, min(16 * MAXLANES, room // (2 * max(size, 1))))


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
        a, b = met_pending(a, b), met_pending(b, a)
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
        like = broadcast_like(x._value, y._value)
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
    if n > STEP_LANES * rest_size(x) and takes_steps(x) and takes_steps(y):
        return meet(kernel, collapsed(x), collapsed(y), value)
    if n > most_lanes(x, cnp.PyArray_SIZE(x._value if like is None else like)) or n > 2 and (
        2 * n > seeds_in_all(parent_of(x)) and not parent_of(x).room
    ):
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


# ---- sums ---------------------------------------------------------------------------------

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
    if base.lanes is not None and w.lanes is not None and (
        parent_of(base) is not parent_of(w) and may_step(base, w, nested=True)
    ):
        w = widened(w)
        base.alg = widened(base).alg
        base.stamp += 1
        sync(x)
    if not fits_lanes(base, w):
        if base.lanes is not None:
            move_base(base, dense(base))
        sync(x)
        return setitem(x, index, dense(w))
    if base.lanes is not None:
        w = over_rest(w, rest_of(base.alg))
        if rest_of(w.alg) is not rest_of(base.alg):
            move_base(base, over_rest(base, rest_of(w.alg)))
            sync(x)
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
        memory = (<object>lane).base
        if isinstance(memory, _ndarray) and Py_REFCNT(memory) > 2:  # by other views, too
            return False
    return True


cdef bint fits_lanes(Taylor base, Taylor w):
    """Whether w can be stored in base with lanes: both with lanes of the same call."""
    if w.lanes is None or w.alg.bounds or base.alg.bounds:
        return False
    if base.lanes is None:
        return len(base.alg.factors) == 0
    return parent_of(base) is parent_of(w)


cdef int own_terms(Taylor x) except -1:
    """Let x, a view perhaps, have terms that can be written to.

    One element may stand for a row of them (one_term), or others share them (steps).
    """
    cdef Taylor base = x if x.base is None else x.base
    if base._value is None or not cnp.PyArray_ISWRITEABLE(base._value) or (
        cnp.PyArray_ISWRITEABLE(base._terms) or is_pending(base)
    ):
        return 0
    move_base(base, base)
    return sync(x)


cdef bint lies_as(ndarray lane, ndarray value) noexcept:
    """Whether a lane is laid out in memory as the value is."""
    cdef Py_ssize_t item = sizeof(npy_intp), of_value = cnp.PyArray_ITEMSIZE(value)
    cdef int q
    for q in range(cnp.PyArray_NDIM(lane)):
        if cnp.PyArray_DIM(lane, q) > 1 and (
            cnp.PyArray_STRIDE(lane, q) * of_value != cnp.PyArray_STRIDE(value, q) * item
        ):
            return False
    return True


cdef int lay_lanes(Taylor base) except -1:
    """Let lanes be laid out in memory as the value is, so that views find their places in them."""
    cdef list lanes = []
    if base.lanes is None:
        return 0
    for lane in base.lanes:
        if not lies_as(<ndarray>lane, base._value):
            own = laid_out_as(<object>base._value, (), np.intp)
            own[...] = lane
            lane = own
        lanes.append(lane)
    for lane, old in zip(lanes, base.lanes):
        if lane is not old:
            base.lanes = tuple(lanes)
            base.stamp += 1
            break
    return 0


cdef int move_base(Taylor base, Taylor y) except -1:
    """Let base be y, in place, its memory laid out so that its views can follow."""
    terms = laid_out_as(<object>base._value, (y.alg.M - 1,))
    terms[...] = y._terms
    base._terms = terms
    base.alg = y.alg
    base.lanes = y.lanes
    base.stamp += 1
    lay_lanes(base)
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
