# SPDX-License-Identifier: BSD-2-Clause
"""A connection pool grows to its cap of 200 in 10 s and then reuses. Right verdict: stable or
saturating."""
import random

import common

CAP = 200
pool = []
rng = random.Random(3)


class Connection(object):
    def __init__(self, number):
        self.number = number
        self.buffer = bytearray(512)
        self.options = {"timeout": 30}
        self.used = 0


def acquire(i):
    if len(pool) < CAP and i % 3 == 0:
        pool.append(Connection(i))
    return rng.choice(pool)


def tick(i):
    common.traffic(4)
    acquire(i).used += 1


common.run(tick, hz=60)
