"""Part of _taylor.pyx: slates, plain arrays that become numbers when one is written into them.

A slate is what `dualdiff.numpy.zeros` and its kin make.  It computes as the ndarray that it
stands for until a number is assigned to elements of it; from then on it is that number.
Views of a slate are slates on the same `Memory`, and turn with it.  Arrays that know
nothing of this (made by numpy.asarray, by a buffer) may look at the memory while it is
plain; they are counted, and a number is refused as long as one lives: it would see the
values without the derivatives.
"""

cdef frozenset _writers = frozenset([
    np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal])
cdef frozenset _writing_methods = frozenset(["put", "setfield"])


@cython.final
@cython.no_gc
cdef class Memory:
    """What a slate and all its views share."""
    cdef ndarray owner        # the array that owns the memory
    cdef ndarray flat         # all of it in one dimension, as it lies
    cdef Taylor number        # over `flat`, once a number has been written; None before
    cdef Py_ssize_t slates    # how many slates look at it


cdef bint inexact(ndarray a) noexcept:
    cdef int t = cnp.PyArray_TYPE(a)
    return (cnp.PyTypeNum_ISFLOAT(t) or cnp.PyTypeNum_ISCOMPLEX(t)) and cnp.PyArray_ISNOTSWAPPED(a)


cdef Slate new_slate(Memory memory, ndarray array):
    cdef Slate s = Slate.__new__(Slate)
    s.memory = memory
    s.array = array
    memory.slates += 1
    return s


def slate(ndarray a):
    """A slate of an array that nobody else sees; a itself if it is not of floating point."""
    if type(a) is not _ndarray or not inexact(a):
        return a
    return adopted(a if (<object>a).base is None else a.copy("K"))


cdef Slate adopted(ndarray a):
    """A slate of an array that owns its memory."""
    cdef Memory memory = Memory.__new__(Memory)
    if not (cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_F_CONTIGUOUS(a)):
        a = a.copy("C")
    memory.owner = a
    memory.flat = a.ravel("K")
    return new_slate(memory, a.view())


cdef now(x):
    """What a slate is now: a fresh plain array, or the number."""
    cdef Slate s
    if type(x) is not Slate:
        return x
    s = <Slate>x
    return s.array.view() if s.memory.number is None else number_of(s)


cdef number_of(Slate s):
    """The number that a slate has become: a view, a copy without dimensions."""
    cdef Taylor y
    if cnp.PyArray_NDIM(s.array) == 0:
        return s.memory.number[place_of(s)]
    if s.number is None:
        y = Taylor.__new__(Taylor)
        y.alg = s.memory.number.alg
        y._value = s.array
        y.base = s.memory.number
        y.stamp = y.base.stamp - 1  # sync finds its terms
        s.number = y
    sync(s.number)
    return s.number


cdef Py_ssize_t place_of(Slate s) noexcept:
    """Where a slate without dimensions lies in its memory."""
    return (<char *>cnp.PyArray_DATA(s.array) - <char *>cnp.PyArray_DATA(s.memory.flat)
            ) // cnp.PyArray_ITEMSIZE(s.array)


cdef Py_ssize_t references(Memory m):
    """References to the owner of a memory, those of its slates not counted."""
    return Py_REFCNT(m.owner) - m.slates


cdef Slate _sample = adopted(np.empty(1))
cdef Py_ssize_t _own_references = references(_sample.memory)


cdef int promote(Slate s) except -1:
    """Turn the memory of a slate into a number."""
    cdef Memory m = s.memory
    if m.number is not None:
        return 0
    if references(m) > _own_references:
        raise TypeError(
            "dualdiff: a number cannot be assigned to this array while plain NumPy arrays look at "
            "its memory (made of it by numpy.asarray, ndenumerate, nditer or a buffer): they would "
            "lose the derivative; assign to a copy, or make the plain arrays copies")
    terms = np.zeros((0, cnp.PyArray_SIZE(m.flat)), m.flat.dtype)
    m.number = Taylor.__new__(Taylor)
    m.number.alg = _no_seeds
    m.number._value = m.flat
    m.number._terms = terms
    return 0


cdef constant_number(ndarray a):
    """An array as a number without seeds."""
    return new_array(_no_seeds, a, np.zeros((0,) + (<object>a).shape, a.dtype))


cdef bint has_number(x):
    """Whether there is a number in x, a slate that has become one included."""
    if type(x) is Taylor:
        return True
    if type(x) is Slate:
        return (<Slate>x).memory.number is not None
    if isinstance(x, (list, tuple)):
        for e in x:
            if has_number(e):
                return True
        return False
    if isinstance(x, dict):
        return has_number(list(x.values()))
    if cnp.PyArray_Check(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_OBJECT:
        for e in (<object>x).flat:
            if type(e) is Taylor or type(e) is Slate:
                return True
    return False


cdef unslated_in(x, list memories):
    """x with every slate in it replaced by what it is now; their memories are collected."""
    cdef Py_ssize_t before = len(memories)
    if type(x) is Slate:
        memories.append((<Slate>x).memory)
        return now(x)
    if type(x) is tuple or type(x) is list:
        out = [unslated_in(e, memories) for e in x]
        return x if len(memories) == before else type(x)(out)
    if type(x) is dict:
        out = {k: unslated_in(e, memories) for k, e in x.items()}
        return x if len(memories) == before else out
    return x


cdef shown(r, list memories, tuple inputs):
    """A result of NumPy on plain slates as slates, where it is a view of one or new."""
    cdef ndarray a
    cdef Memory m
    if type(r) is tuple or type(r) is list:
        return type(r)([shown(e, memories, inputs) for e in r])
    if isinstance(r, tuple) and hasattr(r, "_fields"):
        return type(r)(*[shown(e, memories, inputs) for e in r])
    if type(r) is not _ndarray or not inexact(<ndarray>r):
        return r
    a = <ndarray>r
    base = (<object>a).base
    if base is None:
        for x in inputs:
            if x is a:
                return a
        return adopted(a)
    for m in memories:
        if base is <object>m.owner:
            if cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(m.flat):
                return new_slate(m, a)
            return a
    return a


cdef run(func, tuple args, dict kwargs, list memories):
    """func on what the slates are now; the results as slates."""
    out = kwargs.get("out")
    plain_args = unslated_in(args, memories)
    plain = unslated_in(kwargs, memories)
    result = func(*plain_args, **plain)
    if out is not None:
        return stored(out, plain["out"], result)
    return shown(result, memories, plain_args)


cdef operated(op, a, b):
    """An operator of two arguments, one of them a slate."""
    return run(op, (a, b), {}, [])


cdef in_place_on(Slate s, func, other):
    """s func= other."""
    if s.memory.number is None and not has_number(other):
        func(s.array, now(other), out=s.array)
        return s
    y = func(now(s), now(other))
    if np.shape(y) != (<object>s.array).shape:
        raise ValueError(f"non-broadcastable output operand with shape {(<object>s.array).shape} "
                         f"doesn't match the broadcast shape {np.shape(y)}")
    if not np.can_cast(y.dtype, s.array.dtype, "same_kind"):
        raise TypeError(f"Cannot cast the result of an in-place operation from {y.dtype!r} to "
                        f"{s.array.dtype!r} with casting rule 'same_kind'")
    s[...] = y
    return s


cdef class Method:
    """A method of ndarray on a slate."""
    cdef Slate of
    cdef str name

    def __call__(self, *args, **kwargs):
        cdef Slate s = self.of
        if s.memory.number is None and (has_number(args) or has_number(kwargs)):
            if self.name in _writing_methods:
                promote(s)
            else:
                return run(getattr(constant_number(s.array), self.name), args, kwargs, [])
        if s.memory.number is None:
            x = s.array if self.name == "setflags" else s.array.view()
        elif s.array.ndim == 0 and self.name in _writing_methods:
            raise TypeError(f"dualdiff: {self.name} of an array without dimensions that holds a "
                            "number; write x[...] = v")
        else:
            x = number_of(s)
        return run(getattr(x, self.name), args, kwargs, [s.memory])

    def __repr__(self):
        return f"<method {self.name!r} of numpy.ndarray objects>"


cdef int written(target, args, kwargs) except -1:
    """Let the slates that a function writes into become numbers if it writes numbers."""
    out = kwargs.get("out")
    if target is None and out is None or not (has_number(args) or has_number(kwargs)):
        return 0
    for x in (out if type(out) is tuple else (out,)) + (target,):
        if type(x) is Slate:
            promote(<Slate>x)
    return 0


cdef finished(func, target, tuple args, dict kwargs):
    """run(func, ...), whose target, if it is a slate without dimensions, is a copy there."""
    cdef Slate s
    if type(target) is Slate and (<Slate>target).memory.number is not None and (
        cnp.PyArray_NDIM((<Slate>target).array) == 0
    ):
        x = now(target)
        result = run(func, (x,) + args[1:], kwargs, [])
        target[...] = x
        return result
    return run(func, args, kwargs, [])


cdef stored(out, plain, result):
    """What a function with out= returns: the objects that were given; slates without
    dimensions take what the copies of them got.
    """
    if type(out) is tuple:
        results = result if type(result) is tuple else (result,)
        results = tuple([stored(o, p, r) for o, p, r in zip(out, plain, results)])
        return results if type(result) is tuple else results[0]
    if type(out) is Slate and type(plain) is Taylor and (<Taylor>plain).ndim == 0:
        out[...] = plain  # what was written into is a copy
    return result if out is None else out


def unslated(x):
    """x, or what a slate is now: a plain array or a number."""
    return now(x)


def run_on(func, args, kwargs):
    """func(*args, **kwargs) on what the slates are now; views of slates come as slates."""
    return run(func, tuple(args), dict(kwargs), [])


def is_slate(x):
    """Whether x is a slate."""
    return type(x) is Slate


cdef bint any_slate(inputs) noexcept:
    """Whether a slate is among the entries of a tuple."""
    if type(inputs) is tuple:
        for x in <tuple>inputs:
            if type(x) is Slate:
                return True
    return False
