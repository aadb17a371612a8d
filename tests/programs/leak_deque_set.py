# SPDX-License-Identifier: BSD-2-Clause
"""A set of ids and a deque of events only grow; both hold strings and numbers. Right verdict:
leak of the set and of the deque."""
import collections

import common

seen_ids = set()
events = collections.deque()


def tick(i):
    common.traffic(4)
    for n in range(4):
        seen_ids.add("id-%d-%d" % (i, n))
        events.append(i * 1000.5 + n)


common.run(tick)
