# SPDX-License-Identifier: BSD-2-Clause
"""What sites_threads.py runs in sub-interpreters."""
import json
import os

import sites_core


class MarkedSub(object):
    pass


MarkedSub.__module__ = "sites_threads"
anchor = MarkedSub()
Learner = sites_core.learner(object)


def allocate(make, n, sink):
    for _ in range(n):
        sink(
            make())


def run(writer, n, learning, keep):
    del sites_core.kept[:], sites_core.notes[:]
    make, sink = Learner if learning else MarkedSub, sites_core.dropped
    if keep and not learning:
        sink = sites_core.kept.append
    allocate(make, n, sink)
    data = json.dumps(sites_core.notes).encode() + b"\n"
    while data:
        data = data[os.write(writer, data):]
