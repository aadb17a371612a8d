# SPDX-License-Identifier: BSD-2-Clause
"""Handlers are made per request as closures and stay in a registry. Right verdict: leak of
function, with its cells."""
import common

registry = []


def make_handler(number):
    parts = [number]

    def handler(value):
        parts.append(value)
        return number

    return handler


def tick(i):
    common.traffic(4)
    handler = make_handler(i)
    handler(1)
    registry.append(handler)


common.run(tick)
