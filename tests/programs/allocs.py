# SPDX-License-Identifier: BSD-2-Clause
"""Makes known numbers of GC objects. Obeys one command a line on stdin and answers one line on
stdout, the collector off: `make KIND N` -> {"made": by how much gc.get_count()[0] moved over N
creations that are kept}, `drop` -> {"dropped": by how much it moved when they went}, `churn KIND
N`: made and dropped one by one."""
import gc
import json
import os
import sys
import weakref

import common


class Plain(object):
    pass


class Slots(object):
    __slots__ = ("left", "__weakref__")


class MyDict(dict):
    pass


class MyTuple(tuple):
    pass


class MyError(Exception):
    pass


def generate():
    yield


def make_function():
    return lambda: None


anchor = Slots()
one = (1,)
text = "text"

# An expression that makes one GC object each (all that it needs exists already).
KINDS = {
    "slots": Slots, "plain": Plain, "list": lambda: [anchor], "dict": lambda: {text: anchor},
    "set": lambda: {anchor}, "frozenset": lambda: frozenset(one), "tuple": lambda: (anchor, text),
    "function": make_function, "generator": generate, "method": lambda: anchor.__reduce_ex__,
    "error": MyError, "mydict": MyDict, "mytuple": MyTuple, "listiter": lambda: iter(one),
    "weakref": lambda: weakref.ref(anchor, id), "cell": lambda: (lambda: text),
    "module": lambda: type(sys)("made"), "property": lambda: property(id),
    "enumerate": lambda: enumerate(one), "memoryview": lambda: memoryview(b"text"),
    "super": lambda: super(Plain, Plain),
}

kept = []


def make(kind, n):
    """-> the movement of the count."""
    creator = KINDS[kind]
    del kept[:]
    kept.extend([None] * n)
    numbers = range(n)
    get_count = gc.get_count
    before = get_count()[0]
    for i in numbers:
        kept[i] = creator()
    return get_count()[0] - before


def drop():
    before = gc.get_count()[0]
    del kept[:]
    return gc.get_count()[0] - before


def churn(kind, n):
    creator = KINDS[kind]
    before = gc.get_count()[0]
    for _ in range(n):
        creator()
    return gc.get_count()[0] - before


def main():
    gc.disable()
    gc.collect()
    common.ready()
    while True:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                return
            line += byte
        words = line.decode().split()
        if words[0] == "kinds":
            answer = sorted(KINDS)
        elif words[0] == "make":
            answer = {"made": make(words[1], int(words[2]))}
        elif words[0] == "churn":
            answer = {"moved": churn(words[1], int(words[2]))}
        else:
            answer = {"dropped": drop()}
        os.write(1, json.dumps(answer).encode() + b"\n")


main()
