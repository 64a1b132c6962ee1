# cython: language_level=3
"""Recycled memory for large results: fresh pages cost more than the arithmetic on them.

Arrays from 64 KiB on take their memory from a bounded pool and give it back when the
last array that looks at it goes.  The pool keeps blocks by size class, newest first.

May import: NumPy.  Invariants: a block is in the pool or owned by exactly one Block
object, which every array on that memory keeps alive; the pool is touched with the GIL.
"""

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from numpy cimport ndarray, npy_intp

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    ndarray PyArray_NewFromDescr(type subtype, cnp.PyArray_Descr *descr, int nd, npy_intp *dims,
                                 npy_intp *strides, void *data, int flags, void *obj)
    cnp.PyArray_Descr *PyArray_DescrFromType(int typenum)

cdef extern from "Python.h":
    int PyTraceMalloc_Track(unsigned int domain, uintptr_t ptr, size_t size)
    int PyTraceMalloc_Untrack(unsigned int domain, uintptr_t ptr)

cdef enum:
    SMALL = 64 * 1024   # bytes below which the C library's own memory serves
    ALIGN = 64
    CLASSES = 160       # eight size classes for each power of two
    DEPTH = 32          # blocks kept in one class
    NEAR = 6            # size classes that one is looked for in: less than twice as large
    DOMAIN = 0xD0A1     # of blocks in use, for tracemalloc


cdef type _ndarray = np.ndarray
ctypedef void *Pointer
cdef Pointer[CLASSES][DEPTH] _free
cdef int[CLASSES] _count
cdef size_t _limit = 512 * 1024 * 1024
cdef size_t _held = 0


cdef int size_class(size_t size, size_t *rounded) noexcept:
    """The class of a size, and the bytes that its blocks have."""
    cdef int power = 0
    cdef size_t top = size
    while top >> 1:
        top >>= 1
        power += 1
    cdef size_t step = (<size_t>1) << (power - 3)
    cdef size_t eighth = (size + step - 1) // step
    rounded[0] = eighth * step
    return <int>((power - 16) * 8 + eighth - 8)


cdef size_t class_size(int kind) noexcept:
    """The bytes that the blocks of a class have."""
    return <size_t>(8 + kind % 8) << (13 + kind // 8)


@cython.final
@cython.freelist(32)
@cython.no_gc
cdef class Block:
    """The owner of one block of memory."""

    cdef void *raw
    cdef size_t size
    cdef int kind

    def __dealloc__(self):
        global _held
        if self.raw == NULL:
            return
        PyTraceMalloc_Untrack(DOMAIN, <uintptr_t>self.raw)
        if 0 <= self.kind < CLASSES and _count[self.kind] < DEPTH and _held + self.size <= _limit:
            _free[self.kind][_count[self.kind]] = self.raw
            _count[self.kind] += 1
            _held += self.size
        else:
            free(self.raw)


cdef ndarray empty(int nd, npy_intp *dims, int typenum):
    """An array whose elements are not set, C-contiguous, aligned to 64 bytes if it is large."""
    cdef size_t size, item
    cdef int q
    cdef Block block
    cdef ndarray out
    cdef char *data
    cdef cnp.PyArray_Descr *descr
    item = 16 if typenum == cnp.NPY_LONGDOUBLE else 8
    if typenum == cnp.NPY_FLOAT or typenum == cnp.NPY_INT32:
        item = 4
    size = item
    for q in range(nd):
        size *= dims[q]
    if size < SMALL or not (typenum == cnp.NPY_DOUBLE or typenum == cnp.NPY_FLOAT
                            or typenum == cnp.NPY_LONGDOUBLE or typenum == cnp.NPY_INTP
                            or typenum == cnp.NPY_INT32):
        return cnp.PyArray_EMPTY(nd, dims, typenum, 0)
    block = take(size)
    data = <char *>((<uintptr_t>block.raw + ALIGN - 1) & ~<uintptr_t>(ALIGN - 1))
    descr = PyArray_DescrFromType(typenum)  # the call below takes this reference
    out = PyArray_NewFromDescr(_ndarray, descr, nd, dims, NULL, data, cnp.NPY_ARRAY_CARRAY, NULL)
    Py_INCREF(block)
    cnp.PyArray_SetBaseObject(out, block)
    return out


def new(tuple shape, dtype):
    """An array whose elements are not set, of recycled memory if it is large."""
    cdef npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef int q
    for q in range(len(shape)):
        dims[q] = shape[q]
    return empty(len(shape), dims, (<cnp.dtype>dtype).type_num)


cdef Block take(size_t size):
    """A block of at least `size` bytes, from the pool or new."""
    global _held
    cdef Block block = Block.__new__(Block)
    cdef size_t rounded
    cdef int kind = size_class(size, &rounded), q
    for q in range(max(kind, 0), min(kind + NEAR, <int>CLASSES)):
        if _count[q]:
            kind, rounded = q, class_size(q)
            _count[kind] -= 1
            _held -= rounded
            block.raw = _free[kind][_count[kind]]
            break
    else:
        block.raw = malloc(rounded + ALIGN)
        if block.raw == NULL:
            raise MemoryError(f"dualdiff: no memory for an array of {size} bytes; take fewer "
                              "seeds at a time (chunk_size=)")
    block.kind = kind
    block.size = rounded
    PyTraceMalloc_Track(DOMAIN, <uintptr_t>block.raw, size)  # what is idle of it is the pool's
    return block


def set_memory_pool(limit):
    """Let the pool of recycled memory hold at most `limit` bytes; returns the limit before.

    Parameters
    ----------
    limit : int
        Bytes; 0 empties the pool and switches it off.  The default is 512 MiB.

    Returns
    -------
    int
        The limit before this call.

    Raises
    ------
    ValueError
        If limit is negative.

    Notes
    -----
    Only memory that no array uses is in the pool.  `clear_memory_pool` gives it back to
    the C library and leaves the limit alone.

    Examples
    --------
    >>> import dualdiff
    >>> before = dualdiff.set_memory_pool(64 * 2**20)
    >>> dualdiff.set_memory_pool(before)
    67108864
    """
    global _limit
    if limit < 0:
        raise ValueError(f"set_memory_pool expected a number of bytes, got {limit}; 0 switches "
                         "the pool off")
    before = _limit
    _limit = limit
    if _held > _limit:
        clear_memory_pool()
    return before


def clear_memory_pool():
    """Give the memory that the pool holds back to the C library; returns its bytes.

    Returns
    -------
    int
        Bytes that were in the pool.

    Examples
    --------
    >>> import dualdiff
    >>> freed = dualdiff.clear_memory_pool()
    >>> dualdiff.clear_memory_pool()
    0
    """
    global _held
    cdef int kind
    freed = _held
    for kind in range(CLASSES):
        while _count[kind]:
            _count[kind] -= 1
            free(_free[kind][_count[kind]])
    _held = 0
    return freed
