# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in threads and sub-interpreters, and in signal handlers."""
import ctypes
import json
import os
import signal
import sys
import threading

import sites_core
from sites_core import add, case


@case
def threads(make, n, sink):
    """Each has a function of its own, and the lock goes from one to the next all the time."""
    def first():
        for _ in range(n // 4):
            sink(make())

    def second():
        for made in [make() for _ in range(n // 4)]:
            sink(made)

    def third():
        for _ in range(n // 4):
            (lambda: sink(make()))()

    def fourth():
        for _ in map(lambda _: sink(make()), range(n // 4)):
            pass

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    running = [threading.Thread(target=target) for target in (first, second, third, fourth)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    sys.setswitchinterval(interval)


@case
def threads_that_come_and_go(make, n, sink):
    def work():
        sink(make())

    for _ in range(n // 10):
        running = [threading.Thread(target=work) for _ in range(10)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()


@case
def threads_of_c(make, n, sink):
    """Threads that Python did not make, each with a thread state for the length of a call."""
    libc = ctypes.CDLL(None)
    try:
        create, join = libc.pthread_create, libc.pthread_join
    except AttributeError:
        libc = ctypes.CDLL("libpthread.so.0")
        create, join = libc.pthread_create, libc.pthread_join

    @ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    def work(_argument):
        sink(make())

    for _ in range(n // 4):
        running = [ctypes.c_size_t() for _ in range(4)]
        for thread in running:
            create(ctypes.byref(thread), None, work, None)
        for thread in running:
            join(thread, None)


@case
def signal_handler(make, n, sink):
    before = signal.signal(signal.SIGUSR1, lambda _signum, _frame: sink(make()))
    me = os.getpid()
    for _ in range(n):
        os.kill(me, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


class MarkedSub(object):
    """In the sub-interpreters; each has its own, of the same name."""


class Subs(object):
    """Two sub-interpreters that stay."""
    script = ("import sys; sys.path.insert(0, %r) if sys.path[:1] != [%r] else 0\n"
              "import sites_sub\nsites_sub.run(%d, %d, %d, %d)\n")

    def __init__(self):
        self.pipe = os.pipe()
        self.made = []

    def __call__(self, make, n, sink):
        if not self.made:
            self.made = [create(), create()]
        here = os.path.dirname(os.path.abspath(__file__))
        for ident in self.made:
            # What was kept by an earlier call goes.
            interpreters.run_string(ident, self.script % (
                here, here, self.pipe[1], n // 2, make is sites_core.note,
                sink is not sites_core.dropped))
            # They are kept in there.
            sites_core.kept.extend([None] * (0 if sink is sites_core.dropped else n // 2))
            text = b""
            while not text.endswith(b"\n"):
                text += os.read(self.pipe[0], 65536)
            sites_core.notes.extend(tuple(tuple(frame) for frame in stack)
                                    for stack in json.loads(text.decode()))


def create():
    try:
        return interpreters.create("legacy")
    except (TypeError, ValueError):
        pass
    try:
        return interpreters.create(isolated=False)
    except TypeError:
        return interpreters.create()


try:
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
except ImportError:
    interpreters = None

if interpreters:
    add(Subs(), MarkedSub, maker=tuple, name="sub_interpreters")
