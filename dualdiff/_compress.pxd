from numpy cimport ndarray

from dualdiff._csrc cimport dd_rows

cdef class Rows:
    cdef dd_rows r
    cdef void *memory           # of the lanes' addresses and strides
    cdef readonly ndarray data, indices, indptr
    cdef readonly Py_ssize_t done   # rows so far
    cdef dd_rows *begin(self, tuple lanes) except NULL
    cdef int end(self) except -1
    cdef int check_type(self, int typenum) except -1
    cdef int add(self, ndarray terms, tuple lanes) except -1
