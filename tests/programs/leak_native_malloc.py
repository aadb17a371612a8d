# SPDX-License-Identifier: BSD-2-Clause
"""A C library loses 64 to 256 KiB of malloc memory five times a second. No Python object grows.
Right verdict: native leak of memory."""
import ctypes
import random

import common

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.memset.restype = ctypes.c_void_p
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
rng = random.Random(1)


def decode_image():
    size = rng.randrange(64, 257) * 1024
    libc.memset(libc.malloc(size), 1, size)


def tick(i):
    common.traffic(4)
    if i % 10 == 0:
        decode_image()


common.run(tick)
