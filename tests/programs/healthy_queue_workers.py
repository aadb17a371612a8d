# SPDX-License-Identifier: BSD-2-Clause
"""Four worker threads take jobs from a bounded queue. Right verdict: stable."""
import queue
import threading
import time

import common

jobs = queue.Queue(maxsize=100)


class Job(object):
    def __init__(self, number):
        self.number = number
        self.args = {"number": number}


def work():
    while True:
        job = jobs.get()
        time.sleep(0.01)
        job.result = [job.number]


def tick(i):
    for n in range(4):
        try:
            jobs.put_nowait(Job(n))
        except queue.Full:
            pass


for _ in range(4):
    thread = threading.Thread(target=work)
    thread.daemon = True
    thread.start()
common.run(tick)
