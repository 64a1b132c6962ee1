"""Pytrees: each container, each function, each message, and jax.tree_util as an oracle."""

import ast
import copy
import doctest
import inspect
import pickle
import sys
from collections import OrderedDict, defaultdict, namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, strategies as st

import dualdiff._tree_def
import dualdiff._tree_keys
import dualdiff._tree_nodes
import dualdiff.tree_util as tu
from dualdiff._tree_keys import path_str
from dualdiff._tree_nodes import name_of
from dualdiff.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

MODULES = [tu, dualdiff._tree_def, dualdiff._tree_nodes, dualdiff._tree_keys]
Point = namedtuple("Point", "x y")


@tu.register_dataclass
@dataclass
class Layer:
    W: object
    b: object
    name: str = field(default="dense", metadata={"static": True})


@tu.register_pytree_node_class
class Pair:
    """Registered without keys; its metadata cannot be hashed."""

    def __init__(self, low, high, tags=("t",)):
        self.low, self.high, self.tags = low, high, list(tags)

    def tree_flatten(self):
        return iter([self.low, self.high]), self.tags

    @classmethod
    def tree_unflatten(cls, tags, children):
        return cls(*children, tags)

    def __repr__(self):
        return f"Pair({self.low}, {self.high}, {self.tags})"

    def __eq__(self, other):
        return (self.low, self.high, self.tags) == (other.low, other.high, other.tags)


# tree, leaves, structure, paths
CONTAINERS = [
    (1.5, [1.5], "*", [""]),
    (None, [], "None", []),
    ((), [], "()", []),
    ([], [], "[]", []),
    ({}, [], "{}", []),
    ((1,), [1], "(*,)", ["[0]"]),
    ([1, (2, None)], [1, 2], "[*, (*, None)]", ["[0]", "[1][0]"]),
    ({"b": 1, "W": [2]}, [2, 1], "{'W': [*], 'b': *}", ["['W'][0]", "['b']"]),
    ({2: 1, 1: 2}, [2, 1], "{1: *, 2: *}", ["[1]", "[2]"]),
    (Point(1, [2]), [1, 2], "CustomNode(namedtuple[Point], [*, [*]])", [".x", ".y[0]"]),
    (
        OrderedDict(b=1, a=2),
        [1, 2],
        "CustomNode(OrderedDict[('b', 'a')], [*, *])",
        ["['b']", "['a']"],
    ),
    (
        defaultdict(int, b=1, a=2),
        [2, 1],
        "CustomNode(defaultdict[(<class 'int'>, ('a', 'b'))], [*, *])",
        ["['a']", "['b']"],
    ),
    (Layer(1, (2,)), [1, 2], "CustomNode(Layer[('dense',)], [*, (*,)])", [".W", ".b[0]"]),
    (
        Pair(1, [2]),
        [1, 2],
        "CustomNode(Pair[['t']], [*, [*]])",
        ["[<flat index 0>]", "[<flat index 1>][0]"],
    ),
]


@pytest.mark.parametrize("tree, leaves, text, paths", CONTAINERS)
def test_containers(tree, leaves, text, paths):
    before = copy.deepcopy(tree)
    got, treedef = tu.tree_flatten(tree)
    assert got == leaves == tu.tree_leaves(tree)
    assert repr(treedef) == f"PyTreeDef({text})"
    assert treedef == tu.tree_structure(tree) and hash(treedef) == hash(tu.tree_structure(tree))
    assert treedef.num_leaves == len(leaves)
    again = tu.tree_unflatten(treedef, iter(leaves))
    assert type(again) is type(tree) and again == tree == before
    with_path, same = tu.tree_flatten_with_path(tree)
    assert same == treedef and with_path == tu.tree_leaves_with_path(tree)
    assert [(tu.keystr(p), x) for p, x in with_path] == list(zip(paths, leaves, strict=True))
    assert tu.tree_map_with_path(lambda p, x: x, tree) == tree


@pytest.mark.parametrize(
    "leaf", [0, 1.0, "ab", {1}, np.ones(3), np.float64(1), range(3), object(), list, lambda: 0]
)
def test_everything_else_is_a_leaf(leaf):
    leaves, treedef = tu.tree_flatten(leaf)
    assert leaves[0] is leaf and treedef == tu.tree_structure(0)
    assert tu.tree_leaves([leaf])[0] is leaf
    assert tu.tree_map(lambda x: x, leaf) is leaf


@pytest.mark.parametrize("base", [list, tuple, dict, OrderedDict, Layer, Pair])
def test_subclasses_are_leaves(base):
    cls = type("Sub", (base,), {})
    leaf = cls(1, 2) if base in (Layer, Pair) else cls()
    assert tu.tree_leaves(leaf) == [leaf]


def test_results_share_no_container():
    tree = [1, [2], {"a": 3}]
    leaves, treedef = tu.tree_flatten(tree)
    copied = tu.tree_map(lambda x: x, tree)
    leaves.clear()
    copied[1].append(0)
    copied[2]["b"] = 0
    tree[2]["c"] = 0
    assert (
        tree == [1, [2], {"a": 3, "c": 0}] and repr(treedef) == "PyTreeDef([*, [*], {'a': *}])"
    )


# --- Structures -------------------------------------------------------------------------------


def test_treedef_equality_is_of_structure():
    trees = [tree for tree, *_ in CONTAINERS] + [
        {"W": 0, "c": [0]},
        OrderedDict(a=1, b=2),
        defaultdict(list, a=1, b=2),
        Layer(1, (2,), "conv"),
        Pair(1, [2], ["u"]),
        namedtuple("Point", "x y")(1, [2]),
    ]
    defs = [tu.tree_structure(t) for t in trees]
    for i, a in enumerate(defs):
        for j, b in enumerate(defs):
            assert (a == b) is (i == j), (a, b)
    assert tu.tree_structure({"a": 1, "b": 2}) == tu.tree_structure({"b": "x", "a": 0.5})
    assert (tu.tree_structure(1) == 1) is False
    assert len(set(defs)) == len(defs)


def test_treedef_counts_and_children():
    treedef = tu.tree_structure([1, (2, None)])
    assert (treedef.num_leaves, treedef.num_nodes) == (2, 5)
    assert treedef.children() == [tu.tree_structure(0), tu.tree_structure((0, None))]
    assert tu.tree_structure(0).children() == []
    with pytest.raises(AttributeError):
        treedef.num_leaves = 3


@pytest.mark.parametrize("tree", [row[0] for row in CONTAINERS])
def test_treedef_pickles_and_copies(tree):
    treedef = tu.tree_structure(tree)
    for again in pickle.loads(pickle.dumps(treedef)), copy.deepcopy(treedef):
        assert again == treedef and again.unflatten(tu.tree_leaves(tree)) == tree


def test_flatten_up_to():
    treedef = tu.tree_structure({"a": 0, "b": (0, None)})
    assert treedef.flatten_up_to({"b": ([1], None), "a": None}) == [None, [1]]
    assert tu.tree_structure(0).flatten_up_to([1]) == [[1]]


# --- Functions --------------------------------------------------------------------------------


def test_tree_map():
    assert tu.tree_map(lambda x, y: (x, y), [1, {"a": 2}], ["b", {"a": [3]}]) == [
        (1, "b"),
        {"a": (2, [3])},
    ]
    assert list(tu.tree_map(lambda x: x, {"b": 1, "a": 2})) == ["a", "b"]
    assert tu.tree_map(lambda x: None, [1, 2]) == [None, None]
    mapped = tu.tree_map(lambda x: x, defaultdict(list, a=1))
    assert mapped["new"] == []


def test_f_may_raise_stop_iteration():
    with pytest.raises(StopIteration):
        tu.tree_map(lambda x: next(iter(())), [1, 2])


def test_is_leaf():
    is_none, pairs = lambda x: x is None, lambda x: type(x) is tuple
    assert tu.tree_leaves([None, 1], is_leaf=is_none) == [None, 1]
    assert tu.tree_leaves(None, is_leaf=is_none) == [None]
    assert tu.tree_structure([None], is_leaf=is_none) == tu.tree_structure([0])
    assert tu.tree_map(lambda x, y: y, [None], [1], is_leaf=is_none) == [1]
    assert tu.tree_flatten([(1, 2)], pairs)[0] == [(1, 2)]
    assert tu.tree_all([0, None], is_leaf=lambda x: type(x) is list) is True
    assert tu.tree_reduce(lambda a, b: a + b, [(1,), (2,)], is_leaf=pairs) == (1, 2)
    seen = []
    tu.tree_leaves([1, (2,)], is_leaf=lambda x: seen.append(x))
    assert seen == [[1, (2,)], 1, (2,), 2]


def test_is_leaf_takes_path():
    top = lambda path, x: len(path) == 1
    tree = {"a": [1], "b": 2}
    pairs = [((DictKey("a"),), [1]), ((DictKey("b"),), 2)]
    assert tu.tree_flatten_with_path(tree, top, is_leaf_takes_path=True)[0] == pairs
    assert tu.tree_leaves_with_path(tree, top, is_leaf_takes_path=True) == pairs
    assert tu.tree_leaves_with_path(tree, lambda x: type(x) is list) == pairs
    mapped = tu.tree_map_with_path(
        lambda p, x, y: (x, y), tree, {"a": 3, "b": 4}, is_leaf=top, is_leaf_takes_path=True
    )
    assert mapped == {"a": ([1], 3), "b": (2, 4)}


def test_tree_map_with_path():
    f = lambda path, x, y: (tu.keystr(path), x, y)
    got = tu.tree_map_with_path(f, [1, {"a": 2}], [3, {"a": 4}])
    assert got == [("[0]", 1, 3), {"a": ("[1]['a']", 2, 4)}]
    assert tu.tree_map_with_path(lambda p, x, y: x, [None], [None]) == [None]


def test_tree_reduce_and_all():
    assert tu.tree_reduce(lambda a, b: a - b, [8, (2, {"a": 1})]) == 5
    assert tu.tree_reduce(lambda a, b: [*a, b], [1, (2,)], []) == [1, 2]
    assert tu.tree_reduce(lambda a, b: b, None, None) is None
    assert tu.tree_all({"a": 1, "b": [True]}) is True
    assert tu.tree_all([1, 0]) is False
    assert tu.tree_all(()) is True


def test_keys():
    path = (SequenceKey(0), DictKey("a"), GetAttrKey("b"), FlattenedIndexKey(3), "raw")
    assert tu.keystr(path) == "[0]['a'].b[<flat index 3>]raw"
    assert tu.keystr(path, simple=True, separator="/") == "0/a/b/3/raw"
    assert tu.keystr(()) == ""
    assert [repr(k) for k in path[:4]] == [
        "SequenceKey(idx=0)", "DictKey(key='a')", "GetAttrKey(name='b')",
        "FlattenedIndexKey(key=3)",
    ]  # fmt: skip
    assert len({SequenceKey(0), SequenceKey(0), FlattenedIndexKey(0), DictKey(0)}) == 3
    assert path_str(path[:2], "args") == "args[0]['a']" and path_str(()) == "tree"


# --- Registration -----------------------------------------------------------------------------


def test_register_pytree_node_keys():
    class Box(list):
        pass

    plain = lambda x: (tuple(x), None)
    keyed = lambda x: ([(f"<{i}>", c) for i, c in enumerate(x)], None)
    tu.register_pytree_node(Box, plain, lambda aux, children: Box(children), keyed)
    assert [tu.keystr(p) for p, _ in tu.tree_leaves_with_path(Box("ab"))] == ["<0>", "<1>"]
    assert type(tu.tree_map(ord, Box("ab"))) is Box


@pytest.mark.parametrize("flatten_func", [None, lambda x: (list(x), None)])
def test_register_pytree_with_keys(flatten_func):
    class Box(list):
        pass

    keyed = lambda x: (((GetAttrKey(f"n{i}"), c) for i, c in enumerate(x)), None)
    tu.register_pytree_with_keys(Box, keyed, lambda aux, c: Box(c), flatten_func=flatten_func)
    assert tu.tree_map(ord, Box("ab")) == [97, 98]
    paths = [tu.keystr(p) for p, _ in tu.tree_leaves_with_path([Box("ab")])]
    assert paths == ["[0].n0", "[0].n1"]


def test_registered_named_tuple():
    Half = namedtuple("Half", "x y")
    tu.register_pytree_node(Half, lambda p: ((p.x,), p.y), lambda y, c: Half(c[0], y))
    assert tu.tree_leaves(Half(1, 2)) == [1]
    assert tu.tree_map(float, Half(1, 2)) == Half(1.0, 2)


def test_unflatten_gets_a_tuple():
    class Spy:
        pass

    got = []
    tu.register_pytree_node(Spy, lambda x: ([1], "aux"), lambda aux, c: got.append((aux, c)))
    tu.tree_map(lambda x: x, Spy())
    assert got == [("aux", (1,))]


def test_register_dataclass_fields():
    @partial(tu.register_dataclass, data_fields=["x"], meta_fields=["n"], drop_fields=["cache"])
    @dataclass(frozen=True, slots=True)
    class Model:
        x: object
        n: int
        cache: object = None
        norm: float = field(init=False, default=0.0)

    leaves, treedef = tu.tree_flatten(Model(1, 2, "forgotten"))
    assert leaves == [1] and treedef.unflatten([3]) == Model(3, 2)
    assert tu.tree_leaves_with_path(Model((1,), 2)) == [((GetAttrKey("x"), SequenceKey(0)), 1)]
    assert treedef != tu.tree_structure(Model(1, 3))


def test_register_dataclass_defaults_and_drops():
    @partial(tu.register_dataclass, drop_fields=["b"])
    @dataclass
    class Part:
        a: int
        b: int = 5

    assert tu.tree_leaves(Part(1, 2)) == [1] and tu.tree_map(float, Part(1, 2)) == Part(1.0, 5)


def test_register_dataclass_of_a_plain_class():
    class Plain:
        def __init__(self, x, mode):
            self.x, self.mode = x, mode

    assert tu.register_dataclass(Plain, ["x"], ["mode"]) is Plain
    got = tu.tree_map(float, Plain(1, "fast"))
    assert (got.x, got.mode) == (1.0, "fast")


def test_registration_is_safe_with_threads():
    n, classes = 8, [type(f"T{i}", (), {}) for i in range(50)]
    barrier = Barrier(n)

    def work(_):
        barrier.wait()
        won = 0
        for cls in classes:
            try:
                tu.register_pytree_node(cls, lambda x: ((1, 2), None), lambda aux, c: c)
                won += 1
            except ValueError:
                pass
            assert tu.tree_leaves([cls()]) == [1, 2]
        return won

    with ThreadPoolExecutor(n) as pool:
        assert sum(pool.map(work, range(n))) == len(classes)


# --- Messages: who, where, expected, got, way out ---------------------------------------------


class Unregistered:
    pass


@dataclass
class Fields:
    x: int
    y: int = 0


class Bad:
    def __init__(self, out):
        self.out = out


class BadKeys(Bad):
    pass


class Meta:
    def __init__(self, aux):
        self.aux = aux


tu.register_pytree_node(Bad, lambda x: x.out, lambda aux, c: None)
tu.register_pytree_with_keys(BadKeys, lambda x: x.out, lambda aux, c: None, lambda x: ((1,), 0))
tu.register_pytree_node(Meta, lambda x: ((1,), x.aux), lambda aux, c: Meta(aux))
DEF = tu.tree_structure([0, 0])
MIXED = {"q": [0, {1: 0, "a": 0}]}
first = lambda *xs: xs[0]
nothing = lambda *xs: None

MESSAGES = [
    # call, error,
    #     words in this order
    (lambda: tu.tree_flatten(MIXED), ValueError,
     "tree_flatten: at tree['q'][1], | dict keys that can be sorted, got [1, 'a'] | "
     "OrderedDict"),
    (lambda: tu.tree_leaves(MIXED), ValueError,
     "tree_leaves: at tree['q'][1]"),
    (lambda: tu.tree_structure(MIXED), ValueError,
     "tree_structure: at tree['q'][1]"),
    (lambda: tu.tree_all(MIXED), ValueError,
     "tree_all: at tree['q'][1]"),
    (lambda: tu.tree_reduce(first, MIXED), ValueError,
     "tree_reduce: at tree['q'][1]"),
    (lambda: tu.tree_map(first, MIXED), ValueError,
     "tree_map: at tree['q'][1]"),
    (lambda: tu.tree_flatten_with_path(MIXED), ValueError,
     "tree_flatten_with_path: at tree['q'][1]"),
    (lambda: tu.tree_leaves_with_path(MIXED), ValueError,
     "tree_leaves_with_path: at tree['q'][1]"),
    (lambda: tu.tree_map_with_path(first, MIXED), ValueError,
     "tree_map_with_path: at tree['q'][1]"),
    (lambda: tu.tree_leaves(Point(0, defaultdict(int, MIXED["q"][1]))), ValueError,
     "at tree.y, | sorted"),
    (lambda: tu.tree_map(first, [0, 0], [0]), ValueError,
     "tree_map: at rest[0], | list of length 2, got list of length 1. | "
     "Repeat the first tree's containers | is_leaf"),
    (lambda: tu.tree_map(first, [0], [0], (0,)), ValueError,
     "tree_map: at rest[1], | list of length 1, got tuple of length 1"),
    (lambda: tu.tree_map(first, {"a": [0, 0]}, {"a": 1.0}), ValueError,
     "at rest[0]['a'], | list of length 2, got a leaf of type float"),
    (lambda: tu.tree_map(first, {"a": 0}, {"b": 0}), ValueError,
     "dict of length 1 with keys ('a',), got dict of length 1 with keys ('b',)"),
    (lambda: tu.tree_map(first, {"a": 0}, OrderedDict(a=0)), ValueError,
     "dict of | got OrderedDict of"),
    (lambda: tu.tree_map(first, Point(0, ()), Point(0, 1)), ValueError,
     "at rest[0].y, | tuple of length 0, got a leaf of type int"),
    (lambda: tu.tree_map(first, Pair(0, []), Pair(0, 1)), ValueError,
     "at rest[0][<flat index 1>], | list"),
    (lambda: tu.tree_map(first, Layer(0, 0), Layer(0, 0, "conv")), ValueError,
     "Layer of length 2 with meta_fields ('dense',), got | ('conv',)"),
    (lambda: tu.tree_map(first, Pair(0, 0), Pair(0, 0, "u")), ValueError,
     "with aux_data ['t'], got | ['u']"),
    (lambda: tu.tree_map(first, [None], [0]), ValueError,
     "at rest[0][0], expected None, got a leaf of type int. | is_leaf=lambda x: x is None"),
    (lambda: tu.tree_map(first, [[]], [None]), ValueError,
     "list of length 0, got None"),
    (lambda: tu.tree_map_with_path(first, [0], [0, 0]), ValueError,
     "tree_map_with_path: at rest[0], | list of length 1"),
    (lambda: tu.tree_map([0], abs), TypeError,
     "tree_map: expected a function as first argument, got list. | tree_map(f, tree)"),
    (lambda: tu.tree_map_with_path([0], abs), TypeError,
     "tree_map_with_path(f, tree)"),
    (lambda: DEF.flatten_up_to([0, 0, 0]), ValueError,
     "PyTreeDef.flatten_up_to: at tree, | length 2, got list of length 3"),
    (lambda: tu.tree_map(first, Meta(np.ones(2)), Meta(np.ones(2))), ValueError,
     "at rest[0], expected aux_data of | Meta | == gives one bool | Pass arrays as children"),
    (lambda: len({tu.tree_structure(Meta(np.ones(2))) for _ in range(2)}), ValueError,
     "aux_data of | Pass arrays as children"),
    (lambda: tu.tree_unflatten(DEF, [0]), ValueError,
     "tree_unflatten: expected 2 leaves for PyTreeDef([*, *]), got 1. | one for each *"),
    (lambda: DEF.unflatten([0, 0, 0]), ValueError,
     "PyTreeDef.unflatten: expected 2 leaves | got 3"),
    (lambda: tu.tree_unflatten(DEF, 5), TypeError,
     "expected a PyTreeDef and then an iterable of leaves, got | PyTreeDef and int."),
    (lambda: tu.tree_unflatten([0, 0], DEF), TypeError,
     "got list and | swap them"),
    (lambda: tu.tree_reduce(first, [None]), TypeError,
     "tree_reduce: expected at least one leaf | Pass initializer"),
    (lambda: tu.tree_leaves([Bad(3)]), ValueError,
     "at tree[0], expected (children, aux_data) | Bad, got 3. Return a tuple of two"),
    (lambda: tu.tree_leaves_with_path([Bad((1, 2))]), ValueError,
     "at tree[0], expected (children, aux_data) | got (1, 2)"),
    (lambda: tu.tree_leaves_with_path([BadKeys(([1], 0))]), ValueError,
     "at tree[0], expected (key, child) for each child | BadKeys, got (1,)"),
    (lambda: tu.tree_leaves_with_path(BadKeys(([("a", 1), ("b", 2)], 0))), ValueError,
     "(key, child) for each child"),
    (lambda: tu.register_pytree_node(list, nothing, nothing), ValueError,
     "register_pytree_node: expected a new type, got list, | once"),
    (lambda: tu.register_pytree_with_keys(Pair, nothing, nothing), ValueError,
     "register_pytree_with_keys: expected a new type, got | Pair"),
    (lambda: tu.register_pytree_node_class(Pair), ValueError,
     "register_pytree_node_class: expected a new type"),
    (lambda: tu.register_dataclass(Layer), ValueError,
     "register_dataclass: expected a new type"),
    (lambda: tu.register_pytree_node(3, nothing, nothing), TypeError,
     "register_pytree_node: expected a class, got 3"),
    (lambda: tu.register_dataclass(Fields(1)), TypeError,
     "register_dataclass: expected a class"),
    (lambda: tu.register_pytree_node_class(Unregistered), TypeError,
     "with a method tree_flatten, got | Define it, or call register_pytree_node"),
    (lambda: tu.register_dataclass(Unregistered), TypeError,
     "expected a dataclass | above @dataclass"),
    (lambda: tu.register_dataclass(Fields, ["x", "y"]), TypeError,
     "both data_fields and meta_fields or neither | Pass [] for none"),
    (lambda: tu.register_dataclass(Fields, ["x"], []), ValueError,
     "each init field of | Fields | missing ['y'] | drop_fields"),
    (lambda: tu.register_dataclass(Fields, ["x", "z"], ["y"]), ValueError,
     "unknown ['z']"),
    (lambda: tu.register_dataclass(Fields, ["x", "y"], ["y"]), ValueError,
     "repeated ['y']"),
    (lambda: tu.register_dataclass(Unregistered, ["x"], ["x"]), ValueError,
     "repeated ['x']"),
    (lambda: dualdiff._tree_def._restore(Unregistered, None, ()), ValueError,
     "Unregistered to be registered | top level"),
]  # fmt: skip


@pytest.mark.parametrize("call, error, words", MESSAGES)
def test_messages(call, error, words):
    with pytest.raises(error) as info:
        call()
    text, at = str(info.value), 0
    for word in words.split(" | "):
        assert word in text[at:], text
        at = text.index(word, at) + len(word)


def test_name_of():
    assert [name_of(t) for t in (list, OrderedDict, np.ndarray)] == [
        "list", "OrderedDict", "numpy.ndarray",
    ]  # fmt: skip


# --- Properties and oracles -------------------------------------------------------------------


def dicts(children):
    return st.dictionaries(st.text("abc", max_size=2), children, max_size=3)


TREES = st.recursive(
    st.integers() | st.none() | st.text(max_size=2),
    lambda c: st.one_of(
        st.lists(c, max_size=3),
        st.lists(c, max_size=3).map(tuple),
        st.builds(Point, c, c),
        dicts(c),
        dicts(c).map(OrderedDict),
        dicts(c).map(lambda d: defaultdict(list, d)),
        st.builds(Layer, c, c, st.sampled_from(["dense", "conv"])),
        st.builds(Pair, c, c),
    ),
    max_leaves=12,
)


def follow(tree, path):
    """The slow twin: what a path leads to."""
    for key in path:
        match key:
            case SequenceKey(k) | DictKey(k):
                tree = tree[k]
            case GetAttrKey(k):
                tree = getattr(tree, k)
            case FlattenedIndexKey(k):
                tree = (tree.low, tree.high)[k]
    return tree


@given(TREES)
def test_round_trip(tree):
    leaves, treedef = tu.tree_flatten(tree)
    again = tu.tree_unflatten(treedef, leaves)
    assert again == tree and tu.tree_structure(again) == treedef
    assert treedef.num_leaves == len(leaves) == len(treedef.flatten_up_to(tree))
    assert all(a is b for a, b in zip(leaves, treedef.flatten_up_to(tree), strict=True))
    with_path, same = tu.tree_flatten_with_path(tree)
    assert same == treedef and hash(same) == hash(treedef)
    assert [x for _, x in with_path] == leaves
    assert all(follow(tree, path) is x for path, x in with_path)
    assert tu.tree_map(first, tree, tree) == tree
    assert pickle.loads(pickle.dumps(treedef)) == treedef


@given(dicts(st.integers()), st.randoms())
def test_order_of_insertion_does_not_matter(tree, random):
    items = list(tree.items())
    random.shuffle(items)
    assert tu.tree_flatten(dict(items)) == tu.tree_flatten(tree)


def outcome(f, *args, **kwargs):
    """What both libraries must agree on: the result as text, or the type of the error."""
    try:
        return str(f(*args, **kwargs))
    except Exception as e:
        return type(e)


@pytest.fixture(scope="module")
def ju():
    ju = pytest.importorskip("jax.tree_util")
    ju.register_dataclass(Layer)
    ju.register_pytree_node_class(Pair)
    return ju


LIKE_JAX = [row[0] for row in CONTAINERS] + [MIXED, [None, (1, 2)], {1j: 0, 2j: 0}]
IS_LEAF = [None, lambda x: x is None, lambda x: isinstance(x, tuple)]


def test_signatures_like_jax(ju):
    for f in filter(inspect.isfunction, map(partial(getattr, tu), tu.__all__)):
        ours, theirs = inspect.signature(f), inspect.signature(getattr(ju, f.__name__))
        shape = lambda s: [(p.name, p.kind) for p in s.parameters.values()]
        assert shape(ours) == shape(theirs), f


@pytest.mark.parametrize("is_leaf", IS_LEAF)
def test_like_jax(ju, is_leaf):
    for tree in LIKE_JAX:
        for f in "tree_flatten", "tree_structure", "tree_flatten_with_path", "tree_all":
            ours, theirs = (outcome(getattr(m, f), tree, is_leaf=is_leaf) for m in (tu, ju))
            assert ours == theirs, (f, tree)
        for f in (
            lambda m, t=tree: m.tree_structure(t, is_leaf).num_nodes,
            lambda m, t=tree: m.tree_structure(t, is_leaf).num_leaves,
            lambda m, t=tree: m.tree_structure(t, is_leaf).children(),
            lambda m, t=tree: m.tree_structure(t, is_leaf).unflatten([0]),
            lambda m, t=tree: m.tree_reduce(lambda a, b: (a, b), t, is_leaf=is_leaf),
        ):
            assert outcome(f, tu) == outcome(f, ju), tree
        for other in LIKE_JAX:
            f = lambda m, a=tree, b=other: m.tree_map(lambda *xs: xs, a, b, is_leaf=is_leaf)
            assert outcome(f, tu) == outcome(f, ju), (tree, other)
            f = lambda m, a=tree, b=other: m.tree_structure(a) == m.tree_structure(b)
            assert outcome(f, tu) == outcome(f, ju), (tree, other)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_doctests(module):
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_imports_the_standard_library_only(module):
    """And of this package, only what stands before it."""
    earlier = {
        "dualdiff.tree_util": {"_tree_keys", "_tree_nodes", "_tree_def"},
        "dualdiff._tree_def": {"_tree_nodes"},
        "dualdiff._tree_nodes": {"_tree_keys"},
        "dualdiff._tree_keys": set(),
    }[module.__name__]
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Import):
            assert {a.name.split(".")[0] for a in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom):
            known = earlier if node.level else sys.stdlib_module_names
            assert node.module.split(".")[0] in known
