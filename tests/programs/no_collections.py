# SPDX-License-Identifier: BSD-2-Clause
"""Busy with the GC off: no collection ever begins, so a census needs a safe point. Arguments:
`io` (enters and leaves system calls) or `cpu` (makes and drops objects, no system call), and the
number of Node objects kept."""
import gc
import sys
import threading

import common


class Node(object):
    __slots__ = ("left",)


def main():
    stop = threading.Event()
    gc.disable()
    nodes = [Node() for _ in range(int(sys.argv[2]))]
    common.ready()
    if sys.argv[1] == "io":
        while not common.wait_stdin(0.0):
            pass
        return nodes
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.is_set():
        for _ in range(1000):
            Node()
    return nodes


main()
