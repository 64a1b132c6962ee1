"""Part of _taylor.pyx: what the kinds and the lane forms ask of numbers with lanes."""


# ---- for the kinds ---------------------------------------------------------------------------

cdef object _scalar_like = np.zeros(())


def laned_parts(Taylor x):
    """(algebra, value, terms, lanes) over local seeds; lanes is None for a dense number."""
    if x.base is not None:
        sync(x)
    if x.lanes is None or is_pending(x):
        x = dense(x)
        return x.alg, np.asarray(value_of(x)), terms_of(x), None
    return x.alg, x._value, x._terms, x.lanes


def described(x):
    """An array of the shape and dtype of a number, whose elements need not be there yet."""
    if type(x) is not Taylor:
        return x
    return _scalar_like if (<Taylor>x)._value is None else (<Taylor>x)._value


def make_laned(Algebra alg, value, terms, lanes):
    """A number over local seeds; a dense one where lanes is None."""
    if lanes is None:
        return new_array(alg, np.asarray(value), np.asarray(terms))
    return new_laned(alg, np.asarray(value), np.asarray(terms),
                     tuple([np.asarray(lane) for lane in lanes]))


def make_laned_view(Taylor x, value, terms, lanes):
    """As make_laned; the arrays are views of those of x."""
    cdef Taylor y = make_laned(x.alg, value, terms, lanes)
    if y._value is not None:
        y.base = x if x.base is None else x.base
        y.stamp = y.base.stamp
    return y


def is_laned(x):
    """Whether x is a number with lanes; a view may have lost them with its base."""
    if type(x) is Taylor and (<Taylor>x).base is not None and (<Taylor>x).base is not LATER:
        sync(<Taylor>x)
    return has_lanes(x)


def one_lane_count(list numbers):
    """Laned numbers of one call with equally many local seeds; None if that cannot be.

    Constants in the list stay as they are.
    """
    cdef Factor parent = None
    cdef Algebra rest = None, own
    cdef Py_ssize_t n = 0
    found = [x for x in numbers if type(x) is Taylor]
    if may_step(*found, nested=True) and any([
        parent_of(<Taylor>x).root is not None for x in found
    ]):
        numbers = [widened(<Taylor>x) if type(x) is Taylor else x for x in numbers]
    for x in numbers:
        if type(x) is not Taylor:
            continue
        if (<Taylor>x).base is not None:
            sync(<Taylor>x)
        if (<Taylor>x).lanes is None or is_pending(<Taylor>x) or (<Taylor>x).alg.bounds:
            return None
        if parent is not None and parent_of(<Taylor>x) is not parent:
            return None
        parent = parent_of(<Taylor>x)
        n = max(n, len((<Taylor>x).lanes))
        own = rest_of((<Taylor>x).alg)
        if own is not None:
            rest = own if rest is None else <Algebra>union_of(rest, own)[0]
    return [with_lanes(over_rest(<Taylor>x, rest), n) if type(x) is Taylor else x
            for x in numbers]


def revalued(Taylor x, value):
    """x with other values, and its terms in their dtype."""
    if x.base is not None:
        sync(x)
    value = np.asarray(value)
    terms = raw_parts(x)[1].astype(value.dtype, copy=False)
    if x.lanes is not None:
        return new_laned(x.alg, value, terms, x.lanes)
    return new_array(x.alg, value, terms)


def truncated(Taylor x):
    """x over the algebra of one total degree less; a plain array where nothing is left."""
    cdef Algebra low
    if x.base is not None:
        sync(x)
    if x.lanes is not None and is_pending(x):
        x = dense(x)
    if x.alg.D == 1:
        return np.asarray(value_of(x))
    low = lower_of(x.alg)
    value, terms = raw_parts(x)
    if x.lanes is not None:
        return new_laned(low, value, terms[: low.M - 1], x.lanes)
    return new_array(low, np.asarray(value), terms[: low.M - 1])


def spread(Taylor x, value):
    """x broadcast to the shape of value, in its dtype."""
    if x.base is not None:
        sync(x)
    if x.lanes is not None and is_pending(x):
        x = dense(x)
    v, t = raw_parts(x)
    v = np.asarray(v)
    lanes = x.lanes
    if v.shape != value.shape:
        t = t.reshape(t.shape[:1] + (1,) * (value.ndim - v.ndim) + v.shape)
        t = np.broadcast_to(t, t.shape[:1] + value.shape)
        v = np.broadcast_to(v, value.shape)
        lanes = None if lanes is None else spread_lanes(lanes, v)
    v = np.ascontiguousarray(v, value.dtype).reshape(value.shape)
    t = np.ascontiguousarray(t, value.dtype)
    return new_array(x.alg, v, t) if lanes is None else new_laned(x.alg, v, t, lanes)


def aligned(a, b):
    """Two numbers, or a number and a constant, over one algebra and with the same lanes."""
    cdef Taylor x, y
    cdef Algebra alg
    if not (has_lanes(a) or has_lanes(b)):
        alg, operands = unify(a, b)
        return [v if t is None else new_array(alg, np.asarray(v), t) for v, t in operands]
    a = as_operand(a)
    b = as_operand(b)
    if type(a) is not Taylor or type(b) is not Taylor:
        return [a, b]
    x = <Taylor>a
    y = <Taylor>b
    if (x.lanes is not None and (parent_of(x).root is not None or parent_of(x).scalar)
            or y.lanes is not None and (parent_of(y).root is not None or parent_of(y).scalar)):
        x, y = with_steps(x, y)
    if x.lanes is None or y.lanes is None or is_pending(x) or is_pending(y) or (
        parent_of(x) is not parent_of(y)
    ):
        if x.lanes is not None and y.lanes is not None or (
            x.lanes is not None and y.alg.place(parent_of(x)) >= 0
        ) or y.lanes is not None and x.alg.place(parent_of(y)) >= 0:
            return aligned(dense(x), dense(y))
        alg, a, b = together(x, y)
        return [a, b]
    value = np.broadcast_to(np.zeros(()), np.broadcast_shapes(x.shape, y.shape))
    a = spread(x, value.astype(x.dtype))
    b = spread(y, value.astype(y.dtype))
    return union_lanes(<Taylor>a, <Taylor>b)


cdef union_lanes(Taylor x, Taylor y):
    """Numbers of one shape with lanes over one factor: [x, y] in the union of their lanes."""
    cdef list lanes = list(x.lanes), at = []
    cdef Py_ssize_t i, j
    for j in range(len(y.lanes)):
        for i in range(len(x.lanes)):
            if i not in at and same_lane(<ndarray>x.lanes[i], <ndarray>y.lanes[j]):
                at.append(i)
                break
        else:
            at.append(len(lanes))
            lanes.append(y.lanes[j])
    if len(lanes) > most_lanes(x, cnp.PyArray_SIZE(x._value)):
        return aligned(dense(x), dense(y))
    y = relabeled(y, laned_algebra(y.alg, len(lanes)), tuple(at))
    x = relabeled(x, laned_algebra(x.alg, len(lanes)), tuple(range(len(x.lanes))))
    x.lanes = y.lanes = tuple(lanes)
    return list(together(x, y)[1:])


def constant_like(Taylor x, value):
    """A number with these values and no derivative yet, over the seeds of x."""
    cdef Algebra alg
    if x.base is not None:
        sync(x)
    value = np.asarray(value)
    if x.lanes is None:
        return new_array(x.alg, value, np.zeros((x.alg.M - 1,) + value.shape, value.dtype))
    alg = laned_algebra(x.alg, 1)
    return new_laned(alg, value, np.zeros((alg.M - 1,) + value.shape, value.dtype),
                     (np.zeros(value.shape, np.intp),))


def side_by_side(Taylor x, value, axes):
    """The sum over axes with the local seeds of all summed elements side by side.

    Lanes that do not change along the axes are the same for all of them.  None where that is
    no gain; value: the sum of the values.
    """
    cdef Algebra alg
    cdef Py_ssize_t i, q, n, count, old
    if x.base is not None:
        sync(x)
    if x.lanes is None or is_pending(x):
        return None
    shape = (<object>x._value).shape
    count = int(np.prod([shape[a] for a in axes]))
    fixed = [all(shape[a] < 2 or lane.strides[a] == 0 for a in axes) for lane in x.lanes]
    old = len(x.lanes)
    n = sum(fixed) + count * (old - sum(fixed))
    if count == 0 or n > most_lanes(x, np.size(value)) or n > old and (
        2 * n > seeds_in_all(parent_of(x)) and not parent_of(x).room
    ):
        return None
    rest = [q for q in range(len(shape)) if q not in axes]
    kept = tuple([shape[q] for q in rest])
    rows = local_rows(x, n)
    if (x.alg.D > 1 or parent_of(x).room == 0) and (
        rows * <object>np.size(value) * x._value.itemsize > (parent_of(x).room or _dense_limit)
    ):
        return None
    terms = np.transpose(x._terms, [0, *[a + 1 for a in axes], *[q + 1 for q in rest]])
    if n == old:  # all lanes stay
        with np.errstate(all="ignore"):
            terms = terms.sum(axis=tuple(range(1, len(axes) + 1)), dtype=terms.dtype)
        at = tuple([0 if q in axes else slice(None) for q in range(len(shape))])
        return new_laned(x.alg, np.asarray(value).reshape(kept), np.asarray(terms),
                         tuple([np.asarray(lane[at]) for lane in x.lanes]))
    terms = terms.reshape((len(terms), count) + kept)
    moved = [np.transpose(lane, [*axes, *rest]).reshape((count,) + kept) for lane in x.lanes]
    alg = laned_algebra(x.alg, n)
    lanes = [lane[0] for lane, stays in zip(moved, fixed) if stays]
    if x.alg.D == 1 and len(x.alg.factors) == 1 and not lanes:
        out = <object>empty_terms(alg, np.asarray(value).reshape(kept))
        out = out.astype(terms.dtype, copy=False)
        out.reshape((count, old) + kept)[...] = np.swapaxes(terms, 0, 1)
        lanes = [lane[i] for i in range(count) for lane in moved]
    else:
        out = np.zeros((alg.M - 1,) + kept, terms.dtype)
        for i in range(count):
            seeds, place = [], 0
            for lane, stays in zip(moved, fixed):
                if stays:
                    seeds.append(place)
                    place += 1
                else:
                    seeds.append(len(lanes))
                    lanes.append(lane[i])
            index = relabel(x.alg, alg, tuple(seeds))
            with np.errstate(all="ignore"):
                out[index[1:] - 1] += terms[:, i]
    return new_laned(alg, np.asarray(value).reshape(kept), np.asarray(out),
                     tuple([np.asarray(lane) for lane in lanes]))


cdef local_rows(Taylor x, Py_ssize_t n):
    """Rows of terms that x would have with n local seeds."""
    rows = 1
    for q, f in enumerate(x.alg.factors):
        m = n if q == x.alg.laned else f.n
        c = 1
        for i in range(1, f.order + 1):
            c = c * (m + i) // i
        rows *= c
    return rows


def lanes_fit(Taylor x, Py_ssize_t n):
    """Whether x may have n local seeds: neither too many nor nearly as many as it has inputs."""
    return n <= most_lanes(x, cnp.PyArray_SIZE(x._value)) and (
        n <= 2 or 2 * n <= seeds_in_all(parent_of(x)) or parent_of(x).room != 0)


def max_lanes():
    """How many local seeds a number may have before it becomes dense."""
    return MAXLANES


def dense_form(Taylor x):
    """x in the dense representation."""
    return dense(x)


def local_parts(Taylor x):
    """(algebra, terms, lanes) as they are; lanes is None for a dense number.

    What is still to be summed keeps the axis that it is to be summed over.
    """
    if x.base is not None:
        sync(x)
    if x.lanes is None:
        return x.alg, terms_of(x), None
    return x.alg, x._terms, x.lanes


def set_dense_limit(Py_ssize_t size):
    """Set the bytes that one laned number may become dense with; returns the limit before."""
    global _dense_limit
    before = _dense_limit
    _dense_limit = size
    return before


def dense_limit():
    """Bytes that one laned number may become dense with."""
    return _dense_limit


def set_max_lanes(Py_ssize_t n):
    """How many local seeds a number may have before it becomes dense; returns the old bound."""
    global MAXLANES
    before = MAXLANES
    MAXLANES = min(max(n, 1), 128)
    return before
