"""Calls of ufuncs with keywords: out, where, dtype, casting, signature, axes and the rest.

NumPy itself judges the keywords, in a rehearsal on arrays without elements; what
remains is to cast the inputs, to compute the selected elements only, and to store.

May import: the kinds, the number, NumPy.  Knows no rows.  Invariant: an element that
`where` does not select is not computed, and keeps the coefficients that `out` had there.
"""

import operator

import numpy as np

from dualdiff._kinds import holds, values
from dualdiff._taylor import Taylor, laned_parts, make, make_laned, pack, parts


def call(func, row, inputs, kwargs):
    """func(*inputs, **kwargs), whose row takes the inputs only."""
    inputs = [pack(x) if isinstance(x, (list, tuple)) or _objects(x) else x for x in inputs]
    out = _outputs(func, kwargs.pop("out", None))
    if getattr(row, "kind", None) == "constant" or not any(map(holds, inputs)):
        return _on_values(func, inputs, out, kwargs)
    if func.signature is not None:
        return _generalised(func, row, inputs, out, kwargs)
    where = kwargs.pop("where", True)
    _rehearse(func, inputs, out, kwargs)
    inputs = _cast(func, inputs, kwargs)
    if where is True:
        return _store_all(func, row(*inputs), out, None)
    if isinstance(where, Taylor):
        raise TypeError(f"dualdiff: np.{func.__name__}: where= expects booleans, got a number; "
                        "compare it first (x > 0)")
    where = np.asarray(where)
    if where.dtype != bool:
        raise TypeError(f"Cannot cast array data from {where.dtype!r} to {np.dtype(bool)!r} "
                        "according to the rule 'safe'")
    shape = np.broadcast_shapes(*map(np.shape, inputs), where.shape,
                                *(np.shape(o) for o in out if o is not None))
    mask = np.broadcast_to(where, shape)
    result = row(*[x if np.ndim(x) == 0 and type(x) is not Taylor else select(x, mask)
                   for x in inputs])
    results = result if func.nout > 1 else (result,)
    results = tuple(r if o is not None else widen(r, mask)
                    for r, o in zip(results, out, strict=True))
    return _store_all(func, results if func.nout > 1 else results[0], out, mask)


def _objects(x):
    return isinstance(x, np.ndarray) and x.dtype == object


def _outputs(func, out):
    """out= as a tuple with one entry, or None, for each result."""
    if out is None:
        return (None,) * func.nout
    return out if isinstance(out, tuple) else (out,)


def _sample(x):
    """Something without elements that NumPy's type rules treat as x; Python scalars stay."""
    if isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic):
        return x
    return np.empty(0, x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)


def _rehearse(func, inputs, out, kwargs):
    """Let NumPy raise whatever it has to say of these types and keywords."""
    samples = [_sample(x) for x in inputs]
    if all(np.ndim(s) == 0 for s in samples):
        samples[0] = np.empty(0, np.asarray(samples[0]).dtype)
    outs = tuple(None if o is None else np.empty(0, o.dtype) for o in out)
    func(*samples, out=outs if func.nout > 1 else outs[0], **kwargs)


def _cast(func, inputs, kwargs):
    """The inputs in the dtypes of the loop that dtype= or signature= asks for."""
    dtype, signature = kwargs.get("dtype"), kwargs.get("signature")
    if dtype is None and signature is None:
        return inputs
    if signature is None:
        signature = (None,) * func.nin + (np.dtype(dtype),) * func.nout
    types = [type(x) if isinstance(_sample(x), (bool, int, float, complex)) else
             _sample(x).dtype for x in inputs]
    types = [np.dtype(bool) if t is bool else t for t in types]
    loop = func.resolve_dtypes((*types, *(None,) * func.nout), signature=signature,
                               casting=kwargs.get("casting", "same_kind"))
    cast = []
    for x, t in zip(inputs, loop, strict=False):
        if type(x) is not Taylor:
            cast.append(np.asarray(x).astype(t))
        elif t.kind not in "fc" or (x.dtype.kind == "c" and t.kind == "f"):
            raise TypeError(f"dualdiff: np.{func.__name__} with dtype {t} would lose the "
                            "derivative; use x.value where it is not wanted")
        else:
            cast.append(x if x.dtype == t else x.astype(t))
    return cast


def _on_values(func, inputs, out, kwargs):
    """A result without derivatives, also into an `out` that is a number."""
    inputs = values(inputs)
    if type(kwargs.get("where")) is Taylor:
        raise TypeError(f"dualdiff: np.{func.__name__}: where= expects booleans, got a number; "
                        "compare it first (x > 0)")
    if not any(type(o) is Taylor for o in out):
        outs = out if func.nout > 1 else out[0]
        return func(*inputs, out=outs, **kwargs)
    plain = tuple(np.array(values(o)) if o is not None else None for o in out)
    results = func(*inputs, out=plain if func.nout > 1 else plain[0], **kwargs)
    where = kwargs.get("where", True)
    if where is not True:
        mask = np.broadcast_to(where, plain[0].shape)
        results = results if func.nout > 1 else (results,)
        results = tuple(np.asarray(r)[mask] for r in results)
        results = results if func.nout > 1 else results[0]
        return _store_all(func, results, out, mask)
    return _store_all(func, results, out, None)


# ---- selected elements -------------------------------------------------------------------


def broadcast(x, shape):
    """x, a number or an array, broadcast to a shape; a number's terms with it."""
    if type(x) is not Taylor:
        return np.broadcast_to(x, shape)
    alg, value, terms, lanes = laned_parts(x)
    terms = terms.reshape(terms.shape[:1] + (1,) * (len(shape) - value.ndim) + value.shape)
    if lanes is not None:
        lanes = [np.broadcast_to(lane, shape) for lane in lanes]
    return make_laned(alg, np.broadcast_to(value, shape),
                      np.broadcast_to(terms, terms.shape[:1] + tuple(shape)), lanes)


def select(x, mask):
    """The selected elements of x, broadcast to the mask, in one dimension."""
    return broadcast(x, mask.shape)[mask]


def widen(x, mask):
    """Selected elements back in their places, zero elsewhere."""
    def wide(rows, lead):
        full = np.zeros(lead + mask.shape, rows.dtype)
        full[(..., mask)] = rows
        return full

    if type(x) is not Taylor:
        return wide(np.asarray(x), ())
    alg, value, terms, lanes = laned_parts(x)
    if lanes is not None:
        lanes = [wide(lane, ()) for lane in lanes]
    return make_laned(alg, wide(value, ()), wide(terms, terms.shape[:1]), lanes)


# ---- storing -----------------------------------------------------------------------------


def _store_all(func, result, out, mask):
    """Put each result into its out=, where there is one."""
    if func.nout == 1:
        return store(result, out[0], mask)
    return tuple(store(r, o, mask) for r, o in zip(result, out, strict=True))


def store(result, out, mask=None):
    """Put a result into out, broadcast to it; with a mask, selected elements only."""
    if out is None:
        return result
    shape = np.shape(result) if mask is None else mask.shape
    if np.broadcast_shapes(shape, out.shape) != out.shape:
        raise ValueError(f"non-broadcastable output operand with shape {out.shape} doesn't "
                         f"match the broadcast shape {np.broadcast_shapes(shape, out.shape)}")
    if type(out) is Taylor and out.ndim == 0:
        if mask is None or mask:
            out[...] = result if mask is None else result[0]
        return out
    if type(out) is not Taylor and type(result) is Taylor:
        return _store_plain(result, out, mask)
    out[... if mask is None else mask] = result
    return out


def _store_plain(result, out, mask):
    """A number into a plain array: only an object array can take it, element by element."""
    if out.dtype != object:
        raise TypeError("dualdiff: out= is a plain array, which cannot hold derivatives; use "
                        "out=np.empty_like(x) of a number, leave out= away, or decorate the "
                        "function with dualdiff.lift")
    places = np.ndindex(out.shape) if mask is None else map(tuple, np.argwhere(mask))
    source = broadcast(result, out.shape) if mask is None else result
    for i, place in enumerate(places):
        out[place] = source[place] if mask is None else source[i]
    return out


# ---- generalised ufuncs ------------------------------------------------------------------


def _generalised(func, row, inputs, out, kwargs):
    """matmul and its kin: core axes to their usual places, then the row, then back."""
    value = np.asarray(func(*values(inputs), **kwargs)) if kwargs else None
    inputs = _cast(func, inputs, kwargs)
    cores, (core_out,) = (_cores(side) for side in func.signature.split("->"))
    keepdims, axis, axes = (kwargs.get(k) for k in ("keepdims", "axis", "axes"))
    if axis is not None:
        axes = [(axis,)] * len(cores)
    if axes is not None:
        axes = [a if isinstance(a, tuple) else (a,) for a in axes]
        inputs = [np.transpose(x, _last(places, np.ndim(x)))
                  for x, places in zip(inputs, axes, strict=False)]
    result = row(*inputs)
    if keepdims:
        result = np.reshape(result, value.shape)
    elif core_out and axes is not None and len(axes) > len(cores):
        result = np.transpose(result, np.argsort(_last(axes[-1], result.ndim)))
    if value is not None:
        alg, _, terms = parts(result)
        result = make(alg, value, terms.astype(value.dtype, copy=False))
    return store(result, out[0])


def _last(places, ndim):
    """The order of axes that puts those at the places last."""
    places = [operator.index(p) % ndim for p in places]
    return [*(q for q in range(ndim) if q not in places), *places]


def _cores(side):
    """The core dimensions of each operand on one side of a signature."""
    return [[n for n in part.strip("()").split(",") if n] for part in side.split("),(")]
