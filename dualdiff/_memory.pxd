from numpy cimport ndarray, npy_intp

cdef ndarray empty(int nd, npy_intp *dims, int typenum)
