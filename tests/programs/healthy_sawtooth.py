# SPDX-License-Identifier: BSD-2-Clause
"""Records gather in a batch that is written out every 7 s. Right verdict: saw-tooth or stable."""
import common

batch = []


class Record(object):
    def __init__(self, number):
        self.number = number
        self.fields = {"number": number}


def tick(i):
    common.traffic(4)
    for n in range(4):
        batch.append(Record(n))
    if i % 350 == 349:
        del batch[:]


common.run(tick)
