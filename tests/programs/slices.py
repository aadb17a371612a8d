# SPDX-License-Identifier: BSD-2-Clause
"""A large heap with frequent young collections and, rarely, a full one: what a census in slices
must count. Arguments: number of instances. Prints READY pid and the number of Node objects."""
import gc
import sys

import common


class Node(object):
    __slots__ = ("left",)

    def __init__(self, left):
        self.left = left


def main():
    gc.disable()
    nodes = [Node(None) for _ in range(int(sys.argv[1]))]
    gc.collect()
    common.ready()

    def tick(i):
        churn = [Node(nodes[i % len(nodes)]) for _ in range(200)]
        gc.collect(0)
        return churn

    common.run(tick, hz=200)


main()
