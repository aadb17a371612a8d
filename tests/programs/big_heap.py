# SPDX-License-Identifier: BSD-2-Clause
"""N small instances in a list, then rest: big_heap.py N. Right verdict: stable."""
import gc
import sys

import common


class Small(object):
    __slots__ = ("number", "next")

    def __init__(self, number):
        self.number = number
        self.next = None


gc.disable()
heap = [Small(n) for n in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000)]
gc.enable()
common.run(lambda i: None, hz=10)
