"""Part of _taylor.pyx: numbers with lanes that are joined, and the rows of sparse results.

What is to be a sparse matrix need not be one array first: where a result of np.concatenate or
np.stack will be read row by row, its parts wait (`Later.parts`), and so do reshapes of it
(`Later.whole`).  Such a number has `base` set to JOINED, so that everything that follows a base
(sync) joins it; until then its values and terms are NaN.
"""

# ---- np.concatenate, np.stack --------------------------------------------------------------------

cdef struct Joint:
    # where the pieces of a joined array go
    npy_intp[cnp.NPY_MAXDIMS + 2] whole     # the shape of all of it
    npy_intp[cnp.NPY_MAXDIMS + 2] dims      # that of the piece whose turn it is
    int nd, axis        # of the pieces
    int stack           # whether pieces get an axis of their own
    Py_ssize_t at       # place of the piece along the axis


cdef void put(Joint *j, ndarray out, int lead, Py_ssize_t row, ndarray a):
    """Copy a, or zeros for None, to its place in `out`; lead: of both, `row` of those in front."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] into
    cdef npy_intp *strides = cnp.PyArray_STRIDES(out) + lead
    cdef npy_intp *by = into
    cdef char *to = <char *>cnp.PyArray_DATA(out) + j.at * strides[j.axis]
    cdef char *src = NULL
    cdef int q
    for q in range(j.nd):
        into[q] = strides[q + 1 if j.stack and q >= j.axis else q]
    if lead:
        to += row * cnp.PyArray_STRIDE(out, 0)
    if a is not None:
        by = cnp.PyArray_STRIDES(a) + lead
        src = <char *>cnp.PyArray_DATA(a)
        if lead:
            src += row * cnp.PyArray_STRIDE(a, 0)
    copy_elements(to, into, src, by, j.dims, j.nd, cnp.PyArray_ITEMSIZE(out))


cdef Taylor widest_of(list xs):
    """The number of most local seeds, if all are numbers that can be joined, or arrays, of one
    dtype; else None."""
    cdef Taylor widest = None, y
    cdef int typenum = -1, t
    for x in xs:
        if type(x) is Taylor:
            y = <Taylor>x
            if not is_plain(y):
                return None
            if widest is not None and (parent_of(widest) is not parent_of(y) or (
                widest.alg.D > 1 and widest.alg is not y.alg
            )):
                return None
            if widest is None or len(y.lanes) > len(widest.lanes):
                widest = y
            t = cnp.PyArray_TYPE(y._value)
        elif cnp.PyArray_CheckExact(x) and cnp.PyArray_ISBEHAVED_RO(<ndarray>x):
            t = cnp.PyArray_TYPE(<ndarray>x)
        else:
            return None
        if typenum >= 0 and t != typenum:
            return None
        typenum = t
    return widest


cdef ndarray value_in(x):
    """The values, or what has their shape where x waits."""
    return (<Taylor>x)._value if type(x) is Taylor else <ndarray>x


cdef bint fill_joint(Joint *j, list xs, Py_ssize_t axis) except -1:
    """Note the shapes; False where they do not fit."""
    cdef ndarray v = value_in(xs[0])
    cdef int q, nd = cnp.PyArray_NDIM(v), out_nd = nd + j.stack
    if axis < 0:
        axis += out_nd
    if not 0 <= axis < out_nd or out_nd > cnp.NPY_MAXDIMS:
        return False
    j.nd, j.axis, j.at = nd, <int>axis, 0
    for q in range(nd):
        j.whole[q + 1 if j.stack and q >= axis else q] = cnp.PyArray_DIM(v, q)
    j.whole[axis] = 0
    for x in xs:
        v = value_in(x)
        if cnp.PyArray_NDIM(v) != nd:
            return False
        for q in range(nd):
            if (j.stack or q != axis) and cnp.PyArray_DIM(v, q) != (
                j.whole[q + 1 if j.stack and q >= axis else q]
            ):
                return False
        j.whole[axis] += 1 if j.stack else cnp.PyArray_DIM(v, <int>axis)
    return True


cdef bint put_later(Joint *j, Taylor x, ndarray value, ndarray terms) except -1:
    """Compute x, if it waits, straight to its place; False where that is not one stretch."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef Py_ssize_t offset
    if x.base is not LATER or j.axis:
        return False
    offset = j.at * cnp.PyArray_STRIDE(value, 0)
    dims[0] = x.alg.M - 1
    memcpy(dims + 1, j.dims, j.nd * sizeof(npy_intp))
    strides[0] = cnp.PyArray_STRIDE(terms, 0)
    memcpy(strides + 1, cnp.PyArray_STRIDES(value) + j.stack, j.nd * sizeof(npy_intp))
    return compute_into(
        x.later,
        at_memory(value, value, <char *>cnp.PyArray_DATA(value) + offset, j.nd, dims + 1,
                  strides + 1),
        at_memory(terms, terms, <char *>cnp.PyArray_DATA(terms) + offset, j.nd + 1, dims, strides))


def joined_along(xs, axis, bint stack):
    """np.concatenate, or np.stack, of a sequence with numbers with lanes in it, or None."""
    cdef Joint j
    cdef Taylor widest
    cdef list items
    if not isinstance(xs, (list, tuple)) or not PyLong_CheckExact(axis):
        return None
    items = [pack(item) if type(item) in (list, tuple) else item for item in xs]
    if not stack and axis == 0 and any([is_ravelled(item) for item in items]):
        found = join_ravelled(items)
        if found is not None:
            return found
    widest = widest_of(items)
    if widest is None:
        return None
    j.stack = stack
    if not fill_joint(&j, items, axis):
        return None
    return join_later(&j, items, widest) if may_join_later(&j, widest) else (
        join_now(&j, items, widest))


cdef bint is_ravelled(x) noexcept:
    """Whether x is one-dimensional, and what it is a reshape of waits."""
    return type(x) is Taylor and (<Taylor>x).base is JOINED and (
        (<Taylor>x).later.whole is not None and (<Taylor>x).later.whole.base is LATER
        and cnp.PyArray_NDIM((<Taylor>x)._value) == 1)


cdef Taylor join_ravelled(list items):
    """np.concatenate of one-dimensional items, some of them such; None where it cannot wait."""
    cdef Joint j
    cdef Taylor widest
    cdef list parts = [(<Taylor>x).later.whole if is_ravelled(x) else x for x in items]
    widest = widest_of(parts)
    if widest is None or any([np.ndim(value_in(x)) != 1 for x in items]):
        return None
    j.stack, j.nd, j.axis = False, 1, 0
    j.whole[0] = sum([np.size(value_in(x)) for x in items])
    return join_later(&j, parts, widest, True) if may_join_later(&j, widest) else None


cdef Taylor join_now(Joint *j, list items, Taylor widest):
    cdef Taylor x
    cdef ndarray value, terms, v
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] rows
    cdef Py_ssize_t k, n, has, M
    cdef list lanes = []
    n, M = len(widest.lanes), widest.alg.M
    rows[0] = M - 1
    memcpy(rows + 1, j.whole, (j.nd + j.stack) * sizeof(npy_intp))
    value = empty(j.nd + j.stack, j.whole, cnp.PyArray_TYPE(widest._value))
    terms = empty(j.nd + j.stack + 1, rows, cnp.PyArray_TYPE(widest._value))
    for k in range(n):
        lanes.append(empty(j.nd + j.stack, j.whole, cnp.NPY_INTP))
    for item in items:
        x = <Taylor>item if type(item) is Taylor else None
        v = value_in(item)
        memcpy(j.dims, cnp.PyArray_DIMS(v), j.nd * sizeof(npy_intp))
        has = 0 if x is None else x.alg.M - 1
        if x is None or not put_later(j, x, value, terms):
            if x is not None:
                sync(x)
            put(j, value, 0, 0, value_in(item))
            for k in range(has):
                put(j, terms, 1, k, x._terms)
        for k in range(has, M - 1):
            put(j, terms, 1, k, None)
        has = 0 if x is None else len(x.lanes)
        for k in range(n):
            put(j, <ndarray>lanes[k], 0, 0, <ndarray>x.lanes[k] if k < has else None)
        j.at += 1 if j.stack else cnp.PyArray_DIM(v, j.axis)
    return new_laned(widest.alg, value, terms, tuple(lanes))


# ---- joined later ------------------------------------------------------------------------------

cdef ndarray _first_seed = np.ones((), np.intp)     # of inputs
_first_seed.flags.writeable = False


cdef bint may_join_later(Joint *j, Taylor widest) except -1:
    """Whether parts that follow one another in C order wait for a sparse result."""
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(widest._value)
    cdef int q
    for q in range(j.nd + j.stack):
        if q < j.axis and j.whole[q] != 1:
            return False
        size *= j.whole[q]
    return size >= LATER_BYTES // SPARSE_LATER and widest.alg.D == 1 and (
        len(widest.alg.factors) == 1 and parent_of(widest).room != 0)


cdef Taylor join_later(Joint *j, list items, Taylor widest, bint flat=False):
    cdef Later q = Later.__new__(Later)
    q.parts = [as_it_is(<Taylor>x) if type(x) is Taylor else recycled_copy(<ndarray>x)
               for x in items]
    q.axis, q.stack, q.flat = j.axis, j.stack, flat
    link(q)
    return not_joined(q, widest.alg, len(widest.lanes), cnp.PyArray_TYPE(widest._value),
                      j.nd + j.stack, j.whole)


cdef Taylor not_joined(Later q, Algebra alg, Py_ssize_t count, int typenum, int nd,
                       npy_intp *dims):
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] rows
    cdef Taylor z = Taylor.__new__(Taylor)
    rows[0] = alg.M - 1
    memcpy(rows + 1, dims, nd * sizeof(npy_intp))
    z.alg, z.later, z.base = alg, q, JOINED
    z._value = all_of(nan_of(typenum), nd, dims)
    z._terms = all_of(nan_of(typenum), nd + 1, rows)
    z.lanes = (all_of(_first_seed, nd, dims),) * count
    return z


cdef Taylor as_it_is(Taylor x):
    """A number on the same memory, or that waits for the same operation."""
    cdef Taylor y = new_laned(x.alg, x._value, x._terms, x.lanes)
    y.base, y.later = x.base if x.base is LATER else None, x.later
    return y


cdef int join(Later q) except -1:
    """Compute a number whose parts wait."""
    cdef Joint j
    cdef Taylor y
    cdef list parts = [ravelled(x) for x in q.parts] if q.flat else q.parts
    j.stack = q.stack
    fill_joint(&j, parts, q.axis)
    y = join_now(&j, parts, widest_of(parts))
    if q.value is None:  # not another thread meanwhile
        q.value, q.terms, q.lanes = y._value, y._terms, y.lanes
        unlink(q)
        q.parts = None
    return 0


cdef ravelled(x):
    """A part in one dimension: what waited is contiguous."""
    if type(x) is not Taylor or cnp.PyArray_NDIM((<Taylor>x)._value) == 1:
        return x
    sync(<Taylor>x)
    return reshaped(x, -1)


cdef int settle_join(Taylor x) except -1:
    """Let x, a number whose parts wait, or a reshape of it, have its values and terms."""
    cdef Later q = x.later
    cdef Taylor y = None
    if q.whole is not None:
        sync(q.whole)
        shape = (<object>x._value).shape
        y = reshaped(q.whole, shape)
        if y is None:  # it has become dense
            y = new_view(q.whole, (<object>q.whole._value).reshape(shape),
                         (<object>q.whole._terms).reshape((-1,) + shape))
        x._value, x._terms, x.lanes, x.alg = y._value, y._terms, y.lanes, y.alg
        x.stamp = y.stamp
    else:
        if q.value is None:
            join(q)
        x._value, x._terms, x.lanes = q.value, q.terms, q.lanes
    x.base = None if y is None else y.base
    x.later = None
    return 0


cdef Taylor reshaped_later(Taylor x, shape):
    """A view of x, whose parts wait."""
    cdef Later q = Later.__new__(Later)
    cdef ndarray like = np.broadcast_to(np.zeros(()), (<object>x._value).shape).reshape(shape)
    q.whole = x
    return not_joined(q, x.alg, len(x.lanes), cnp.PyArray_TYPE(x._value), cnp.PyArray_NDIM(like),
                      cnp.PyArray_DIMS(like))


cdef bint part_reads(Later q, char *low, char *high) noexcept:
    """Whether a join that waits has parts in this memory."""
    cdef Taylor y
    for part in q.parts:
        if type(part) is Taylor:
            y = <Taylor>part
            if reads(y._value if y.base is not LATER else y.later.value, low, high):
                return True
    return False


# ---- rows of sparse results --------------------------------------------------------------------

def parts_of(x):
    """The numbers and arrays that x is joined of, one after another in C order."""
    cdef Taylor y
    if type(x) is not Taylor:
        return [x]
    y = <Taylor>x
    while y.base is JOINED and y.later.whole is not None:
        y = y.later.whole
    return y.later.parts if y.base is JOINED and y.later.parts is not None else [y]


def local_seeds(x, Factor factor):
    """How many seeds of this factor each element has, if x has no others and first order; or 0."""
    cdef Taylor y
    if not has_lanes(x):
        return 0
    y = <Taylor>x
    if y.base is not LATER and y.base is not None:
        sync(y)
    if y.lanes is None or y.alg.D > 1 or len(y.alg.factors) > 1 or is_pending(y) or (
        parent_of(y) is not factor or y._value.dtype == np.float16
    ):
        return 0
    return len(y.lanes)


def compress(Taylor x, Rows rows):
    """The rows of a Jacobian that belong to the elements of x, which has local seeds alone.

    A number that waits is computed for that alone, piece by piece.
    """
    if x.base is LATER and x.later.value is None and compress_waiting(x, rows):
        return
    if x.base is not None:
        sync(x)
    rows.add(x._terms, x.lanes)


cdef bint compress_waiting(Taylor x, Rows rows) except -1:
    cdef dict place = {}
    cdef list order = [], results
    rows.check_type(x.later.typenum)
    collect(x.later, place, order)
    results = run_steps(x.later, place, order, True, NULL, None, None, rows, x.lanes)
    if results is None:
        return False
    take_results(order, results)
    return True
