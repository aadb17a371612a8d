# SPDX-License-Identifier: BSD-2-Clause
"""An unbounded lru_cache on a method holds `self` of every call. Right verdict: leak of Report."""
import functools

import common


class Report(object):
    def __init__(self, number):
        self.number = number
        self.rows = [number] * 4

    @functools.lru_cache(maxsize=None)
    def total(self):
        return sum(self.rows)


def tick(i):
    common.traffic(4)
    Report(i).total()


common.run(tick)
