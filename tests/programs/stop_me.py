# SPDX-License-Identifier: BSD-2-Clause
"""Works in several threads and answers for it: stop_me.py THREADS [collect]. Commands: `check`
answers OK once every thread has made progress since the command came, `signals` how many SIGUSR1
were handled. With `collect` another thread collects garbage nearly all the time."""
import gc
import os
import signal
import sys
import threading
import time

import common

signals = 0
progress = [0] * int(sys.argv[1])
junk = [[] for _ in range(20000)]


def on_signal(_signum, _frame):
    global signals
    signals += 1


def work(number):
    while True:
        pairs = {str(n): [n] for n in range(50)}
        assert sum(value[0] for value in pairs.values()) == 1225
        progress[number] += 1
        time.sleep(0)


def collect():
    while True:
        gc.collect()
        sum(range(2000))


def check():
    before = list(progress)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if all(now > then for now, then in zip(progress, before)):
            return "OK"
        time.sleep(0.001)
    return "STUCK"


gc.collect()  # What is there now is in the oldest generation.
signal.signal(signal.SIGUSR1, on_signal)
for number in range(len(progress)):
    threading.Thread(target=work, args=(number,), daemon=True).start()
if sys.argv[2:] == ["collect"]:
    threading.Thread(target=collect, daemon=True).start()
common.ready()
for line in sys.stdin:
    command = line.strip()
    sys.stdout.write("%s\n" % (check() if command == "check" else signals))
    sys.stdout.flush()
os._exit(0)
