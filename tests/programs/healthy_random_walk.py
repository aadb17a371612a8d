# SPDX-License-Identifier: BSD-2-Clause
"""The number of open orders does a random walk between 500 and 1500. Right verdict: stable or
saw-tooth."""
import random

import common

LOW, HIGH = 500, 1500
orders = []
rng = random.Random(5)


class Order(object):
    def __init__(self, number):
        self.number = number
        self.lines = [{"item": number}]


def tick(i):
    common.traffic(4)
    step = rng.choice((-12, -6, -3, 3, 6, 12))
    if not LOW <= len(orders) + step <= HIGH:
        step = -step
    if step > 0:
        orders.extend(Order(i) for _ in range(step))
    else:
        del orders[:-step]
    # Turnover beside the walk.
    del orders[0]
    orders.append(Order(i))


orders.extend(Order(n) for n in range(1000))
common.run(tick)
