# SPDX-License-Identifier: BSD-2-Clause
"""N messages in the lists of 100 channels, then rest: channels.py N."""
import gc
import sys

import common


class Message(object):
    def __init__(self, number):
        self.number = number
        self.tags = [number]


class Channel(object):
    def __init__(self):
        self.incoming = []


connections = [Channel() for _ in range(100)]
gc.disable()
for n in range(int(sys.argv[1])):
    connections[n % 100].incoming.append(Message(n))
gc.enable()
gc.collect()
common.run(lambda i: None, hz=2)
