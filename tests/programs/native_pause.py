# SPDX-License-Identifier: BSD-2-Clause
"""Holds the GIL in one C call for SECONDS at a time (default 5) and allocates nothing there:
native_pause.py [busy|idle] [SECONDS]. `idle` sleeps with the GIL held. Right verdict: stable."""
import ctypes
import itertools
import sys
import time

import common

HELD_LIBC = ctypes.PyDLL(None)  # Calls through it keep the GIL.


def busy(items):
    # Small ints: not even these are allocated.
    return sum(itertools.repeat(0, items))


mode = sys.argv[1] if len(sys.argv) > 1 else "busy"
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
start = time.perf_counter()
busy(10 ** 7)
items = int(10 ** 7 * seconds / (time.perf_counter() - start))
common.ready()
while not common.wait_stdin(0.1):
    common.traffic(100)
    if mode == "busy":
        busy(items)
    else:
        HELD_LIBC.usleep(int(seconds * 1000000))
