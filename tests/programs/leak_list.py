# SPDX-License-Identifier: BSD-2-Clause
"""A module-level list keeps one Session per request for ever. Right verdict: leak of Session."""
import common

sessions = []


class Session(object):
    def __init__(self, number):
        self.number = number
        self.state = "open"


def tick(i):
    common.traffic(4)
    for n in range(2):
        sessions.append(Session(2 * i + n))


common.run(tick)
