# SPDX-License-Identifier: BSD-2-Clause
"""Classes with awkward names: 10 kB long, non-ASCII, with newline, quote and control characters,
renamed, and nested ones of the same name. All grow slowly. Right verdict: leaks, each name shown
whole or cut, on one line, never as a terminal escape."""
import common


class Outer(object):
    class Node(object):
        pass


class Other(object):
    class Node(object):
        pass


class Before(object):
    pass


Before.__name__ = "After"

CLASSES = [
    type("Long" + "x" * 10000, (object,), {}),
    type("Gr\u00f6\u00dfe\u6f22\u5b57\U0001f40d", (object,), {}),
    type("Line\nbreak\ttab\r\x1b[31mred\x07\x7f", (object,), {}),
    type("Quote\"back\\slash {}%s", (object,), {}),
    type("", (object,), {}),
    Before,
    Outer.Node,
    Other.Node,
]
kept = []


def tick(i):
    common.traffic(4)
    if i % 5 == 0:
        kept.extend(cls() for cls in CLASSES)


common.run(tick)
