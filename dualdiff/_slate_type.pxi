"""Part of _taylor.pyx: the type of slates; what it calls stands in _slates.pxi."""


@cython.final
@cython.no_gc
cdef class Slate:
    """An ndarray that becomes a number when one is assigned to elements of it."""
    cdef Memory memory
    cdef ndarray array      # how it lies in the memory
    cdef Taylor number      # the same once it has become a number, with dimensions
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        raise TypeError("dualdiff: slates are made by dualdiff.numpy.zeros and its kin")

    def __dealloc__(self):
        if self.memory is not None:
            self.memory.slates -= 1

    @property
    def __class__(self):
        return _ndarray

    @property
    def shape(self):
        """Tuple of array dimensions."""
        return (<object>self.array).shape

    @property
    def ndim(self):
        """Number of array dimensions."""
        return cnp.PyArray_NDIM(self.array)

    @property
    def size(self):
        """Number of elements."""
        return cnp.PyArray_SIZE(self.array)

    @property
    def dtype(self):
        """dtype of the elements."""
        return self.array.dtype

    @property
    def flat(self):
        """All elements in one dimension: a view where there is one."""
        if cnp.PyArray_IS_C_CONTIGUOUS(self.array):
            return self.reshape(-1)
        return now(self).flat

    @flat.setter
    def flat(self, v):
        if has_number(v):
            promote(self)
        if self.memory.number is None:
            self.array.flat = now(v)
        else:
            self[...] = np.resize(now(v), self.shape)

    @property
    def flags(self):
        """Layout and rights of the memory."""
        return (<object>self.array).flags

    @property
    def base(self):
        """The array whose memory this one is a view of, or None."""
        if cnp.PyArray_SIZE(self.array) == cnp.PyArray_SIZE(self.memory.flat):
            return None
        return new_slate(self.memory, self.memory.owner.view())

    def fill(self, value):
        """Fill the array with a scalar value."""
        self[...] = value

    def __getattr__(self, name):
        if name.startswith("__array_") and name != "__array_priority__":
            if name != "__array__" or self.memory.number is not None:
                raise AttributeError(f"an array of dualdiff.numpy has no attribute {name!r} "
                                     "that plain NumPy could use")
            return self.array.view().__array__
        found = getattr(_ndarray if self.memory.number is None else now(self), name)
        if callable(found):
            method = <Method>Method.__new__(Method)
            method.of = self
            method.name = name
            return method
        if self.memory.number is not None:
            return found
        return shown(getattr(self.array.view(), name), [self.memory], ())

    def __setattr__(self, name, v):
        if name == "flat":
            Slate.flat.__set__(self, v)
        elif name in ("real", "imag"):
            if self.memory.number is not None or has_number(v):
                raise TypeError(f"dualdiff: x.{name} = ... of numbers is not supported; write "
                                "x[...] = x.real + 1j * ...")
            setattr(self.array, name, now(v))
        else:
            raise AttributeError(f"dualdiff: {name} of an array from dualdiff.numpy cannot be set; "
                                 "use reshape, astype or view")

    def __dir__(self):
        return dir(_ndarray)

    def __repr__(self):
        return repr(now(self))

    def __str__(self):
        return str(now(self))

    def __format__(self, spec):
        return format(now(self), spec)

    def __float__(self):
        return float(now(self))

    def __int__(self):
        return int(now(self))

    def __index__(self):
        return now(self).__index__()

    def __complex__(self):
        return complex(now(self))

    def __bool__(self):
        return bool(now(self))

    def __hash__(self):
        raise TypeError("unhashable type: 'numpy.ndarray'")

    def __reduce__(self):
        return now(self).__reduce__()

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if self.memory.number is not None:
            raise BufferError("dualdiff: an array that holds numbers has no buffer")
        PyObject_GetBuffer(self.array.view(), buffer, flags)

    # -- as a container

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        if cnp.PyArray_NDIM(self.array) == 0:
            raise TypeError("iteration over a 0-d array")
        return map(self.__getitem__, range(len(self.array)))

    def __contains__(self, x):
        return bool(np.any(np.equal(now(self), now(x))))

    def __getitem__(self, index):
        cdef list memories
        if self.memory.number is not None:
            return now(self)[unslated_in(index, [])]
        r = self.array[index]
        if not cnp.PyArray_Check(r):
            return r
        return shown(r, [self.memory], ())

    def __setitem__(self, index, v):
        if not PyFloat_Check(v) and not PyLong_CheckExact(v):
            if self.memory.number is None and has_number(v):
                promote(self)
            v = unslated_in(v, [])
        if self.memory.number is None:
            self.array[index] = v
        elif cnp.PyArray_NDIM(self.array):
            number_of(self)[index] = v
        else:
            hit = np.zeros((), bool)
            hit[index] = True  # NumPy's own errors for what cannot index no dimensions
            if hit:
                v = pack(v)
                self.memory.number[place_of(self)] = v.reshape(()) if np.ndim(v) else v

    def __delitem__(self, index):
        raise ValueError("cannot delete array elements")

    # -- operators

    def __add__(self, other):
        return operated(operator.add, self, other)

    def __radd__(self, other):
        return operated(operator.add, other, self)

    def __iadd__(self, other):
        return in_place_on(self, np.add, other)

    def __sub__(self, other):
        return operated(operator.sub, self, other)

    def __rsub__(self, other):
        return operated(operator.sub, other, self)

    def __isub__(self, other):
        return in_place_on(self, np.subtract, other)

    def __mul__(self, other):
        return operated(operator.mul, self, other)

    def __rmul__(self, other):
        return operated(operator.mul, other, self)

    def __imul__(self, other):
        return in_place_on(self, np.multiply, other)

    def __truediv__(self, other):
        return operated(operator.truediv, self, other)

    def __rtruediv__(self, other):
        return operated(operator.truediv, other, self)

    def __itruediv__(self, other):
        return in_place_on(self, np.true_divide, other)

    def __floordiv__(self, other):
        return operated(operator.floordiv, self, other)

    def __rfloordiv__(self, other):
        return operated(operator.floordiv, other, self)

    def __ifloordiv__(self, other):
        return in_place_on(self, np.floor_divide, other)

    def __mod__(self, other):
        return operated(operator.mod, self, other)

    def __rmod__(self, other):
        return operated(operator.mod, other, self)

    def __imod__(self, other):
        return in_place_on(self, np.remainder, other)

    def __matmul__(self, other):
        return operated(operator.matmul, self, other)

    def __rmatmul__(self, other):
        return operated(operator.matmul, other, self)

    def __imatmul__(self, other):
        self[...] = operated(operator.matmul, self, other)
        return self

    def __pow__(self, other, modulo):
        return NotImplemented if modulo is not None else operated(operator.pow, self, other)

    def __rpow__(self, other, modulo):
        return NotImplemented if modulo is not None else operated(operator.pow, other, self)

    def __ipow__(self, other):
        return in_place_on(self, np.power, other)

    def __divmod__(self, other):
        return operated(divmod, self, other)

    def __rdivmod__(self, other):
        return operated(divmod, other, self)

    def __neg__(self):
        return run(operator.neg, (self,), {}, [])

    def __pos__(self):
        return run(operator.pos, (self,), {}, [])

    def __abs__(self):
        return run(abs, (self,), {}, [])

    def __lt__(self, other):
        return operated(operator.lt, self, other)

    def __le__(self, other):
        return operated(operator.le, self, other)

    def __eq__(self, other):
        return operated(operator.eq, self, other)

    def __ne__(self, other):
        return operated(operator.ne, self, other)

    def __gt__(self, other):
        return operated(operator.gt, self, other)

    def __ge__(self, other):
        return operated(operator.ge, self, other)

    # -- NumPy's protocols

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        target = inputs[0] if method == "at" else None
        written(target, inputs, kwargs)
        return finished(getattr(ufunc, method), target, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        target = args[0] if func in _writers and args else None
        written(target, args, kwargs)
        return finished(func, target, args, kwargs)
