# SPDX-License-Identifier: BSD-2-Clause
"""Random keys out of 2000 get a profile when first seen: fast growth that fades, most of it in
the first 10 s. Right verdict: saturating or stable."""
import random

import common

profiles = {}
rng = random.Random(6)


class Profile(object):
    def __init__(self, key):
        self.key = key
        self.hits = 0
        self.tags = [key]


def tick(i):
    common.traffic(4)
    for _ in range(12):
        key = rng.randrange(2000)
        if key not in profiles:
            profiles[key] = Profile(key)
        profiles[key].hits += 1


common.run(tick)
