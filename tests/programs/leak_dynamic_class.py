# SPDX-License-Identifier: BSD-2-Clause
"""A class is made per request with type() and kept in a registry. Right verdict: leak of type."""
import common

registry = {}


def tick(i):
    common.traffic(4)
    name = "Row%d" % i
    registry[name] = type(name, (object,), {"number": i})


common.run(tick, hz=20)
