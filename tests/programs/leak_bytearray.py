# SPDX-License-Identifier: BSD-2-Clause
"""One bytearray grows by 200 KB a second: a receive buffer that is never consumed. No object
count grows. Right verdict: leak of that bytearray, or of memory."""
import common

received = bytearray()


def tick(i):
    common.traffic(4)
    received.extend(bytes(4000))


common.run(tick)
