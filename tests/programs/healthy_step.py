# SPDX-License-Identifier: BSD-2-Clause
"""One table of 20000 rows is loaded 8 s after the start and kept. Right verdict: stable or
saturating."""
import common

table = []


class Row(object):
    __slots__ = ("number", "name")

    def __init__(self, number):
        self.number = number
        self.name = str(number)


def tick(i):
    common.traffic(4)
    if i == 400:
        table.extend(Row(n) for n in range(20000))


common.run(tick)
