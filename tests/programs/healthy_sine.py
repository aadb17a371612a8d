# SPDX-License-Identifier: BSD-2-Clause
"""The number of requests in flight follows a sine with a period of 30 s, between 200 and 2200.
Right verdict: stable or saw-tooth."""
import math

import common

in_flight = []


class InFlight(object):
    def __init__(self, number):
        self.number = number
        self.headers = {"number": number}


def tick(i):
    common.traffic(4)
    wanted = int(1200 - 1000 * math.cos(2 * math.pi * i / (30.0 * 50)))
    while len(in_flight) < wanted:
        in_flight.append(InFlight(i))
    del in_flight[:max(0, len(in_flight) - wanted)]
    del in_flight[:5]


common.run(tick)
