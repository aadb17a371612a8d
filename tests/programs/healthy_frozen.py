# SPDX-License-Identifier: BSD-2-Clause
"""The heap of the start is frozen with gc.freeze() (3.7 and later); traffic comes after. Right
verdict: stable."""
import gc

import common


class Plan(object):
    def __init__(self, number):
        self.number = number
        self.steps = [number, {"number": number}]


plans = [Plan(n) for n in range(20000)]
gc.collect()
if hasattr(gc, "freeze"):
    gc.freeze()


def tick(i):
    common.traffic(10)


common.run(tick)
