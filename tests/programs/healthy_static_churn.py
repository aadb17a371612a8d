# SPDX-License-Identifier: BSD-2-Clause
"""300000 static objects beside ordinary traffic. Right verdict: stable."""
import common


class Item(object):
    __slots__ = ("number", "next")

    def __init__(self, number):
        self.number = number
        self.next = None


catalogue = [Item(n) for n in range(300000)]


def tick(i):
    common.traffic(10)


common.run(tick)
