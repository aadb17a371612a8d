# SPDX-License-Identifier: BSD-2-Clause
"""300 jobs a second are made and freed; five of them a second are kept. The class is busy, the
leak is slow. Right verdict: leak of Job."""
import random

import common

rng = random.Random(2)
failed = []
in_flight = []


class Job(object):
    def __init__(self, number):
        self.number = number
        self.args = {"retry": 0}


def tick(i):
    common.traffic(4)
    for n in range(6):
        job = Job(n)
        if rng.random() < 0.3:
            in_flight.append(job)
    while len(in_flight) > 50:
        del in_flight[:rng.randrange(1, 40)]
    if i % 10 == 0:
        failed.append(Job(i))


common.run(tick)
