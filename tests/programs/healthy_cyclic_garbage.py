# SPDX-License-Identifier: BSD-2-Clause
"""Each request leaves a cycle, and the collector frees them as it should. Right verdict:
stable, saw-tooth or gc-lag."""
import common


class Node(object):
    def __init__(self, parent):
        self.parent = parent
        self.children = []


def tick(i):
    for _ in range(20):
        root = Node(None)
        root.children.append(Node(root))


common.run(tick)
