from numpy cimport ndarray

from dualdiff._algebra cimport Algebra

cdef enum:
    ROOM = 12  # coefficients that a number without dimensions holds in place

cdef Py_ssize_t LATER_BYTES     # of values from which operations wait (_later.pxi)

cdef class Taylor

cdef class Later:       # see _later.pxi
    cdef Algebra alg
    cdef int kernel, loop, typenum
    cdef double p
    cdef Later a, b
    cdef list parts                 # of a join that waits (_lane_joins.pxi)
    cdef bint stack, flat           # whether they get an axis of their own; are ravelled first
    cdef Taylor whole               # what this is a reshape of
    cdef ndarray va, ta, vb, tb
    cdef ndarray map_a, map_b
    cdef ndarray mask               # of np.where
    cdef int axis                   # of a join; of np.roll: elements start with number `cut` there
    cdef Py_ssize_t cut
    cdef ndarray shaped             # any array of the result's shape
    cdef ndarray value, terms       # the result
    cdef tuple lanes                # of a join
    cdef object errors              # NumPy's error state where the operation stands
    cdef Py_ssize_t users           # others that wait and read this one
    cdef Py_ssize_t held            # references by what is about to go
    cdef Py_ssize_t count           # operations up to this one
    cdef bint copied                # computed once without keeping it (compute_into)
    cdef void *older
    cdef void *newer

cdef class Taylor:
    cdef Algebra alg
    cdef ndarray _value     # None: one float64, its coefficients at c
    cdef ndarray _terms     # (M - 1, *shape)
    cdef Taylor base        # the number whose memory this one is a view of, or None
    cdef long stamp         # of a base: counts its moves to other algebras or lanes
    cdef Later later        # None, or the operation that this number waits for (_later.pxi)
    cdef tuple lanes        # None, or for each local seed which seed it stands for (_lanes.pxi)
    cdef double *c          # room, or in heap
    cdef object heap        # None, or owner of the memory at c
    cdef double[ROOM] room

cdef Taylor new_scalar(Algebra alg)
cdef Taylor new_array(Algebra alg, ndarray value, ndarray terms)
cdef int sync(Taylor x) except -1
cdef ndarray recycled_copy(ndarray a)
cdef Taylor embed(Taylor x, Algebra alg, index)
cdef object value_of(Taylor x)
cdef ndarray terms_of(Taylor x)
cdef Taylor dense(Taylor x)
cdef Taylor dense_within(Taylor x, Py_ssize_t limit)
cdef Taylor new_laned(Algebra alg, ndarray value, ndarray terms, tuple lanes)
cdef bint has_lanes(x) noexcept
cdef bint is_pending(Taylor x) noexcept
cdef bint is_waiting(Taylor x) noexcept
cdef ndarray terms_alone(Taylor x)
cdef Taylor eliminated(Taylor x, bint alone=*)
