# SPDX-License-Identifier: BSD-2-Clause
"""Entries live for 5 s and then expire. Right verdict: stable or saturating."""
import collections
import random

import common

TTL_TICKS = 250
entries = collections.deque()
rng = random.Random(4)


class Entry(object):
    def __init__(self, expires):
        self.expires = expires
        self.value = {"expires": expires}


def tick(i):
    common.traffic(4)
    for _ in range(rng.randrange(0, 9)):
        entries.append(Entry(i + TTL_TICKS))
    while entries and entries[0].expires <= i:
        entries.popleft()


common.run(tick)
