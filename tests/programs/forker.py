# SPDX-License-Identifier: BSD-2-Clause
"""Forks a child every 100 ms which exits at once, beside traffic. Right verdict: stable."""
import os

import common


def tick(i):
    common.traffic(10)
    pid = os.fork()
    if pid == 0:
        common.traffic(10)
        os._exit(0)
    os.waitpid(pid, 0)


common.run(tick, hz=10)
