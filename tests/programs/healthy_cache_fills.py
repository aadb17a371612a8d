# SPDX-License-Identifier: BSD-2-Clause
"""A bounded LRU cache fills to 3000 entries in 10 s and then evicts. Right verdict: stable or
saturating."""
import collections

import common

CAPACITY = 3000
cache = collections.OrderedDict()


class Entry(object):
    def __init__(self, key):
        self.key = key
        self.value = [key]


def tick(i):
    common.traffic(4)
    for n in range(6):
        key = 6 * i + n
        cache[key] = Entry(key)
        if len(cache) > CAPACITY:
            cache.popitem(last=False)


common.run(tick)
