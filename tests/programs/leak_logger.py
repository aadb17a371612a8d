# SPDX-License-Identifier: BSD-2-Clause
"""Each request asks for a logger with a name of its own; logging keeps them all. Right verdict:
leak of Logger."""
import logging

import common

logging.basicConfig(level=logging.CRITICAL)


def tick(i):
    common.traffic(4)
    log = logging.getLogger("request-%d" % i)
    log.debug("served")


common.run(tick)
