# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py where C is between Python and Python, or allocates by itself."""
import bisect
import collections
import contextlib
import copy
import ctypes
import functools
import itertools
import json
import pickle
import re

from sites_core import case


@case
def c_map(make, n, sink):
    for made in map(lambda _: make(), range(n)):
        sink(made)


@case
def c_sort_key(make, n, sink):
    def key(number):
        sink(make())
        return -number

    sorted(range(n), key=key)


@case
def c_compares(make, n, sink):
    class Compared(object):
        made = 0

        def __lt__(self, other):
            if Compared.made < n:
                Compared.made += 1
                sink(make())
            return id(self) < id(other)

    items = []
    while Compared.made < n:
        bisect.insort(items, Compared())


@case
def c_reduce(make, n, sink):
    functools.reduce(lambda _left, _right: sink(make()), range(n + 1))


@case
def c_partial(make, n, sink):
    direct = functools.partial(make)
    around = functools.partial(lambda left, right: make(), 1, right=2)
    for _ in range(n // 2):
        sink(direct())
        sink(around())


@case
def c_re_sub(make, n, sink):
    def replace(_match):
        sink(make())
        return "y"

    re.sub("x", replace, "x" * n)


@case
def c_json_hook(make, n, sink):
    def hook(_table):
        return make()

    for made in json.loads("[%s]" % ",".join(["{}"] * n), object_hook=hook):
        sink(made)


@case
def c_types_callback(make, n, sink):
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    def compare(_left, _right):
        sink(make())
        return 0

    pair = (ctypes.c_int * 2)(1, 2)
    for _ in range(n):
        ctypes.CDLL(None).qsort(pair, 2, 4, compare)


@case
def c_iterators(make, n, sink):
    for made in itertools.starmap(make, [()] * (n // 3)):
        sink(made)
    for made in itertools.islice(iter(make, None), n // 3):
        sink(made)
    for made in itertools.chain.from_iterable([make()] for _ in range(n // 3)):
        sink(made)


@case
def c_default_dict(make, n, sink):
    table = collections.defaultdict(make)
    around = collections.defaultdict(lambda: make())
    for i in range(n // 2):
        sink(table[i])
        sink(around[i])
    table.clear()
    around.clear()


@case
def c_missing(make, n, sink):
    class Missing(dict):
        def __missing__(self, key):
            sink(make())
            return key

    table = Missing()
    for i in range(n):
        table[i]


@case
def c_lru_cache(make, n, sink):
    @functools.lru_cache(maxsize=2)
    def cached(number):
        sink(make())
        return number

    for i in range(n):
        cached(i)


@case
def c_calls_itself_by_c(make, n, sink):
    def deeper(levels):
        if levels:
            return max([levels], key=lambda _: deeper(levels - 1) or 0)
        return sink(make())

    for _ in range(n):
        deeper(15)


@case
def c_sum_and_join(make, n, sink):
    class Added(object):
        def __radd__(self, _other):
            sink(make())
            return 0

    sum([Added()] * (n // 2))
    "".join("" for _ in range(n // 2) if not sink(make()) or True)


@case
def c_repr_and_format(make, n, sink):
    class Shown(object):
        def __repr__(self):
            sink(make())
            return ""

        def __format__(self, _how):
            sink(make())
            return ""

    shown = Shown()
    for _ in range(n // 3):
        repr([shown])
        "%r" % (shown,)
        f"{shown:x}"


@case
def context_manager(make, n, sink):
    @contextlib.contextmanager
    def manager():
        sink(make())
        yield
        sink(make())

    for _ in range(n // 2):
        with manager():
            pass


@case
def copy_copy(make, n, sink):
    first = make()
    for _ in range(n):
        sink(copy.copy(first))


@case
def copy_deepcopy(make, n, sink):
    first = [make()]
    for _ in range(n):
        sink(copy.deepcopy(first)[0])


@case
def pickle_loads(make, n, sink):
    text = pickle.dumps(make(), 2)
    for _ in range(n):
        sink(pickle.loads(text))


@case
def pickle_loads_in_python(make, n, sink):
    text = pickle.dumps(make(), 2)
    for _ in range(n):
        sink(pickle._loads(text))
