# cython: language_level=3, boundscheck=False, wraparound=False
"""Compressed sparse rows without SciPy: made from lanes or from entries, and coloured.

May import: the driver, NumPy, recycled memory.  Invariants: in what is made here the columns of a
row ascend and none stands twice; entries of one position are summed in the order in which they
came, so that mirrored entries of a symmetric matrix come out equal to the last bit.
"""

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from numpy cimport ndarray

from dualdiff._csrc cimport dd_rows
from dualdiff._driver cimport compress_rows

from dualdiff._memory import new

cnp.import_array()

ctypedef fused index_t:
    int32_t
    int64_t

ctypedef fused value_t:
    float
    double
    long double
    float complex
    double complex
    long double complex


def index_type(*sizes):
    """The integers for matrices of these dimensions and numbers of entries."""
    return np.int32 if max(sizes) < 2**31 - 1 else np.int64


# ---- from lanes ----------------------------------------------------------------------------

cdef class Lanes:
    """Pointers to one-dimensional lanes, for the loops below."""

    cdef list kept
    cdef char **at
    cdef Py_ssize_t *step
    cdef Py_ssize_t count

    def __cinit__(self, lanes):
        cdef Py_ssize_t q
        self.kept = [np.asarray(lane, np.intp).reshape(-1) for lane in lanes]
        self.count = len(self.kept)
        self.at = <char **>malloc((self.count + 1) * sizeof(char *))
        self.step = <Py_ssize_t *>malloc((self.count + 1) * sizeof(Py_ssize_t))
        if self.at == NULL or self.step == NULL:
            raise MemoryError
        for q in range(self.count):
            self.at[q] = <char *>cnp.PyArray_DATA(<cnp.ndarray>self.kept[q])
            self.step[q] = cnp.PyArray_STRIDE(<cnp.ndarray>self.kept[q], 0)

    def __dealloc__(self):
        free(self.at)
        free(self.step)


@cython.final
cdef class Rows:
    """Compressed rows under way: one for each element of one array of numbers after another.

    entries, m: how many entries and rows there will be at most; n: columns.
    """

    def __cinit__(self, Py_ssize_t entries, Py_ssize_t m, Py_ssize_t n, dtype):
        kind = np.dtype(index_type(m, n, entries))
        self.data = new((entries,), np.dtype(dtype))
        self.indices = new((entries,), kind)
        self.indptr = new((m + 1,), kind)
        self.indptr[0] = 0
        self.r.wide = kind.itemsize == 8
        self.r.used = self.done = 0

    def __dealloc__(self):
        free(self.memory)

    cdef dd_rows *begin(self, tuple lanes) except NULL:
        """Get ready for the numbers with these lanes, which stay with the caller."""
        cdef dd_rows *r = &self.r
        cdef ndarray lane = <ndarray>lanes[0]
        cdef Py_ssize_t q
        cdef int d, nd = cnp.PyArray_NDIM(lane)
        cdef char **at
        cdef ptrdiff_t *steps
        free(self.memory)
        self.memory = malloc(len(lanes) * (sizeof(char *) + nd * sizeof(ptrdiff_t)))
        if self.memory == NULL:
            raise MemoryError("dualdiff: no memory for compressed rows")
        at = <char **>self.memory
        steps = <ptrdiff_t *>(at + len(lanes))
        r.nd, r.size, r.count = nd, cnp.PyArray_SIZE(lane), len(lanes)
        for d in range(nd):
            r.shape[d] = cnp.PyArray_DIM(lane, d)
        for q in range(r.count):
            lane = <ndarray>lanes[q]
            at[q] = <char *>cnp.PyArray_DATA(lane)
            for d in range(nd):
                steps[q * nd + d] = cnp.PyArray_STRIDE(lane, d)
        r.lanes, r.steps = <const char **>at, steps
        r.data = cnp.PyArray_DATA(self.data)
        r.indices = cnp.PyArray_DATA(self.indices)
        r.ends = <char *>cnp.PyArray_DATA(self.indptr) + (
            (self.done + 1) * cnp.PyArray_ITEMSIZE(self.indptr))
        return r

    cdef int end(self) except -1:
        """Note that the rows of those numbers are there."""
        self.done += self.r.size
        return 0

    cdef int check_type(self, int typenum) except -1:
        if typenum != cnp.PyArray_TYPE(self.data):
            raise RuntimeError("dualdiff: internal error: rows of two dtypes")
        return 0

    cdef int add(self, ndarray terms, tuple lanes) except -1:
        """The rows of numbers that are there: terms[q] are those of lanes[q]."""
        self.check_type(cnp.PyArray_TYPE(terms))
        if cnp.PyArray_SIZE(terms):
            terms = np.ascontiguousarray(terms)
            compress_rows(self.begin(lanes), cnp.PyArray_TYPE(terms), cnp.PyArray_DATA(terms),
                          cnp.PyArray_SIZE(terms) // len(lanes))
            self.end()
        return 0

    def add_constants(self, Py_ssize_t size):
        """As many rows without entries."""
        self.indptr[self.done + 1 : self.done + size + 1] = self.r.used
        self.done += size

    def finished(self):
        """(data, indices, indptr)"""
        return shortened(self.data, self.r.used), shortened(self.indices, self.r.used), self.indptr


def rows_of_lanes(terms, lanes, Py_ssize_t n):
    """(data, indices, indptr): row i has terms[q, i] in column lanes[q][i] - 1.

    Seed 0 stands for nothing: its entries are left out.  n: columns.
    """
    cdef Rows rows = Rows(terms.size, terms.shape[1], n, terms.dtype)
    rows.add(terms, tuple([np.asarray(lane, np.intp).reshape(-1) for lane in lanes]))
    rows.add_constants(len(rows.indptr) - 1 - rows.done)
    return rows.finished()


def shortened(a, used):
    """a[:used], without the memory behind it where that is much."""
    return a if used == len(a) else a[:used] if 4 * used >= 3 * len(a) else a[:used].copy()


def symmetric_rows(terms, pairs, lanes, Py_ssize_t n):
    """(data, indices, indptr) of a symmetric matrix of n rows from element-local entries.

    Local pair p of seeds (a, b), a <= b, has in element i the Taylor coefficient terms[p, i]
    of seeds lanes[a][i], lanes[b][i]; seed 0 stands for nothing.
    """
    kind = index_type(n, 2 * terms.size)
    ends = np.zeros(n + 1, kind)
    a = np.array([p[0] for p in pairs], np.intp)
    b = np.array([p[1] for p in pairs], np.intp)
    known = Lanes(lanes)
    terms = np.ascontiguousarray(terms)
    if not terms.size or not n:
        return np.empty(0, terms.dtype), np.empty(0, kind), np.zeros(n + 1, kind)
    if 4 * terms.shape[1] >= n:
        found = rows_of_diagonals(terms, a, b, known, n)
        if found is not None:
            return found
    _count_pairs(a, b, known, terms.shape[1], ends)
    total = int(ends[n])
    data, indices = np.empty(total, terms.dtype), np.empty(total, kind)
    _place_pairs(terms, a, b, known, ends, data, indices)
    return merged(data, indices, ends, n)


def _count_pairs(Py_ssize_t[::1] a, Py_ssize_t[::1] b, Lanes lanes, Py_ssize_t m,
                 index_t[::1] ends):
    """Where each row ends, once all entries and their mirror images are placed in order."""
    cdef Py_ssize_t i, p, count = a.shape[0]
    cdef cnp.npy_intp r, c
    with nogil:
        for i in range(m):
            for p in range(count):
                r = (<cnp.npy_intp *>(lanes.at[a[p]] + i * lanes.step[a[p]]))[0] - 1
                c = (<cnp.npy_intp *>(lanes.at[b[p]] + i * lanes.step[b[p]]))[0] - 1
                if r < 0 or c < 0:
                    continue
                ends[r + 1] += 1
                if r != c:
                    ends[c + 1] += 1
        for i in range(1, ends.shape[0]):
            ends[i] += ends[i - 1]


def _place_pairs(const value_t[:, ::1] terms, Py_ssize_t[::1] a, Py_ssize_t[::1] b, Lanes lanes,
                 index_t[::1] ends, value_t[::1] data, index_t[::1] indices):
    """Entries into their rows; leaves in `ends` what it was."""
    cdef Py_ssize_t i, p, count = a.shape[0], m = terms.shape[1], n = ends.shape[0] - 1
    cdef cnp.npy_intp r, c
    cdef index_t at
    cdef value_t v
    with nogil:
        for i in range(m):
            for p in range(count):
                r = (<cnp.npy_intp *>(lanes.at[a[p]] + i * lanes.step[a[p]]))[0] - 1
                c = (<cnp.npy_intp *>(lanes.at[b[p]] + i * lanes.step[b[p]]))[0] - 1
                if r < 0 or c < 0:
                    continue
                v = terms[p, i]
                at = ends[r]
                ends[r] = at + 1
                indices[at] = <index_t>c
                if r == c:
                    data[at] = v + v  # the second derivative is twice the coefficient
                    continue
                data[at] = v
                at = ends[c]
                ends[c] = at + 1
                indices[at] = <index_t>r
                data[at] = v
        for i in range(n, 0, -1):
            ends[i] = ends[i - 1]
        ends[0] = 0


def rows_of_diagonals(terms, a, b, Lanes lanes, Py_ssize_t n):
    """What symmetric_rows gives where each pair of seeds is equally far apart everywhere.

    Slices of one array are: then every pair adds to one diagonal, and nothing need be sorted.
    None if some pair does not.
    """
    cdef Py_ssize_t p, m = terms.shape[1]
    gaps = [_gap(a[p], b[p], lanes, m) for p in range(len(a))]
    offsets = sorted({abs(gap) for gap in gaps if gap is not None})
    if len(offsets) > 32:
        return None
    data = np.zeros((len(offsets), n), terms.dtype)
    there = np.zeros((len(offsets), n), np.uint8)
    for p in range(len(a)):
        if gaps[p] is None:
            continue
        q = offsets.index(abs(gaps[p]))
        if not _add_diagonal(terms[p], a[p], b[p], lanes, gaps[p], data[q], there[q]):
            return None
    total = 2 * np.count_nonzero(there)
    if offsets and offsets[0] == 0:
        total -= np.count_nonzero(there[0])
    kind = np.dtype(index_type(n, total))
    out = new((total,), terms.dtype), new((total,), kind), new((n + 1,), kind)
    _write_diagonals(data, there, np.array(offsets, np.intp), *out)
    return out


cdef _gap(Py_ssize_t a, Py_ssize_t b, Lanes lanes, Py_ssize_t m):
    """How far the seed of lane b is from that of lane a, where both first stand for something."""
    cdef Py_ssize_t i
    cdef cnp.npy_intp r, c
    for i in range(m):
        r = (<cnp.npy_intp *>(lanes.at[a] + i * lanes.step[a]))[0]
        c = (<cnp.npy_intp *>(lanes.at[b] + i * lanes.step[b]))[0]
        if r and c:
            return c - r
    return None


def _add_diagonal(const value_t[::1] terms, Py_ssize_t a, Py_ssize_t b, Lanes lanes,
                  Py_ssize_t gap, value_t[::1] data, unsigned char[::1] there):
    """Coefficients of one pair of seeds onto the diagonal; False if the gap is not everywhere."""
    cdef Py_ssize_t i, m = terms.shape[0]
    cdef cnp.npy_intp r, c
    cdef value_t v
    cdef bint fits = True
    cdef char *x = lanes.at[a]
    cdef char *y = lanes.at[b]
    cdef Py_ssize_t dx = lanes.step[a], dy = lanes.step[b]
    with nogil:
        for i in range(m):
            r = (<cnp.npy_intp *>(x + i * dx))[0] - 1
            c = (<cnp.npy_intp *>(y + i * dy))[0] - 1
            if r < 0 or c < 0:
                continue
            if c - r != gap:
                fits = False
                break
            if gap < 0:
                r = c
            v = terms[i]
            if gap == 0:
                v = v + v  # the second derivative is twice the coefficient
            data[r] = data[r] + v
            there[r] = 1
    return fits


def _write_diagonals(value_t[:, ::1] diagonals, unsigned char[:, ::1] there,
                     Py_ssize_t[::1] offsets, value_t[::1] data, index_t[::1] indices,
                     index_t[::1] indptr):
    """Rows from the diagonals on and above the main one, and their mirror images."""
    cdef Py_ssize_t r, q, low, k = 0, n = diagonals.shape[1], count = offsets.shape[0]
    cdef Py_ssize_t first = 1 if count and offsets[0] == 0 else 0
    indptr[0] = 0
    with nogil:
        for r in range(n):
            for q in range(count - 1, first - 1, -1):
                low = r - offsets[q]
                if low >= 0 and there[q, low]:
                    indices[k] = <index_t>low
                    data[k] = diagonals[q, low]
                    k += 1
            for q in range(count):
                if there[q, r]:
                    indices[k] = <index_t>(r + offsets[q])
                    data[k] = diagonals[q, r]
                    k += 1
            indptr[r + 1] = <index_t>k


# ---- from entries ---------------------------------------------------------------------------

def rows_of_entries(data, rows, cols, shape):
    """(data, indices, indptr) from entries in any order; equal positions are summed."""
    m, n = shape
    kind = index_type(m, n, data.size)
    rows = np.asarray(rows)
    order = np.argsort(rows, kind="stable")
    indptr = np.zeros(m + 1, kind)
    np.cumsum(np.bincount(rows, minlength=m), out=indptr[1:])
    return merged(data[order], np.asarray(cols)[order].astype(kind), indptr, n)


def merged(data, indices, indptr, Py_ssize_t n):
    """Rows with columns in any order, in place: ascending, equal ones summed."""
    if data.size:
        used = _merge(data, indices, indptr, np.full(n, -1, indices.dtype))
        data.resize(used, refcheck=False)
        indices.resize(used, refcheck=False)
    return data, indices, indptr


def _merge(value_t[::1] data, index_t[::1] indices, index_t[::1] indptr, index_t[::1] at):
    """at: for each column the position where this row has it, or an earlier one."""
    cdef Py_ssize_t r, p, q, gap, start, first, last, k = 0
    cdef index_t c
    cdef value_t v
    first = indptr[0]
    with nogil:
        for r in range(indptr.shape[0] - 1):
            last = indptr[r + 1]
            start = k
            for p in range(first, last):
                c = indices[p]
                v = data[p]
                if at[c] >= start:
                    data[at[c]] = data[at[c]] + v
                    continue
                at[c] = <index_t>k
                indices[k] = c
                data[k] = v
                k += 1
            first = last
            gap = 1
            while 9 * gap < k - start:
                gap = 3 * gap + 1
            while gap > 0:  # Shell's sort: rows are short, and nearly in order
                for p in range(start + gap, k):
                    c = indices[p]
                    v = data[p]
                    q = p
                    while q >= start + gap and indices[q - gap] > c:
                        indices[q] = indices[q - gap]
                        data[q] = data[q - gap]
                        q -= gap
                    indices[q] = c
                    data[q] = v
                gap //= 3
            indptr[r + 1] = <index_t>k
    return k


def rows_numbered(indptr):
    """The row of each entry."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def transposed(indices, indptr, Py_ssize_t n):
    """(order, indices, indptr) of the transpose: entry q of it is entry order[q] of this."""
    order = np.argsort(indices, kind="stable")
    ends = np.zeros(n + 1, np.intp)
    np.cumsum(np.bincount(indices, minlength=n), out=ends[1:])
    return order, rows_numbered(indptr)[order], ends


def places(indices, indptr, into_indices, into_indptr):
    """Where entries stand among those of a larger pattern; -1 where they do not."""
    out = np.empty(len(indices), np.intp)
    _places(*[np.ascontiguousarray(a, np.int64) for a in (
        indices, indptr, into_indices, into_indptr)], out)
    return out


def _places(const int64_t[::1] indices, const int64_t[::1] indptr, const int64_t[::1] other,
            const int64_t[::1] ends, Py_ssize_t[::1] out):
    cdef Py_ssize_t r, p, q
    with nogil:
        for r in range(indptr.shape[0] - 1):
            q = ends[r]
            for p in range(indptr[r], indptr[r + 1]):
                while q < ends[r + 1] and other[q] < indices[p]:
                    q += 1
                out[p] = q if q < ends[r + 1] and other[q] == indices[p] else -1


# ---- colours ---------------------------------------------------------------------------------

def greedy_columns(const int64_t[::1] indices, const int64_t[::1] indptr,
                   const int64_t[::1] rows, const int64_t[::1] ends, const int64_t[::1] order,
                   int64_t[::1] colours):
    """Colours of columns such that two with entries in one row differ; how many there are.

    indices, indptr: columns of each row; rows, ends: rows of each column; order: of the
    columns; colours: -1 everywhere at first.
    """
    cdef Py_ssize_t v, p, q, i, j, n = order.shape[0], used = 0
    cdef int64_t c
    cdef int64_t[::1] taken = np.full(n + 1, -1, np.int64)
    with nogil:
        for v in range(n):
            j = order[v]
            for p in range(ends[j], ends[j + 1]):
                i = rows[p]
                for q in range(indptr[i], indptr[i + 1]):
                    c = colours[indices[q]]
                    if c >= 0:
                        taken[c] = j
            c = 0
            while taken[c] == j:
                c += 1
            colours[j] = c
            if c >= used:
                used = c + 1
    return used


def greedy_stars(const int64_t[::1] indices, const int64_t[::1] indptr,
                 const int64_t[::1] order, int64_t[::1] colours):
    """Star colours of a symmetric pattern; how many there are.

    Neighbours differ, and every path over four columns has three colours, so that the
    columns of any two colours form stars.
    """
    cdef Py_ssize_t s, p, q, t, v, w, x, y, n = order.shape[0], used = 0
    cdef int64_t c
    cdef int64_t[::1] taken = np.full(n + 1, -1, np.int64)
    with nogil:
        for s in range(n):
            v = order[s]
            for p in range(indptr[v], indptr[v + 1]):
                w = indices[p]
                if w == v:
                    continue
                if colours[w] >= 0:
                    taken[colours[w]] = v
                for q in range(indptr[w], indptr[w + 1]):
                    x = indices[q]
                    if x == w or colours[x] < 0 or x == v:
                        continue
                    if colours[w] < 0:
                        taken[colours[x]] = v
                        continue
                    for t in range(indptr[x], indptr[x + 1]):
                        y = indices[t]
                        if y != w and y != x and colours[y] == colours[w]:
                            taken[colours[x]] = v
                            break
            c = 0
            while taken[c] == v:
                c += 1
            colours[v] = c
            if c >= used:
                used = c + 1
    return used
