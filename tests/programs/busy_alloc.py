# SPDX-License-Identifier: BSD-2-Clause
"""Allocation-heavy work as fast as it goes: json, classes, cycles. busy_alloc.py [SECONDS|forever
[EVERY_S [KEEP]]] prints its request count at the end, or when stdin is at EOF, and each EVERY_S
seconds. Right verdict: nothing leaks; with KEEP, it keeps one request of so many: leak of Message."""
import json
import sys
import time

import common


kept = []


class Part(object):
    def __init__(self, owner, number):
        self.owner = owner
        self.number = number


class Message(object):
    def __init__(self, number):
        self.number = number
        self.parts = [Part(self, n) for n in range(3)]

    def as_dict(self):
        return {"number": self.number, "parts": [part.number for part in self.parts],
                "to": {"host": "example.org", "path": ["a", "b", "c"]}}


def request(number, keep):
    message = Message(number)
    if keep and number % keep == 0:
        kept.append(message)
    text = json.dumps(message.as_dict())
    return json.loads(text)["to"]["path"]


def main():
    limit = sys.argv[1] if len(sys.argv) > 1 else "10"
    seconds = float("inf") if limit == "forever" else float(limit)
    every = float(sys.argv[2]) if len(sys.argv) > 2 else float("inf")
    keep = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    common.ready()
    start = time.perf_counter()
    due = every
    done = 0
    while time.perf_counter() - start < seconds and not common.wait_stdin(0):
        for _ in range(500):
            request(done, keep)
            done += 1
        if time.perf_counter() - start >= due:
            due += every
            print("AT %.4f %.4f %d" % (time.perf_counter() - start, time.process_time(), done))
            sys.stdout.flush()
    print("REQUESTS %d SECONDS %.3f" % (done, time.perf_counter() - start))


main()
