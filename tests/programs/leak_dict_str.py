# SPDX-License-Identifier: BSD-2-Clause
"""A dict from str to str only grows. Up to 3.13 the collector does not even track the dict.
Right verdict: leak of that dict, or of memory."""
import common

seen = {}


def tick(i):
    common.traffic(4)
    for n in range(8):
        seen["token-%d-%d" % (i, n)] = "10.0.0.%d/%d/%d" % (n, i, i * 7)


common.run(tick)
