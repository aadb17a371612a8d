# SPDX-License-Identifier: BSD-2-Clause
"""A long-lived heap of 200000 objects; each request leaves a cycle that lives long enough to
reach the oldest generation. Only a full collection frees it, and one comes every 15 to 20 s.
Right verdict: gc-lag, saw-tooth or stable."""
import collections
import gc

import common


class Node(object):
    __slots__ = ("peer", "data")

    def __init__(self, peer):
        self.peer = peer
        self.data = None


heap = [Node(None) for _ in range(200000)]
recent = collections.deque(maxlen=3000)


def tick(i):
    for _ in range(30):
        first = Node(None)
        first.peer = Node(first)
        recent.append(first)


# Full collections wait until what reached the oldest generation is a quarter of it: 50000
# nodes, at 3000 a second.
gc.set_threshold(700, 5, 5)
gc.collect()
common.run(tick)
