"""np.einsum in every form, as products of two operands at a time.

May import: the kinds, the number, NumPy.  Invariant: the value is NumPy's own, with the
order of summation that it chose; the terms take the cheapest path that it knows.
"""

import functools

import numpy as np

from dualdiff._bilinear import labels, product_terms
from dualdiff._kinds import (
    constant,
    holds,
    no_numbers,
    pack,
    store,
    view_or_make,
    with_signature,
)
from dualdiff._taylor import make, unify

# ---- reading the subscripts -------------------------------------------------------------


def read(operands):
    """(subscripts, arrays): subscripts as NumPy would read them; see `subscripts`."""
    if isinstance(operands[0], str):
        return operands[0], operands[1:]
    arrays = operands[0::2] if len(operands) % 2 == 0 else operands[0:-1:2]
    out = tuple(operands[-1]) if len(operands) % 2 else None
    return (tuple(tuple(s) for s in operands[1::2]), out), arrays


@functools.lru_cache(1024)
def subscripts(text, ndims):
    """(labels of each operand, labels of the result); text: a string or tuples of integers.

    An ellipsis becomes negative labels, numbered from the last dimension backwards.
    """
    if isinstance(text, str):
        text = text.replace(" ", "")
        ins, arrow, out = text.partition("->")
        ins = [letters(s) for s in ins.split(",")]
        out = letters(out) if arrow else None
    else:
        ins, out = text
    full, widest = [], 0
    for s, ndim in zip(ins, ndims, strict=True):
        rest = ndim - sum(q is not Ellipsis for q in s)
        if Ellipsis in s:
            widest = max(widest, rest)
        full.append(expanded(s, rest))
    if out is None:
        count = [q for s in full for q in s if q is not Ellipsis and not is_dots(q)]
        out = (*range(-widest, 0), *sorted(q for q in set(count) if count.count(q) == 1))
    else:
        out = expanded(out, widest)
    return tuple(full), out


def is_dots(q):
    """Whether a label stands for a dimension of an ellipsis."""
    return q < 0


def letters(s):
    """A string of letters and dots as labels."""
    head, dots, tail = s.partition("...")
    return (*map(ord, head), *([Ellipsis] if dots else ()), *map(ord, tail))


def expanded(s, rest):
    """Labels with the ellipsis replaced by labels of so many dimensions."""
    out = []
    for q in s:
        out += range(-rest, 0) if q is Ellipsis else [int(q)]
    return tuple(out)


# ---- evaluation --------------------------------------------------------------------------


def narrowed(operand, wide):
    """One operand without the dimensions of length 1 that are longer elsewhere."""
    names, value, terms = operand
    narrow = [q for q, n in enumerate(value.shape) if n == 1 and wide[names[q]] != 1]
    if not narrow:
        return operand
    at = tuple(0 if q in narrow else slice(None) for q in range(value.ndim))
    return (tuple(s for q, s in enumerate(names) if q not in narrow), value[at],
            None if terms is None else terms[(slice(None), *at)])


def thin(operand, keep):
    """One operand with each label once, and only labels in keep; the others are summed."""
    names, value, terms = operand
    kept = tuple(dict.fromkeys(q for q in names if q in keep))
    if kept == names:
        return operand
    return kept, sole(value, names, kept, 0), None if terms is None else (
        sole(terms, names, kept, 1))


def sole(a, names, out, stack):
    """einsum of one array; stack: leading dimensions without a label."""
    code = {q: stack + n for n, q in enumerate(dict.fromkeys(names))}
    lead = list(range(stack))
    with np.errstate(all="ignore"):
        return np.asarray(np.einsum(a, [*lead, *(code[q] for q in names)],
                                    [*lead, *(code[q] for q in out)]))


def pair(alg, a, b, out):
    """The product of two thin operands, as an operand with these labels."""
    product = labels(a[0], b[0], out)
    with np.errstate(all="ignore"):
        value = product.total(a[1][None], b[1][None])
    if a[2] is None and b[2] is None:
        return out, value, None
    return out, value, product_terms(alg, product, a[1], a[2], b[1], b[2])


@functools.lru_cache(1024)
def path(names, out, shapes):
    """Which operands to multiply next, again and again; results go to the end."""
    if len(names) <= 2:
        return (tuple(range(len(names))),)
    code = {q: n for n, q in enumerate(dict.fromkeys(q for s in (*names, out) for q in s))}
    args = []
    for s, shape in zip(names, shapes, strict=True):
        args += [np.broadcast_to(0.0, shape), [code[q] for q in s]]
    return tuple(np.einsum_path(*args, [code[q] for q in out], optimize="greedy")[0][1:])


def einsum(*operands, out=None, optimize=False, **kwargs):
    """np.einsum."""
    no_numbers(np.einsum, (), kwargs)
    text, arrays = read(operands)
    arrays = [pack(x) if holds(x) else x for x in arrays]
    alg, xs = unify(*arrays)
    plain = [v for v, _ in xs]
    if isinstance(text, str):
        call = (text, *plain)
    else:
        call = tuple(e for v, s in zip(plain, text[0], strict=True) for e in (v, list(s)))
        call += () if text[1] is None else (list(text[1]),)
    value = np.einsum(*call, optimize=optimize, **kwargs)
    if alg is None:
        return store(value, out)
    value, plain = np.asarray(value), [np.asarray(v) for v in plain]
    names, result = subscripts(text, tuple(v.ndim for v in plain))
    if len(xs) == 1:
        terms = sole(xs[0][1], names[0], result, 1).astype(value.dtype, copy=False)
        return store(view_or_make(arrays[0], alg, (plain[0], value), (xs[0][1], terms)), out)
    todo = [(s, v, t) for s, v, (_, t) in zip(names, plain, xs, strict=True)]
    terms = product_of(alg, todo, result)
    return store(make(alg, value, terms.astype(value.dtype, copy=False)), out)


def product_of(alg, todo, result):
    """Terms of the product of several operands."""
    wide = {}
    for names, value, _ in todo:
        for q, n in zip(names, value.shape, strict=True):
            wide[q] = max(n, wide.get(q, 1)) if n != 0 else 0
    todo = [narrowed(o, wide) for o in todo]
    steps = path(tuple(o[0] for o in todo), result, tuple(o[1].shape for o in todo))
    for step in steps:
        group = [todo.pop(q) for q in sorted(step, reverse=True)][::-1]
        while len(group) > 1:
            a, b, *group = group
            rest = {q for o in (*group, *todo) for q in o[0]} | set(result)
            a, b = (thin(x, rest | set(y[0])) for x, y in ((a, b), (b, a)))
            last = not group and not todo
            made = tuple(dict.fromkeys((*a[0], *b[0])))
            kept = result if last else tuple(q for q in made if q in rest)
            group.insert(0, pair(alg, a, b, kept))
        todo += group
    names, _, terms = todo[0]
    return terms if names == result else sole(terms, names, result, 1)


ROWS = {
    np.einsum: with_signature(np.einsum)(einsum),
    np.einsum_path: constant(np.einsum_path),
}
