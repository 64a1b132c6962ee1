"""The structures of pytrees, and the traversals that make and follow them.

Imports the standard library and `_tree_nodes` only.  Invariants: ``unflatten`` undoes
``flatten``, no container of the caller is changed, and a fault inside a tree reaches the user
with the name of the public function and the path.
"""

from collections.abc import Iterable
from types import NoneType

from ._tree_nodes import BUILTIN, NAMEDTUPLE, TreeError, kind_of, name_of, pair, registry

# --- Structures -------------------------------------------------------------------------------


class PyTreeDef:
    """The structure of a pytree: its containers, with ``*`` for each leaf.

    Made by `tree_flatten` and `tree_structure`, never directly.  Immutable, hashable, and equal
    to the structure of every tree of the same containers; for registered types that includes
    equal metadata.  It can be pickled if its types and metadata can.

    Attributes
    ----------
    num_leaves : int
        How many leaves it has.
    num_nodes : int
        How many containers and leaves it has; None counts as a container.

    Examples
    --------
    >>> from dualdiff.tree_util import tree_structure
    >>> treedef = tree_structure({"W": 1.0, "b": (2.0, None)})
    >>> treedef
    PyTreeDef({'W': *, 'b': (*, None)})
    >>> treedef.num_leaves, treedef.num_nodes
    (2, 5)
    """

    __slots__ = ("_kind", "_meta", "_children", "_num_leaves")

    def __init__(self, kind, meta, children):
        self._kind = kind  # None for a leaf
        self._meta = meta
        self._children = children
        self._num_leaves = sum([c._num_leaves for c in children]) if kind is not None else 1

    @property
    def num_leaves(self):
        return self._num_leaves

    @property
    def num_nodes(self):
        return 1 + sum(c.num_nodes for c in self._children)

    @property
    def _type(self):
        return self._meta if self._kind is NAMEDTUPLE else self._kind and self._kind.type

    def children(self):
        """List the structures of the children; empty for a leaf.

        Returns
        -------
        list of PyTreeDef
        """
        return list(self._children)

    def unflatten(self, leaves):
        """Build the tree of this structure from its leaves: see `tree_unflatten`.

        Parameters
        ----------
        leaves : iterable

        Returns
        -------
        pytree
        """
        return unflatten("PyTreeDef.unflatten", self, leaves)

    def flatten_up_to(self, tree):
        """List what `tree` holds at each leaf of this structure.

        Parameters
        ----------
        tree : pytree
            Has this structure, or goes deeper at its leaves.

        Returns
        -------
        list
            `num_leaves` subtrees of `tree`.

        Raises
        ------
        ValueError
            If the containers differ.

        Examples
        --------
        >>> from dualdiff.tree_util import tree_structure
        >>> tree_structure([0, 0]).flatten_up_to([1, {"a": 2}])
        [1, {'a': 2}]
        """
        return flatten_up_to("PyTreeDef.flatten_up_to", self, tree)

    def _same_node(self, kind, meta, n):
        if kind is not self._kind or n != len(self._children):
            return False
        try:
            return meta is self._meta or bool(meta == self._meta)
        except Exception as e:
            raise TreeError(
                f"expected {kind.word} of {name_of(self._type)} for which == gives one bool, "
                f"got {e!r}. Pass arrays as children (data_fields), not as metadata."
            ) from e

    def __eq__(self, other):
        if not isinstance(other, PyTreeDef):
            return NotImplemented
        same = self._same_node(other._kind, other._meta, len(other._children))
        return same and self._children == other._children

    def __hash__(self):
        # The metadata of a registered type need not be hashable, as in JAX.
        meta = self._meta if self._kind in BUILTIN else None
        return hash((self._type, meta, self._children))

    def __reduce__(self):
        # A kind holds lambdas: it is found again by its type, and the leaf by its name.
        if self._kind is None:
            return "LEAF"
        return _restore, (self._type, self._meta, self._children)

    def __repr__(self):
        return f"PyTreeDef({self._text()})"

    def _text(self):
        t, meta, parts = self._type, self._meta, [c._text() for c in self._children]
        commas = ", ".join(parts)
        if t is None:
            return "*"
        if t is NoneType:
            return "None"
        if t is list:
            return f"[{commas}]"
        if t is tuple:
            return f"({commas},)" if len(parts) == 1 else f"({commas})"
        if t is dict:
            return "{" + ", ".join(f"{k!r}: {p}" for k, p in pair(meta, parts)) + "}"
        named = self._kind is NAMEDTUPLE
        name, meta = ("namedtuple", t.__name__) if named else (t.__name__, meta)
        return f"CustomNode({name}[{meta}], [{commas}])"

    def _words(self):
        """The topmost container in words, for messages."""
        if self._type is NoneType:
            return "None"
        text = f"{name_of(self._type)} of length {len(self._children)}"
        return f"{text} with {self._kind.word} {self._meta}" if self._kind.word else text


LEAF = PyTreeDef(None, None, ())


def _restore(nodetype, meta, children):
    if (kind := kind_of(nodetype)) is None:
        raise ValueError(
            f"PyTreeDef: expected {name_of(nodetype)} to be registered where its pickle is "
            "loaded. Register it at the top level of the module that defines it."
        )
    return PyTreeDef(kind, meta, children)


# --- Traversals -------------------------------------------------------------------------------


def _walk(x, leaves, is_leaf):
    """Append the leaves of x to `leaves`; return its structure."""
    if (is_leaf is not None and is_leaf(x)) or (kind := kind_of(type(x))) is None:
        leaves.append(x)
        return LEAF
    children, meta = kind.split(x)
    nodes = []
    try:
        for c in children:
            nodes.append(_walk(c, leaves, is_leaf))
    except TreeError as e:  # costs nothing until it happens, unlike carrying the path along
        e.path = (kind.keys(x, meta, len(children))[len(nodes)], *e.path)
        raise
    return PyTreeDef(kind, meta, tuple(nodes))


def _walk_with_path(x, path, leaves, is_leaf):
    """The same with ``(path, leaf)`` for leaf, and `is_leaf` of path and value."""
    if (is_leaf is not None and is_leaf(path, x)) or (kind := kind_of(type(x))) is None:
        leaves.append((path, x))
        return LEAF
    try:
        children, meta = kind.split(x)
        keys = kind.keys(x, meta, len(children))
    except TreeError as e:
        e.path = path
        raise
    nodes = [_walk_with_path(c, (*path, k), leaves, is_leaf) for k, c in pair(keys, children)]
    return PyTreeDef(kind, meta, tuple(nodes))


def _walk_up_to(node, x, subtrees):
    """Append to `subtrees` what x holds at each leaf of node."""
    if node is LEAF:
        subtrees.append(x)
        return
    kind = kind_of(type(x))
    children, meta = kind.split(x) if kind is not None else ((), None)
    if not node._same_node(kind, meta, len(children)):
        got = f"a leaf of type {name_of(type(x))}"
        if kind is not None:
            got = PyTreeDef(kind, meta, (LEAF,) * len(children))._words()
        hint = (
            "None is an empty container; make it a leaf by is_leaf=lambda x: x is None."
            if node._type is NoneType
            else "Repeat the first tree's containers, or make that one a leaf by is_leaf."
        )
        raise TreeError(f"expected {node._words()}, got {got}. {hint}")
    try:
        for i in range(len(children)):
            _walk_up_to(node._children[i], children[i], subtrees)
    except TreeError as e:
        e.path = (kind.keys(x, meta, len(children))[i], *e.path)
        raise


def build(node, leaves):
    """The tree of structure node from the iterator `leaves`."""
    if node is LEAF:
        return next(leaves)
    return node._kind.join(node._meta, tuple([build(c, leaves) for c in node._children]))


def flatten(who, tree, is_leaf=None, name="tree"):
    """tree_flatten for the public function `who`, whose argument `name` it is."""
    t = type(tree)
    if is_leaf is None and t not in registry and not issubclass(t, tuple):
        return [tree], LEAF  # the commonest tree, at the cost of a lookup
    leaves = []
    try:
        return leaves, _walk(tree, leaves, is_leaf)
    except TreeError as e:
        raise e.named(who, name) from e.__cause__


def flatten_with_path(who, tree, is_leaf, takes_path):
    """tree_flatten_with_path for the public function `who`."""
    if is_leaf is not None and not takes_path:
        is_leaf = lambda path, x, f=is_leaf: f(x)
    leaves = []
    try:
        return leaves, _walk_with_path(tree, (), leaves, is_leaf)
    except TreeError as e:
        raise e.named(who, "tree") from e.__cause__


def flatten_up_to(who, treedef, tree, name="tree"):
    """PyTreeDef.flatten_up_to for the public function `who`, whose argument `name` it is."""
    subtrees = []
    try:
        _walk_up_to(treedef, tree, subtrees)
    except TreeError as e:
        raise e.named(who, name) from e.__cause__
    return subtrees


def unflatten(who, treedef, leaves):
    """tree_unflatten for the public function `who`."""
    if not isinstance(treedef, PyTreeDef) or not isinstance(leaves, Iterable):
        swap = "; swap them" if isinstance(leaves, PyTreeDef) else ""
        raise TypeError(
            f"{who}: expected a PyTreeDef and then an iterable of leaves, got "
            f"{name_of(type(treedef))} and {name_of(type(leaves))}{swap}."
        )
    leaves = list(leaves)
    if len(leaves) != treedef.num_leaves:
        raise ValueError(
            f"{who}: expected {treedef.num_leaves} leaves for {treedef}, got {len(leaves)}. "
            "Pass one for each *, in the order of tree_flatten."
        )
    return build(treedef, iter(leaves))


def map_columns(who, f, treedef, columns, rest):
    """The tree of f over the rows of `columns` and of what the trees in `rest` hold."""
    if not callable(f):
        raise TypeError(
            f"{who}: expected a function as first argument, got {name_of(type(f))}. "
            f"Call {who}(f, tree)."
        )
    more = [flatten_up_to(who, treedef, r, f"rest[{i}]") for i, r in enumerate(rest)]
    return build(treedef, iter([f(*row) for row in pair(*columns, *more)]))
