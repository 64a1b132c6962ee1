"""What a transform hands out: a callable with the name of the user's function.

May import: argument checks.  Invariant: it can be pickled if the function and the
settings can, which is what process pools need.
"""

from types import MethodType

from dualdiff._arguments import check_function


class Transformed:
    """Base of the callables that transforms hand out; subclasses define __call__."""

    def __init__(self, who, fun):
        self.who, self.fun = who, check_function(who, fun)
        name = getattr(fun, "__name__", type(fun).__name__)
        self.__name__ = self.__qualname__ = f"{who}({name})"
        self.__doc__ = getattr(fun, "__doc__", None)

    @property
    def __wrapped__(self):
        return self.fun

    def __get__(self, instance, owner):
        return self if instance is None else MethodType(self, instance)

    def __repr__(self):
        return f"<dualdiff {self.who} of {self.fun!r}>"
