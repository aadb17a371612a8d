#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A daemon that serves requests, caches answers and talks to a message broker. It grows, and its
owner wonders why: the demo target of pyleak-bpf. Prints READY PID; ends at SIGTERM or stdin EOF."""
import collections
import json
import os
import random
import select
import signal
import sys
import time

import mq

TICKS_PER_SECOND = 20
CACHE_SIZE = 2000

rng = random.Random(2024)
stopping = False


class Request(object):
    def __init__(self, number):
        self.number = number
        self.key = "item-%d" % rng.randrange(100000)
        self.headers = {"host": "shop.example.org", "accept": "application/json"}
        self.body = json.dumps({"id": number, "key": self.key, "fields": ["name", "price"]})


class CacheEntry(object):
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.hits = 0


class Cache(object):
    """The CACHE_SIZE answers that were used last."""

    def __init__(self):
        self.entries = collections.OrderedDict()

    def get(self, key):
        entry = self.entries.get(key)
        if entry is not None:
            self.entries.move_to_end(key)
            entry.hits += 1
        return entry

    def put(self, key, value):
        self.entries[key] = CacheEntry(key, value)
        if len(self.entries) > CACHE_SIZE:
            self.entries.popitem(last=False)


cache = Cache()


def serve(request):
    query = json.loads(request.body)
    entry = cache.get(request.key)
    if entry is None:
        cache.put(request.key, {"key": query["key"], "price": rng.randrange(1000)})


def report_event(number):
    """Tell the broker what happened, on a connection of its own."""
    connection = mq.NonBlockingConnection("broker-%d.example.org" % (number % 3))
    for _ in range(rng.randrange(1, 3)):
        channel = connection.channel()
        for part in range(rng.randrange(2, 5)):
            connection.publish(channel, json.dumps({"event": number, "part": part}))
    connection.poll()
    for channel in connection.channels.values():
        # The first answer confirms the rest.
        channel.incoming[0].ack()
    connection.close()


def stop(_signum, _frame):
    global stopping
    stopping = True


def main():
    signal.signal(signal.SIGTERM, stop)
    print("READY %d" % os.getpid())
    sys.stdout.flush()
    number = 0
    events = 0
    due = time.monotonic()
    while not stopping:
        # A busy start, then the usual load.
        for _ in range(35 if number < 2800 else 25):
            serve(Request(number))
            number += 1
        report_event(events)
        events += 1
        due += 1.0 / TICKS_PER_SECOND
        if select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
            if not os.read(0, 4096):
                break
    mq.close_all()


if __name__ == "__main__":
    main()
