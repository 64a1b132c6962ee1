"""Steps of a path into a pytree, and paths as text.

Imports nothing.  Invariant: a key never changes.  (Plain classes: making dataclasses would
take longer than the rest of the import of the trees.)
"""


class _Key:
    """A step from a node to a child, which never changes: one attribute, named by the class."""

    __slots__ = ()

    def _content(self):
        return getattr(self, self.__slots__[0])

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}")

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self):
        return hash((type(self), self._content()))

    def __repr__(self):
        return f"{type(self).__qualname__}({self.__slots__[0]}={self._content()!r})"

    def __reduce__(self):
        return type(self), (self._content(),)


class SequenceKey(_Key):
    """A step into a list or tuple: ``[idx]``.

    Parameters
    ----------
    idx : int
        Position in the list or tuple.
    """

    __slots__ = __match_args__ = ("idx",)

    def __init__(self, idx):
        object.__setattr__(self, "idx", idx)

    def __str__(self):
        return f"[{self.idx!r}]"


class DictKey(_Key):
    """A step into a dict: ``[key]``.

    Parameters
    ----------
    key : hashable
        Key of the dict.
    """

    __slots__ = __match_args__ = ("key",)

    def __init__(self, key):
        object.__setattr__(self, "key", key)

    def __str__(self):
        return f"[{self.key!r}]"


class GetAttrKey(_Key):
    """A step to a field of a named tuple or dataclass: ``.name``.

    Parameters
    ----------
    name : str
        Name of the attribute.
    """

    __slots__ = __match_args__ = ("name",)

    def __init__(self, name):
        object.__setattr__(self, "name", name)

    def __str__(self):
        return f".{self.name}"


class FlattenedIndexKey(_Key):
    """A step into a type registered without keys: ``[<flat index key>]``.

    Parameters
    ----------
    key : int
        Position among the children.
    """

    __slots__ = __match_args__ = ("key",)

    def __init__(self, key):
        object.__setattr__(self, "key", key)

    def __str__(self):
        return f"[<flat index {self.key}>]"


def _bare(key):
    match key:
        case SequenceKey(k) | DictKey(k) | GetAttrKey(k) | FlattenedIndexKey(k):
            return str(k)
    return str(key)


def bare_path(keys):
    """The keys themselves, as a tuple of what stands in the brackets."""
    return tuple(key._content() if isinstance(key, _Key) else key for key in keys)


def keystr(keys, *, simple=False, separator=""):
    """Write a path as text.

    Parameters
    ----------
    keys : tuple of keys
        A path, as ``tree_flatten_with_path`` gives it.
    simple : bool, optional
        Write the bare index or name of each key.
    separator : str, optional
        Put between the keys.

    Returns
    -------
    str

    Examples
    --------
    >>> from dualdiff.tree_util import DictKey, SequenceKey, keystr
    >>> path = (DictKey("layers"), SequenceKey(0))
    >>> keystr(path)
    "['layers'][0]"
    >>> keystr(path, simple=True, separator="/")
    'layers/0'
    """
    return separator.join(map(_bare if simple else str, keys))


def path_str(path, name="tree"):
    """The place `path` of the argument `name`, for messages: ``tree['W'][0]``."""
    return name + "".join(map(str, path))
