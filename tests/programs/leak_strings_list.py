# SPDX-License-Identifier: BSD-2-Clause
"""Unique strings go to one list that only grows. The collector does not track strings; only the
list shows it. Right verdict: leak of that list."""
import common

audit_trail = []


def tick(i):
    common.traffic(4)
    for n in range(6):
        audit_trail.append("request %d part %d from 10.0.0.%d" % (i, n, i % 250))


common.run(tick)
