# SPDX-License-Identifier: BSD-2-Clause
"""About N objects of a few types, and a young collection 20 times a second: heap.py N. Every few
seconds there is a full one. Nothing grows."""
import gc
import sys
import time


class Node(object):
    def __init__(self, number):
        self.number = number
        self.peers = [self]


def one(n):
    """Two tracked objects, one of four kinds."""
    kind = n % 4
    return (Node(n) if kind == 0 else [[n]] if kind == 1 else {"n": [n]} if kind == 2
            else (n, [n]))


gc.disable()
heap = [one(n) for n in range(int(sys.argv[1]) // 2)]
gc.enable()
sys.stdout.write("READY %d\n" % len(gc.get_objects()))
sys.stdout.flush()
tick = 0
while True:
    time.sleep(0.05)
    tick += 1
    gc.collect(2 if tick % 100 == 0 else 0)
