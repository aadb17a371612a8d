# SPDX-License-Identifier: BSD-2-Clause
"""Corrupts its own list of tracked objects after the line `go`, answers CORRUPTED, then rests:
crafted.py [self|back|garbage|unmapped|null] [oldest|permanent|young]. No verdict: a reader must
neither hang nor crash, and must say that the list is broken."""
import ctypes
import gc
import os
import sys

import common

HEAD = 16 if sys.version_info >= (3, 8) else 32
FLAGS = 3


class Link(object):
    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


def next_field(obj):
    return ctypes.c_size_t.from_address(id(obj) - HEAD)


def corrupt(mode):
    victim = links[500]
    field = next_field(victim)
    target = {
        "self": id(victim) - HEAD,
        "back": id(links[100]) - HEAD,
        "garbage": id(noise),  # Mapped, and no list node.
        "unmapped": 0x414141414140,
        "null": 0,
    }[mode]
    field.value = target | (field.value & FLAGS)


noise = os.urandom(4096)
mode = sys.argv[1] if len(sys.argv) > 1 else "back"
where = sys.argv[2] if len(sys.argv) > 2 else "oldest"
links = [Link(n) for n in range(1000)]
if where != "young":
    gc.collect()
if where == "permanent":
    if not hasattr(gc, "freeze"):
        raise SystemExit("crafted.py: no permanent generation before 3.7")
    gc.freeze()
# From here on no collection may run.
gc.disable()
common.ready()
line = b""
while b"go" not in line:
    byte = os.read(0, 64)
    if not byte:
        os._exit(0)
    line += byte
corrupt(mode)
os.write(1, b"CORRUPTED\n")
while os.read(0, 64):
    pass
os._exit(0)
