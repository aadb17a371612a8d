# SPDX-License-Identifier: BSD-2-Clause
"""Has two children for as long as it lives, one of them forked by a second thread, and forks a
third every 100 ms which exits at once, beside traffic. Right verdict: stable."""
import os
import threading

import common


def fork_lasting(mine, parents):
    """A child that goes when its parent does, in whatever way: the pipe is at its end then."""
    pid = os.fork()
    if pid == 0:
        os.close(parents)
        os.read(mine, 1)
        os._exit(0)
    return pid


def fork_in_a_thread(forked, pipe):
    pid = fork_lasting(*pipe)
    forked.set()
    os.waitpid(pid, 0)  # a thread that ends leaves its children to another


def tick(i):
    common.traffic(10)
    pid = os.fork()
    if pid == 0:
        common.traffic(10)
        os._exit(0)
    os.waitpid(pid, 0)


pipe = os.pipe()
forked = threading.Event()
fork_lasting(*pipe)
thread = threading.Thread(target=fork_in_a_thread, args=(forked, pipe))
thread.daemon = True
thread.start()
forked.wait()
common.run(tick, hz=10)
