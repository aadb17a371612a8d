# SPDX-License-Identifier: BSD-2-Clause
"""Two threads a second are started and wait for a signal that never comes. Right verdict: leak
of Thread (slow: 2/s)."""
import threading

import common

threading.stack_size(128 * 1024)


class Worker(threading.Thread):
    def __init__(self):
        super(Worker, self).__init__()
        self.daemon = True
        self.wake = threading.Event()

    def run(self):
        self.wake.wait()


def tick(i):
    common.traffic(4)
    if i % 25 == 0:
        Worker().start()


common.run(tick)
