"""The nodes of pytrees: how each type is taken apart and rebuilt, and the registry of types.

Imports the standard library and `_tree_keys` only.  Invariants: a type is registered once and
for good, and the functions of its kind never change the node.
"""

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from types import NoneType

from ._tree_keys import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey, path_str

# --- Kinds of nodes ---------------------------------------------------------------------------


class TreeError(ValueError):
    """A fault inside a tree; the traversals fill in `path` on the way out."""

    path = ()

    def named(self, who, name):
        """The error for the user, about the argument `name` of the function `who`."""
        return ValueError(f"{who}: at {path_str(self.path, name)}, {self}")


class Kind:
    """How one type of node is taken apart and rebuilt; `word` names its meta in messages."""

    __slots__ = ("type", "split", "join", "keys", "word")

    def __init__(self, type, split, join, keys, word=""):
        self.type, self.word = type, word
        self.split = split  # x -> children, meta
        self.join = join  # meta, tuple of children -> x
        self.keys = keys  # x, meta, number of children -> list of keys


def name_of(t):
    """The type's name for messages, with its module unless that is plain."""
    plain = t.__module__ in ("builtins", "collections", "__main__")
    return t.__qualname__ if plain else f"{t.__module__}.{t.__qualname__}"


def _split_dict(x):
    try:
        keys = tuple(sorted(x))
    except TypeError as e:
        raise TreeError(
            f"expected dict keys that can be sorted, got {list(x)} ({e}). Use keys of one "
            "type, or an OrderedDict, which keeps the order of insertion."
        ) from None
    return [x[k] for k in keys], keys


def _split_ordered(x):
    return list(x.values()), tuple(x)


def _split_default(x):
    children, keys = _split_dict(x)
    return children, (x.default_factory, keys)


def _join_default(meta, children):
    return defaultdict(meta[0], pair(meta[1], children))


pair = functools.partial(zip, strict=True)
_whole = lambda x: (x, None)
_empty = lambda x: ((), None)
_index = lambda x, m, n: [SequenceKey(i) for i in range(n)]
_key = lambda x, m, n: [DictKey(k) for k in m]
_key1 = lambda x, m, n: [DictKey(k) for k in m[1]]
_field = lambda x, m, n: [GetAttrKey(f) for f in x._fields]

# fmt: off
BUILTIN = [
    #    type         split           join                                  keys    word
    Kind(list,        _whole,         lambda m, c: list(c),                 _index),
    Kind(tuple,       _whole,         lambda m, c: c,                       _index),
    Kind(NoneType,    _empty,         lambda m, c: None,                    _index),
    Kind(dict,        _split_dict,    lambda m, c: dict(pair(m, c)),        _key,  "keys"),
    Kind(OrderedDict, _split_ordered, lambda m, c: OrderedDict(pair(m, c)), _key,  "keys"),
    Kind(defaultdict, _split_default, _join_default,                        _key1, "meta"),
]
# The metadata of a named tuple is its type: it needs no registration.
NAMEDTUPLE = Kind(tuple, lambda x: (x, type(x)), lambda m, c: m(*c), _field)
# fmt: on
registry = {kind.type: kind for kind in BUILTIN}  # only ever grows


def kind_of(t):
    """The kind of node of the type t; None if it is a leaf's."""
    kind = registry.get(t)
    if kind is None and issubclass(t, tuple) and hasattr(t, "_fields"):
        return NAMEDTUPLE
    return kind


# --- Registration -----------------------------------------------------------------------------


def _check_class(who, nodetype):
    if not isinstance(nodetype, type):
        raise TypeError(f"{who}: expected a class, got {nodetype!r}. Pass the class itself.")


def _register(who, nodetype, split, join, keys, word="aux_data"):
    _check_class(who, nodetype)
    kind = Kind(nodetype, split, join, keys, word)
    # setdefault is atomic: of two threads, one registers and the other gets the error.
    if registry.setdefault(nodetype, kind) is not kind:
        raise ValueError(
            f"{who}: expected a new type, got {name_of(nodetype)}, which is registered "
            "already. Register a type once, beside its definition, or a subclass of it."
        )


def _checked(flatten_func):
    """A user's `flatten_func` that is sure to return a tuple of children and metadata."""

    def split(x):
        out = flatten_func(x)
        if isinstance(out, tuple) and len(out) == 2 and isinstance(out[0], Iterable):
            return tuple(out[0]), out[1]
        raise TreeError(
            f"expected (children, aux_data) from the flatten function of {name_of(type(x))}, "
            f"got {out!r}. Return a tuple of two, the first an iterable."
        )

    return split


def _checked_pairs(flatten_with_keys):
    """The same for pairs ``(key, child)``, of which there must be n if n is given."""
    split = _checked(flatten_with_keys)

    def pairs(x, n=None):
        items, meta = split(x)
        if n in (None, len(items)) and all(isinstance(i, tuple) and len(i) == 2 for i in items):
            return items, meta
        raise TreeError(
            "expected (key, child) for each child from the flatten_with_keys function of "
            f"{name_of(type(x))}, got {items}. Return a tuple of two for each."
        )

    return pairs


def _keys(flatten_with_keys):
    if flatten_with_keys is None:
        return lambda x, meta, n: [FlattenedIndexKey(i) for i in range(n)]
    pairs = _checked_pairs(flatten_with_keys)
    return lambda x, meta, n: [k for k, _ in pairs(x, n)[0]]


def register_pytree_node(nodetype, flatten_func, unflatten_func, flatten_with_keys_func=None):
    """Make the instances of a class nodes of pytrees.

    Parameters
    ----------
    nodetype : type
        Exactly this class; a subclass is registered on its own.
    flatten_func : callable
        From an instance to ``(children, aux_data)``: an iterable, and metadata that compares
        by ``==``.
    unflatten_func : callable
        From `aux_data` and a tuple of children to an instance.  The children may be anything,
        such as placeholders: do not convert or check them.
    flatten_with_keys_func : callable, optional
        Like `flatten_func`, with pairs ``(key, child)`` for children.

    Raises
    ------
    ValueError
        If the class is registered already.
    TypeError
        If `nodetype` is not a class.

    Notes
    -----
    Threads may register at the same time.

    Examples
    --------
    >>> from dualdiff.tree_util import register_pytree_node, tree_leaves
    >>> class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    >>> register_pytree_node(
    ...     Interval, lambda x: ((x.low, x.high), None), lambda aux, ends: Interval(*ends)
    ... )
    >>> tree_leaves([Interval(1.0, 2.0), 3.0])
    [1.0, 2.0, 3.0]
    """
    split, keys = _checked(flatten_func), _keys(flatten_with_keys_func)
    _register("register_pytree_node", nodetype, split, unflatten_func, keys)


def register_pytree_with_keys(nodetype, flatten_with_keys, unflatten_func, flatten_func=None):
    """Make the instances of a class nodes of pytrees whose paths have keys of their own.

    Parameters
    ----------
    nodetype, unflatten_func
        As for `register_pytree_node`.
    flatten_with_keys : callable
        From an instance to ``(pairs, aux_data)`` with pairs ``(key, child)``.  A key is a
        `GetAttrKey` or the like, or anything that `str` writes well.
    flatten_func : callable, optional
        A faster way to ``(children, aux_data)``.

    Raises
    ------
    ValueError, TypeError
        As `register_pytree_node` does.

    Examples
    --------
    >>> from dualdiff.tree_util import GetAttrKey, keystr, register_pytree_with_keys
    >>> from dualdiff.tree_util import tree_map_with_path
    >>> class Box(list):
    ...     pass
    >>> register_pytree_with_keys(
    ...     Box, lambda x: ([(GetAttrKey("first"), x[0])], None), lambda aux, items: Box(items)
    ... )
    >>> tree_map_with_path(lambda path, x: keystr(path), (Box([5]), 6))
    (['[0].first'], '[1]')
    """
    pairs = _checked_pairs(flatten_with_keys)

    def children(x):
        items, meta = pairs(x)
        return [c for _, c in items], meta

    split = children if flatten_func is None else _checked(flatten_func)
    keys = _keys(flatten_with_keys)
    _register("register_pytree_with_keys", nodetype, split, unflatten_func, keys)


def register_pytree_node_class(cls):
    """Decorate a class that takes itself apart, to make its instances nodes of pytrees.

    Parameters
    ----------
    cls : type
        Has a method ``tree_flatten()``, which returns ``(children, aux_data)``, and a class
        method ``tree_unflatten(aux_data, children)``: see `register_pytree_node`.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    ValueError
        If the class is registered already.
    TypeError
        If `cls` is not a class, or lacks a method.

    Examples
    --------
    >>> from dualdiff.tree_util import register_pytree_node_class, tree_leaves
    >>> @register_pytree_node_class
    ... class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    ...     def tree_flatten(self):
    ...         return (self.low, self.high), None
    ...     @classmethod
    ...     def tree_unflatten(cls, aux, children):
    ...         return cls(*children)
    >>> tree_leaves(Interval(1.0, 2.0))
    [1.0, 2.0]
    """
    who = "register_pytree_node_class"
    for method in "tree_flatten", "tree_unflatten":
        if not hasattr(cls, method):
            raise TypeError(
                f"{who}: expected a class with a method {method}, got {cls!r}. Define it, or "
                "call register_pytree_node with functions."
            )
    _register(who, cls, _checked(cls.tree_flatten), cls.tree_unflatten, _keys(None))
    return cls


def register_dataclass(nodetype, data_fields=None, meta_fields=None, drop_fields=()):
    """Make the instances of a dataclass nodes of pytrees; also a class decorator.

    Parameters
    ----------
    nodetype : type
        A dataclass; or a class whose constructor takes its fields as keywords, for which
        `data_fields` and `meta_fields` are required.
    data_fields : sequence of str, optional
        The fields that are children.
    meta_fields : sequence of str, optional
        The fields that are metadata, which compares by ``==``: no arrays.  By default those
        with ``field(metadata={"static": True})``; every other field is data.
    drop_fields : sequence of str, optional
        The fields to forget; they need a default.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    ValueError
        If the class is registered already, or its fields are not each in one place.
    TypeError
        If `nodetype` is not a class, or the fields are not known.

    Notes
    -----
    An instance is rebuilt by its constructor, so ``__post_init__`` runs, and fields with
    ``init=False`` are left to it.  To decorate with arguments, use `functools.partial`.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> from dualdiff.tree_util import register_dataclass, tree_map
    >>> @register_dataclass
    ... @dataclass
    ... class Layer:
    ...     W: float
    ...     b: float
    ...     name: str = field(metadata={"static": True})
    >>> tree_map(lambda x: 10 * x, Layer(1.0, 2.0, "first"))
    Layer(W=10.0, b=20.0, name='first')
    """
    who = "register_dataclass"
    _check_class(who, nodetype)
    if (data_fields is None) != (meta_fields is None):
        raise TypeError(
            f"{who}: expected both data_fields and meta_fields or neither, got "
            f"data_fields={data_fields!r} and meta_fields={meta_fields!r}. Pass [] for none."
        )
    if hasattr(nodetype, "__dataclass_fields__"):
        from dataclasses import fields

        init = {f.name: f for f in fields(nodetype) if f.init and f.name not in drop_fields}
        if data_fields is None:
            data_fields = [n for n, f in init.items() if not f.metadata.get("static", False)]
            meta_fields = [n for n in init if n not in data_fields]
    elif data_fields is None:
        raise TypeError(
            f"{who}: expected a dataclass, got {nodetype!r}. Put @register_dataclass above "
            "@dataclass, or pass data_fields and meta_fields."
        )
    else:
        init = dict.fromkeys([*data_fields, *meta_fields])
    data, meta = tuple(data_fields), tuple(meta_fields)
    given = [*data, *meta]
    if sorted(given) != sorted(init):
        wrong = {
            "missing": [n for n in init if n not in given],
            "unknown": [n for n in given if n not in init],
            "repeated": sorted({n for n in given if given.count(n) > 1}),
        }
        raise ValueError(
            f"{who}: expected each init field of {name_of(nodetype)} once in data_fields or "
            f"meta_fields, got {', '.join(f'{k} {v}' for k, v in wrong.items() if v)}. "
            "List those to leave out, if they have defaults, in drop_fields."
        )
    keys = [GetAttrKey(n) for n in data]
    _register(
        who,
        nodetype,
        lambda x: ([getattr(x, n) for n in data], tuple([getattr(x, n) for n in meta])),
        lambda m, c: nodetype(**dict(pair(data, c)), **dict(pair(meta, m))),
        lambda x, m, n: keys,
        "meta_fields",
    )
    return nodetype
