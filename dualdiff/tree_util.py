"""Pytrees: nested containers taken apart into leaves and a structure, and rebuilt from them.

Names, signatures and semantics are those of ``jax.tree_util``.  A *node* is a value whose exact
type is registered, or a named tuple; everything else, subclasses included, is a *leaf*.

Imports the standard library, `_tree_keys`, `_tree_nodes` and `_tree_def` only.  Invariant:
``tree_unflatten`` undoes ``tree_flatten``.
"""

import functools

from ._tree_def import PyTreeDef, flatten, flatten_with_path, map_columns, unflatten
from ._tree_keys import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    SequenceKey,
    keystr,
    path_str,  # noqa: F401  internal: other modules name places in trees by it
)
from ._tree_nodes import (
    pair,
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
)

__all__ = [
    "DictKey", "FlattenedIndexKey", "GetAttrKey", "PyTreeDef", "SequenceKey", "keystr",
    "register_dataclass", "register_pytree_node", "register_pytree_node_class",
    "register_pytree_with_keys", "tree_all", "tree_flatten", "tree_flatten_with_path",
    "tree_leaves", "tree_leaves_with_path", "tree_map", "tree_map_with_path", "tree_reduce",
    "tree_structure", "tree_unflatten",
]  # fmt: skip

_NO_INITIALIZER = object()


def tree_flatten(tree, is_leaf=None):
    """Take a pytree apart into its leaves and its structure.

    Parameters
    ----------
    tree : pytree
        Nested lists, tuples, named tuples, dicts, OrderedDicts, defaultdicts, None (no leaf)
        and registered types; anything else is a leaf.  The keys of dicts and defaultdicts are
        visited in sorted order, so that the order of insertion does not matter.
    is_leaf : callable, optional
        Called with each subtree; where it is true, the subtree is a leaf.

    Returns
    -------
    leaves : list
    treedef : PyTreeDef

    Raises
    ------
    ValueError
        If the keys of a dict cannot be sorted, or a registered function answers wrongly.

    Notes
    -----
    Linear in the number of nodes; a tree that is a leaf costs one lookup of its type.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_flatten
    >>> tree_flatten({"b": 1.0, "W": [2.0, 3.0]})
    ([2.0, 3.0, 1.0], PyTreeDef({'W': [*, *], 'b': *}))
    """
    return flatten("tree_flatten", tree, is_leaf)


def tree_unflatten(treedef, leaves):
    """Build the tree of a structure from its leaves.

    Parameters
    ----------
    treedef : PyTreeDef
    leaves : iterable
        One for each leaf of `treedef`, in the order of `tree_flatten`.

    Returns
    -------
    pytree

    Raises
    ------
    ValueError
        If the number of leaves is wrong.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_structure, tree_unflatten
    >>> tree_unflatten(tree_structure([0, (0, 0)]), "abc")
    ['a', ('b', 'c')]
    """
    return unflatten("tree_unflatten", treedef, leaves)


def tree_leaves(tree, is_leaf=None):
    """List the leaves of a pytree.

    Parameters
    ----------
    tree, is_leaf
        As for `tree_flatten`.

    Returns
    -------
    list

    Examples
    --------
    >>> from dualdiff.tree_util import tree_leaves
    >>> tree_leaves([1, (2, None), {"a": 3}])
    [1, 2, 3]
    """
    return flatten("tree_leaves", tree, is_leaf)[0]


def tree_structure(tree, is_leaf=None):
    """Give the structure of a pytree.

    Parameters
    ----------
    tree, is_leaf
        As for `tree_flatten`.

    Returns
    -------
    PyTreeDef

    Examples
    --------
    >>> from dualdiff.tree_util import tree_structure
    >>> tree_structure([1, (2, None)])
    PyTreeDef([*, (*, None)])
    """
    return flatten("tree_structure", tree, is_leaf)[1]


def tree_map(f, tree, *rest, is_leaf=None):
    """Apply a function to each leaf, and build the tree of the results.

    Parameters
    ----------
    f : callable
        Called with a leaf of `tree` and what each tree of `rest` holds in its place.
    tree : pytree
    *rest : pytrees
        Of the structure of `tree`, or deeper at its leaves.
    is_leaf : callable, optional
        As for `tree_flatten`; applies to `tree`.

    Returns
    -------
    pytree
        Of the structure of `tree`.

    Raises
    ------
    ValueError
        If a tree of `rest` has other containers than `tree`.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_map
    >>> tree_map(lambda p, g: p - 0.5 * g, {"W": 1.0, "b": 2.0}, {"W": 2.0, "b": 0.0})
    {'W': 0.0, 'b': 2.0}
    """
    leaves, treedef = flatten("tree_map", tree, is_leaf)
    return map_columns("tree_map", f, treedef, [leaves], rest)


def tree_reduce(function, tree, initializer=_NO_INITIALIZER, is_leaf=None):
    """Combine the leaves of a pytree from first to last, as `functools.reduce` does.

    Parameters
    ----------
    function : callable
        Called with the result so far and the next leaf.
    tree : pytree
    initializer : optional
        The result so far at the first leaf; without it, that leaf itself.
    is_leaf : callable, optional
        As for `tree_flatten`.

    Returns
    -------
    result of `function`

    Raises
    ------
    TypeError
        If there is neither a leaf nor an initializer.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_reduce
    >>> tree_reduce(lambda a, b: a + b, {"W": 1.0, "b": [2.0, 3.0]})
    6.0
    """
    leaves = flatten("tree_reduce", tree, is_leaf)[0]
    if initializer is not _NO_INITIALIZER:
        return functools.reduce(function, leaves, initializer)
    if not leaves:
        raise TypeError(
            "tree_reduce: expected at least one leaf, got a tree without any. "
            "Pass initializer, the result for no leaves."
        )
    return functools.reduce(function, leaves)


def tree_all(tree, *, is_leaf=None):
    """Whether every leaf of a pytree is true; so it is without leaves.

    Parameters
    ----------
    tree, is_leaf
        As for `tree_flatten`.

    Returns
    -------
    bool

    Examples
    --------
    >>> from dualdiff.tree_util import tree_all
    >>> tree_all([True, {"a": False}])
    False
    """
    return all(flatten("tree_all", tree, is_leaf)[0])


# --- With paths -------------------------------------------------------------------------------


def tree_flatten_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """Take a pytree apart into pairs of path and leaf, and its structure.

    Parameters
    ----------
    tree, is_leaf
        As for `tree_flatten`.
    is_leaf_takes_path : bool, optional
        Call `is_leaf` with the path and the subtree.

    Returns
    -------
    leaves : list of (path, leaf)
        A path is a tuple of keys, from the top to the leaf.
    treedef : PyTreeDef

    Raises
    ------
    ValueError
        As `tree_flatten` does.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_flatten_with_path
    >>> tree_flatten_with_path({"b": [1.0]})
    ([((DictKey(key='b'), SequenceKey(idx=0)), 1.0)], PyTreeDef({'b': [*]}))
    """
    return flatten_with_path("tree_flatten_with_path", tree, is_leaf, is_leaf_takes_path)


def tree_leaves_with_path(tree, is_leaf=None, is_leaf_takes_path=False):
    """List the pairs of path and leaf of a pytree.

    Parameters
    ----------
    tree, is_leaf, is_leaf_takes_path
        As for `tree_flatten_with_path`.

    Returns
    -------
    list of (path, leaf)

    Examples
    --------
    >>> from dualdiff.tree_util import keystr, tree_leaves_with_path
    >>> [(keystr(path), x) for path, x in tree_leaves_with_path({"W": [1, 2], "b": 3})]
    [("['W'][0]", 1), ("['W'][1]", 2), ("['b']", 3)]
    """
    return flatten_with_path("tree_leaves_with_path", tree, is_leaf, is_leaf_takes_path)[0]


def tree_map_with_path(f, tree, *rest, is_leaf=None, is_leaf_takes_path=False):
    """Apply a function to the path and value of each leaf, and build the tree of the results.

    Parameters
    ----------
    f : callable
        Called with a path, the leaf of `tree` and what each tree of `rest` holds there.
    tree, *rest
        As for `tree_map`.
    is_leaf, is_leaf_takes_path
        As for `tree_flatten_with_path`.

    Returns
    -------
    pytree
        Of the structure of `tree`.

    Raises
    ------
    ValueError
        If a tree of `rest` has other containers than `tree`.

    Examples
    --------
    >>> from dualdiff.tree_util import keystr, tree_map_with_path
    >>> tree_map_with_path(lambda path, x: keystr(path) if x else x, {"a": [0, 5]})
    {'a': [0, "['a'][1]"]}
    """
    who = "tree_map_with_path"
    leaves, treedef = flatten_with_path(who, tree, is_leaf, is_leaf_takes_path)
    return map_columns(who, f, treedef, pair(*leaves), rest)  # pair transposes
