# SPDX-License-Identifier: BSD-2-Clause
"""About N tracked objects as services have them, then rest: mixed_heap.py N. Lines on its standard
input are questions, each answered by one line of standard output: "collect" by the seconds of a
gc.collect(), "types" and "backrefs" by those of what objgraph does, which keeps the GIL."""
import gc
import os
import sys
import time


class Address(object):
    def __init__(self, number):
        self.street = "street %d" % number
        self.zip = number


class Session(object):
    def __init__(self, number):
        self.user = "user %d" % number
        self.started = time.time()
        self.address = Address(number)
        self.history = [number, number + 1]
        self.headers = {"host": "localhost", "length": number, "parts": (number, [number])}


class Slotted(object):
    __slots__ = ("number", "next")

    def __init__(self, number):
        self.number = number
        self.next = [self]


def one(n):
    """13 tracked objects, in all."""
    return Session(n), Slotted(n), {"n": [n], n: (n, [])}


def types():
    import objgraph
    return objgraph.most_common_types()


def backrefs():
    import objgraph
    with open(os.devnull, "w") as nowhere:
        objgraph.show_backrefs([heap["all"][len(heap["all"]) // 2][0]], max_depth=10,
                               output=nowhere)


gc.disable()
heap = {"all": []}
while len(heap["all"]) * 13 < int(sys.argv[1]):
    heap["all"].append(one(len(heap["all"])))
gc.enable()
gc.collect()
sys.stdout.write("READY %d\n" % len(gc.get_objects()))
sys.stdout.flush()
for line in iter(sys.stdin.readline, ""):
    began = time.time()
    {"collect": gc.collect, "types": types, "backrefs": backrefs}[line.strip()]()
    sys.stdout.write("TOOK %.6f\n" % (time.time() - began))
    sys.stdout.flush()
