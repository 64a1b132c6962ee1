from numpy cimport ndarray

from dualdiff._algebra cimport Algebra

cdef enum:
    ROOM = 12  # coefficients that a number without dimensions holds in place

cdef class Taylor:
    cdef Algebra alg
    cdef ndarray _value     # None: one float64, its coefficients at c
    cdef ndarray _terms     # (M - 1, *shape)
    cdef Taylor base        # the number whose memory this one is a view of, or None
    cdef long stamp         # of a base: counts its moves to other algebras or lanes
    cdef tuple lanes        # None, or for each local seed which seed it stands for (_lanes.pxi)
    cdef double *c          # room, or in heap
    cdef object heap        # None, or owner of the memory at c
    cdef double[ROOM] room

cdef Taylor new_scalar(Algebra alg)
cdef Taylor new_array(Algebra alg, ndarray value, ndarray terms)
cdef int sync(Taylor x) except -1
cdef Taylor embed(Taylor x, Algebra alg, index)
cdef object value_of(Taylor x)
cdef ndarray terms_of(Taylor x)
cdef Taylor dense(Taylor x)
cdef Taylor dense_within(Taylor x, Py_ssize_t limit)
cdef Taylor new_laned(Algebra alg, ndarray value, ndarray terms, tuple lanes)
cdef bint has_lanes(x) noexcept
cdef bint is_pending(Taylor x) noexcept
