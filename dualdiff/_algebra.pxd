from dualdiff._csrc cimport dd_table

cdef class Factor:
    cdef public long tag, born
    cdef public int n
    cdef readonly int order
    cdef readonly Factor parent
    cdef dict locals    # n -> the factor of n local seeds
    cdef dict algebras  # n -> the algebra of that factor alone
    cdef readonly object arange
    cdef public dict margins        # of its seeds: see margin_of (_lane_moves.pxi)
    cdef public Py_ssize_t room
    cdef public Factor whole        # what this is a part of, where seeds are taken in chunks
    cdef public bint scalar         # the result is one number: it may take steps (_steps.pxi)
    cdef readonly Factor root       # of a wide factor its inputs'
    cdef Factor wide                # of that the wide one
    cdef list steps
    cdef Py_ssize_t held
    cdef Factor local(self, int n)
    cdef Algebra lanes(self, int n)
    cdef seeds(self)

cdef class Table:
    cdef dd_table *t
    cdef readonly tuple key
    cdef dict cache
    cdef readonly Py_ssize_t M
    cdef readonly int D
    cdef array(self, name)
    cdef codes(self)
    cdef find(self, part)
    cdef embed(self, Table small, tuple places)
    cdef split(self, Table outer, Py_ssize_t place)

cdef class Algebra:
    cdef readonly tuple factors
    cdef readonly tuple bounds
    cdef readonly Table table
    cdef const dd_table *t
    cdef readonly Py_ssize_t M
    cdef readonly int D
    cdef dict unions
    cdef Algebra lower
    cdef readonly Py_ssize_t laned
    cdef object __weakref__
    cdef seeds_of(self, Py_ssize_t k)

cdef Algebra acquire(int n, int order)
cdef void release(Algebra alg)
cdef Factor acquire_factor(int n, int order)
cdef void release_factor(Factor factor)
cdef tuple union_of(Algebra a, Algebra b)
cdef Algebra lower_of(Algebra alg)
cdef Algebra laned_algebra(Algebra alg, Py_ssize_t n)
cdef Algebra dense_algebra(Algebra alg)
cdef Algebra algebra_of(tuple factors, tuple bounds)
cdef object relabel(Algebra small, Algebra big, tuple seeds)
cdef object first_seeds(Py_ssize_t n)
cdef Algebra replace_factor(Algebra alg, Factor old, Factor new)
