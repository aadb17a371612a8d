# SPDX-License-Identifier: BSD-2-Clause
"""What the target programs share: the READY line, the paced loop, ordinary traffic."""
import os
import random
import select
import signal
import sys
import time

_stopped = False


def _stop(_signum, _frame):
    global _stopped
    _stopped = True


def ready():
    sys.stdout.write("READY %d\n" % os.getpid())
    sys.stdout.flush()


def wait_stdin(seconds):
    """Wait; True once stdin is at EOF. What is written to stdin is ignored."""
    if select.select([0], [], [], seconds)[0]:
        return not os.read(0, 4096)
    return False


def run(tick, hz=50):
    """Call tick(0), tick(1), ... hz times a second until stdin is at EOF or SIGTERM comes."""
    signal.signal(signal.SIGTERM, _stop)
    ready()
    due = time.monotonic()
    i = 0
    while not _stopped:
        tick(i)
        i += 1
        now = time.monotonic()
        due += 1.0 / hz
        if due < now - 0.5:
            due = now
        if wait_stdin(max(0.0, due - now)):
            break
    sys.stdout.flush()


class Request(object):
    """Ordinary traffic: made, used and dropped."""

    def __init__(self, number):
        self.number = number
        self.headers = {"host": "example.org", "number": number}
        self.parts = [number, number + 1]


_rng = random.Random(7)
_in_flight = []


def traffic(n):
    """Serve n requests. A few stay in flight for some ticks, as in a real server."""
    for i in range(n):
        request = Request(i)
        if _rng.random() < 0.2:
            _in_flight.append(request)
    while len(_in_flight) > 60:
        del _in_flight[:_rng.randrange(1, 30)]
