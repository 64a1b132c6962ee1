# cython: language_level=3
"""Algebras: products of factors of seeds, interned, and their index maps.

A factor is one set of seeds, made by one derivative call: n seeds kept to a
total order.  An algebra is a set of factors, sorted by tag.  Equal algebras are
one object for as long as any of them lives; their product tables, which do not
depend on tags, are shared by all algebras of the same shape.

May import: the C library.  Invariant: an Algebra never changes after it is made.
"""

import itertools
import weakref

import numpy as np

from cpython.ref cimport Py_REFCNT
from libc.stdint cimport int32_t, int64_t

from dualdiff._csrc cimport (
    DD_NOMEM, DD_OK, dd_count, dd_rank, dd_table_free, dd_table_new,
)

_tags = itertools.count(1)
_arange = np.arange(0)


cdef long _clock = 0


cdef long born() noexcept:
    """The time, counted in derivative calls."""
    global _clock
    _clock += 1
    return _clock


cdef class Factor:
    """One set of seeds: n of them, kept to a total order; the tag tells it from others.

    born: when the call that uses it began; of two calls the inner one began later.
    A local factor has a parent: its few seeds stand, element by element, for seeds of the
    parent (see _lanes.pxi).  It takes the parent's place in an algebra, and its tag.
    whole: where seeds are taken in chunks, the factor of all of them, which no number has:
    what depends on the number of seeds looks at that one, so that chunks decide alike.
    room: bytes beyond which a number with lanes over it must not become dense; where it is
    not 0, none becomes dense only because that would be faster.
    """

    def __init__(self, int n, int order, Factor parent=None):
        self.tag = next(_tags) if parent is None else parent.tag
        self.born = born() if parent is None else parent.born
        self.n = n
        self.order = order
        self.parent = parent
        self.locals = {}
        self.algebras = {}

    cdef Factor local(self, int n):
        """The factor of n local seeds of this one."""
        found = self.locals.get(n)
        if found is None:
            found = self.locals.setdefault(n, Factor(n, self.order, self))
        return <Factor>found

    cdef Algebra lanes(self, int n):
        """The algebra of n local seeds of this factor and nothing else."""
        found = self.algebras.get(n)
        if found is None:
            found = self.algebras.setdefault(n, algebra_of((self.local(n),), ()))
        return <Algebra>found

    cdef seeds(self):
        """0 .. n - 1, read-only, one array for as long as the factor lives."""
        if self.arange is None:
            self.arange = first_seeds(self.n)[: self.n]
        return self.arange

    def __repr__(self):
        return f"Factor(tag={self.tag}, n={self.n}, order={self.order})"


cdef object first_seeds(Py_ssize_t n):
    """0, 1, ..., at least n of them, read-only."""
    global _arange
    if len(_arange) < n:
        wider = np.arange(max(n + n // 2, min(2 * n, 4096)))  # who asks again finds it long enough
        wider.flags.writeable = False
        _arange = wider
    return _arange


# ---- tables ------------------------------------------------------------------

cdef dict _tables = {}
cdef Py_ssize_t KEEP = 4_000_000  # pairs that interned tables may hold before old ones go
cdef Py_ssize_t _kept = 0


cdef class Table:
    """A product table; key = ((n, ...), (order, ...), ((mask, bound), ...))."""

    def __dealloc__(self):
        dd_table_free(self.t)

    cdef array(self, name):
        """A read-only NumPy copy of one array of the table, made once."""
        if name in self.cache:
            return self.cache[name]
        cdef Py_ssize_t i, total = 0 if self.t.start == NULL else self.t.start[self.M]
        if self.t.deg == NULL and name != "head":  # one factor of order 1
            if name == "deg":
                out = np.ones(self.M, np.intp)
                out[0] = 0
            elif name == "start":
                out = np.zeros(self.M + 1, np.intp)
            elif name in ("pi", "pj"):
                out = np.zeros(0, np.intp)
            else:
                out = np.arange(self.M)[:, None]
        elif name == "deg":
            out = np.array([self.t.deg[i] for i in range(self.M)], np.intp)
        elif name == "head":
            out = np.array([self.t.head[i] for i in range(self.D + 2)], np.intp)
        elif name == "start":
            out = np.array([self.t.start[i] for i in range(self.M + 1)], np.intp)
        elif name == "pi":
            out = np.array([self.t.pi[i] for i in range(total)], np.intp)
        elif name == "pj":
            out = np.array([self.t.pj[i] for i in range(total)], np.intp)
        else:
            out = np.array([self.t.part[i] for i in range(self.M * self.t.nf)], np.intp)
            out = out.reshape(self.M, self.t.nf)
        out.flags.writeable = False
        self.cache[name] = out
        return out

    cdef codes(self):
        """Mixed-radix number of each monomial, and the order that sorts them."""
        if "codes" not in self.cache:
            code = np.zeros(self.M, np.int64)
            part = self.array("part")
            for q in range(self.t.nf):
                code = code * dd_count(self.t.n[q], self.t.order[q]) + part[:, q]
            order = np.argsort(code, kind="stable")
            self.cache["codes"] = code[order], order
        return self.cache["codes"]

    cdef find(self, part):
        """Positions of the monomials with these parts, -1 where there is none."""
        code = np.zeros(part.shape[:-1], np.int64)
        for q in range(self.t.nf):
            code = code * dd_count(self.t.n[q], self.t.order[q]) + part[..., q]
        codes, order = self.codes()
        at = np.minimum(np.searchsorted(codes, code), self.M - 1)
        return np.where(codes[at] == code, order[at], -1)

    cdef embed(self, Table small, tuple places):
        """Position here of each monomial of `small`, whose factor q is factor places[q] here."""
        key = ("embed", small.key, places)
        if key not in self.cache:
            part = np.zeros((small.M, self.t.nf), np.intp)
            if places:
                part[:, list(places)] = small.array("part")
            self.cache[key] = self.find(part)
        return self.cache[key]

    cdef split(self, Table outer, Py_ssize_t place):
        """[inner monomial, outer monomial] -> position; factor `place` is the inner one."""
        key = ("split", outer.key, place)
        if key not in self.cache:
            inner = dd_count(self.t.n[place], self.t.order[place])
            part = np.zeros((inner, outer.M, self.t.nf), np.intp)
            part[:, :, place] = np.arange(inner)[:, None]
            rest = [q for q in range(self.t.nf) if q != place]
            if rest:
                part[:, :, rest] = outer.array("part")
            self.cache[key] = self.find(part)
        return self.cache[key]


cdef Table table_of(tuple key):
    global _kept
    found = _tables.get(key)
    if found is not None:
        return <Table>found
    ns, orders, bounds = key
    cdef int32_t nf = len(ns), nb = len(bounds)
    if nf > 62:
        raise MemoryError("dualdiff: more than 62 derivative calls nested in one number")
    cdef int32_t[62] n
    cdef int32_t[62] order
    cdef int32_t[64] bound
    cdef int64_t[64] mask
    if nb > 64:
        raise MemoryError("dualdiff: more than 64 degree bounds on one number")
    cdef Py_ssize_t q
    for q in range(nf):
        n[q] = ns[q]
        order[q] = orders[q]
    for q in range(nb):
        mask[q] = bounds[q][0]
        bound[q] = bounds[q][1]
    cdef Table table = Table()
    cdef int status
    with nogil:
        status = dd_table_new(&table.t, nf, n, order, nb, mask, bound)
    if status != DD_OK:
        shape = " x ".join(f"{a} seeds to order {b}" for a, b in zip(ns, orders))
        why = "out of memory" if status == DD_NOMEM else "more monomials than can be numbered"
        raise MemoryError(
            f"dualdiff: the algebra of {shape} is too large ({why}); take fewer seeds at a "
            "time, a lower order, or fewer nested derivative calls"
        )
    table.key = key
    table.cache = {}
    table.M = table.t.M
    table.D = table.t.D
    cdef Py_ssize_t size = 0 if table.t.start == NULL else table.t.start[table.M] + table.M
    _kept += size
    if _kept > KEEP:
        _tables.clear()
        _kept = size
    return <Table>_tables.setdefault(key, table)


# ---- algebras ----------------------------------------------------------------

_interned = weakref.WeakValueDictionary()


cdef class Algebra:
    """The product of some factors, within bounds on the degree over sets of them."""

    def __repr__(self):
        inside = ", ".join(f"{f.n} seeds to order {f.order}" for f in self.factors)
        return f"<Algebra: {inside}; {self.M} monomials>"

    @property
    def degrees(self):
        """Total degree of each monomial."""
        return self.table.array("deg")

    @property
    def heads(self):
        """First monomial of each degree, and M."""
        return self.table.array("head")

    @property
    def pairs(self):
        """(start, i, j): pairs i[q], j[q] of monomial k are q = start[k] .. start[k + 1] - 1."""
        return self.table.array("start"), self.table.array("pi"), self.table.array("pj")

    def place(self, Factor factor):
        """Which factor of this algebra `factor` is; -1 if none."""
        cdef Py_ssize_t q
        for q in range(len(self.factors)):
            if self.factors[q] is factor:
                return q
        return -1

    def split(self, Factor factor):
        """(outer, index): the algebra without `factor`, and [inner, outer] -> monomial.

        outer is None if no other factor is left.
        """
        cdef Py_ssize_t place = self.place(factor)
        rest = tuple(f for f in self.factors if f is not factor)
        bounds = tuple(b for b in self.bounds if factor not in b[0])
        cdef Algebra outer = algebra_of(rest, bounds)
        index = self.table.split(outer.table, place)
        return (outer if rest else None), index

    def monomial(self, seeds):
        """Position of the monomial given by the seeds of each factor, as sorted lists."""
        cdef Py_ssize_t q
        cdef int32_t[64] s
        part = np.zeros((1, len(self.factors)), np.intp)
        for q in range(len(self.factors)):
            for d, seed in enumerate(seeds[q]):
                s[d] = seed
            part[0, q] = dd_rank(self.factors[q].n, len(seeds[q]), s)
        return int(self.table.find(part)[0])

    def multi_index(self, Py_ssize_t k):
        """Exponents of monomial k: for each factor, the sorted list of its seeds."""
        out = []
        part = self.table.array("part")[k]
        for q, f in enumerate(self.factors):
            seeds, rank = [], int(part[q])
            d = 0
            while rank >= dd_count(f.n, d):
                d += 1
            rank -= dd_count(f.n, d - 1) if d else 0
            for i in range(d, 0, -1):  # the largest seed first: colexicographic unranking
                s = 0
                while _multisets(s + 1, i) <= rank:
                    s += 1
                rank -= _multisets(s, i)
                seeds.append(s)
            out.append(seeds[::-1])
        return out

    cdef seeds_of(self, Py_ssize_t k):
        """The sorted seeds of monomial k of one local factor, as a tuple."""
        cdef list known
        found = self.table.cache.get("seeds")
        if found is None:
            known = [tuple(self.multi_index(i)[0]) for i in range(self.M)]
            found = self.table.cache["seeds"] = known
        return (<list>found)[k]


cdef int64_t _multisets(int64_t n, int64_t d):
    """Multisets of d out of n."""
    return 0 if n == 0 else dd_count(n - 1, d)


cdef Algebra algebra_of(tuple factors, tuple bounds):
    """The algebra of sorted factors; bounds = ((frozenset of factors, D), ...)."""
    # Identities: an algebra holds its factors, which hold algebras; a key must not.
    key = (tuple([id(f) for f in factors]),
           tuple([(frozenset([id(f) for f in members]), bound) for members, bound in bounds]))
    found = _interned.get(key)
    if found is not None:
        return <Algebra>found
    cdef list ns = [], orders = [], masks = []
    for f in factors:
        ns.append((<Factor>f).n)
        orders.append((<Factor>f).order)
    for members, bound in bounds:
        mask = 0
        for q, f in enumerate(factors):
            if f in members:
                mask |= 1 << q
        masks.append((mask, bound))
    cdef Algebra alg = Algebra()
    alg.factors = factors
    alg.bounds = bounds
    alg.table = table_of((tuple(ns), tuple(orders), tuple(sorted(masks))))
    alg.t = alg.table.t
    alg.M = alg.table.M
    alg.D = alg.table.D
    alg.unions = {}
    alg.laned = -1
    for q, f in enumerate(factors):
        if (<Factor>f).parent is not None:
            alg.laned = q
    return <Algebra>_interned.setdefault(key, alg)


cdef tag_of(factor):
    return (<Factor>factor).tag


cdef tuple merge_bounds(tuple a, tuple b):
    if not b or a == b:
        return a
    cdef dict low = dict(a)
    for members, bound in b:
        low[members] = min(bound, low.get(members, bound))
    return tuple(sorted(low.items(), key=lambda item: sorted(map(tag_of, item[0]))))


cdef tuple union_of(Algebra a, Algebra b):
    """(u, map of a, map of b): the union; a map is None where the algebra is u itself.

    Where a bound drops a monomial of an operand, its map holds -1.
    """
    found = a.unions.get(b)
    if found is not None:
        return <tuple>found
    mine = set(a.factors)
    factors = tuple(sorted(a.factors + tuple(f for f in b.factors if f not in mine), key=tag_of))
    if len({tag_of(f) for f in factors}) < len(factors):
        raise RuntimeError("dualdiff: internal error: a factor met its own local factor")
    cdef Algebra u = algebra_of(factors, merge_bounds(a.bounds, b.bounds))
    map_a = None if u is a else u.table.embed(a.table, tuple([factors.index(f) for f in a.factors]))
    map_b = None if u is b else u.table.embed(b.table, tuple([factors.index(f) for f in b.factors]))
    # Cached at the one with the newest factor: that one is the first to go.
    if not b.factors or a.factors and tag_of(a.factors[-1]) >= tag_of(b.factors[-1]):
        a.unions[b] = (u, map_a, map_b)
    else:
        b.unions[a] = (u, map_b, map_a)
    return u, map_a, map_b


cdef Algebra lower_of(Algebra alg):
    """The same factors, the highest total degree one less: where derivatives are evaluated."""
    if alg.lower is None:
        bound = (frozenset(alg.factors), alg.D - 1)
        alg.lower = algebra_of(alg.factors, merge_bounds(alg.bounds, (bound,)))
    return alg.lower


# ---- lanes: algebras of local seeds ------------------------------------------

cdef Algebra replace_factor(Algebra alg, Factor old, Factor new):
    """The algebra with one factor in place of another, also in its bounds."""
    factors = tuple([new if f is old else f for f in alg.factors])
    bounds = tuple([(frozenset(new if f is old else f for f in members), bound)
                    for members, bound in alg.bounds])
    return algebra_of(factors, bounds)


cdef Algebra laned_algebra(Algebra alg, Py_ssize_t n):
    """The algebra of a laned number with n local seeds instead of what it has."""
    cdef Factor old = alg.factors[alg.laned]
    if old.n == n:
        return alg
    if len(alg.factors) == 1 and not alg.bounds:
        return old.parent.lanes(n)
    found = alg.unions.get(n)
    if found is None:
        found = replace_factor(alg, old, old.parent.local(n))
        alg.unions[n] = found
    return <Algebra>found


cdef Algebra dense_algebra(Algebra alg):
    """The algebra of a laned number once it is dense."""
    cdef Factor old
    found = alg.unions.get(0)
    if found is None:
        old = alg.factors[alg.laned]
        found = alg.unions[0] = replace_factor(
            alg, old, old.parent if old.parent.root is None else old.parent.root)
    return <Algebra>found


cdef object relabel(Algebra small, Algebra big, tuple seeds):
    """Position in `big` of each monomial of `small`, whose local seed s is seeds[s] there."""
    cdef Py_ssize_t place = small.laned, k, d
    cdef int32_t[64] s
    key = ("relabel", small.table.key, place, seeds)
    if key not in big.table.cache:
        part = np.array(small.table.array("part"))
        n = (<Factor>big.factors[place]).n
        for k in range(small.M):
            new = sorted(seeds[i] for i in small.multi_index(k)[place])
            for d in range(len(new)):
                s[d] = new[d]
            part[k, place] = dd_rank(n, len(new), s)
        big.table.cache[key] = big.table.find(part)
    return big.table.cache[key]


# ---- algebras for derivative calls -------------------------------------------
#
# A call takes the algebra of one fresh factor from a pool and gives it back when
# it ends.  It is used again only if nothing else refers to it or to its factor:
# then no number, and no other algebra, of the earlier call is left.

cdef dict _pool = {}
cdef Py_ssize_t KEEP_LOCALS = 8  # local algebras that a factor may keep from call to call


cdef Algebra acquire(int n, int order):
    key = (n << 6) | order
    cdef list free_ones = <list>_pool.get(key)
    cdef Algebra alg
    if free_ones:
        try:
            alg = <Algebra>free_ones.pop()
            renew(<Factor>alg.factors[0])
            return alg
        except IndexError:  # another thread took the last one
            pass
    return algebra_of((Factor(n, order),), ())


cdef void release(Algebra alg):
    """Give back; the caller holds the one reference that is left."""
    cdef Factor factor = <Factor>alg.factors[0]
    if alg.unions:
        alg.unions.clear()
    alg.lower = None
    drop_wide(factor)
    factor.scalar, factor.margins = False, None
    if not only_here(factor, 2) or Py_REFCNT(alg) > 1:  # factor: the tuple's and the local one
        return
    keep((factor.n << 6) | factor.order, alg)


cdef Factor acquire_factor(int n, int order):
    """The factor of a call whose seeds have lanes: the dense algebra may be too large."""
    cdef list free_ones = <list>_pool.get((n, order))
    if free_ones:
        try:
            factor = <Factor>free_ones.pop()
            renew(factor)
            return factor
        except IndexError:
            pass
    return Factor(n, order)


cdef void release_factor(Factor factor):
    """Give back; the caller holds the one reference that is left."""
    factor.margins = None
    if only_here(factor, 1):
        keep((factor.n, factor.order), factor)


cdef void drop_wide(Factor factor):
    """Let go of the intermediate seeds of a call, and of what their steps have kept."""
    cdef Factor wide = factor.wide
    cdef Algebra alg
    if wide is None:
        return
    for found in wide.algebras.values():
        alg = <Algebra>found
        alg.unions.clear()
        if Py_REFCNT(alg) > 3:  # the dictionary's reference and the variables: numbers live on
            factor.wide = None
            return
    wide.steps = []
    wide.n, wide.held = factor.n, 0


cdef void renew(Factor factor):
    """Let a factor be as if it were new: the order of pairs, and so the last bits of nested
    derivatives, must not depend on what ran before.
    """
    factor.tag = next(_tags)
    factor.born = born()
    for local in factor.locals.values():
        (<Factor>local).tag = factor.tag
        (<Factor>local).born = factor.born
    if factor.wide is not None:
        factor.wide.tag, factor.wide.born = factor.tag, factor.born
        for local in factor.wide.locals.values():
            (<Factor>local).tag = factor.tag
            (<Factor>local).born = factor.born


cdef bint only_here(Factor factor, Py_ssize_t references):
    """Whether nothing else is left that knows a factor or its local algebras."""
    cdef Algebra alg
    cdef bint alone = True
    if factor.wide is not None:
        references += 1
    for found in factor.algebras.values():
        alg = <Algebra>found
        alg.unions.clear()
        alg.lower = None
        # The dictionary's, and those of the two variables.
        alone = alone and Py_REFCNT(alg) <= 3
        alg = None
    for found in factor.locals.values():
        # The dictionary's, that of its algebra, and the variable: in no other algebra.
        alone = alone and Py_REFCNT(found) <= 3
    found = None
    if alone and len(factor.algebras) == len(factor.locals) <= KEEP_LOCALS and (
        Py_REFCNT(factor) <= references + len(factor.locals)
    ):
        return True
    forget(factor)
    if factor.wide is not None:
        forget(factor.wide)
        factor.wide = None
    return False


cdef void forget(Factor factor):
    """Break circles, which would wait for the garbage collector."""
    factor.locals.clear()
    factor.algebras.clear()


cdef void keep(key, item):
    free_ones = _pool.get(key)
    if free_ones is None:
        if len(_pool) > 256:
            _pool.clear()
        free_ones = _pool.setdefault(key, [])
    if len(free_ones) < 8:
        free_ones.append(item)


def new_algebra(int n, int order):
    """The algebra of one fresh factor of n seeds kept to an order."""
    return algebra_of((Factor(n, order),), ())


def unite(Algebra a, Algebra b):
    """See union_of."""
    return union_of(a, b)


def lowered(Algebra alg):
    """See lower_of."""
    return lower_of(alg)
