# SPDX-License-Identifier: BSD-2-Clause
"""Has a little of everything that is found through tables of offsets: two threads, classes in
classes, frames that hold objects, a generator. At rest, with a second interpreter where there can be
one, it waits for the end of its input; `busy` it collects, and makes objects and drops them."""
import gc
import sys
import threading
import time

import common


class Outer(object):
    class Inner(object):
        def __init__(self, peer):
            self.peer = peer


class Shortlived(object):
    pass


def second_interpreter():
    try:
        import _interpreters as interpreters
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return None
    return interpreters.create()


def generate(objects):
    for item in objects:
        yield item


def make():
    return [Shortlived() for _ in range(50)]


def wait(event, held):
    event.wait()
    return held


def main():
    kept = [Outer.Inner([i]) for i in range(500)]
    kept.append(Shortlived())
    generator = generate(kept)
    next(generator)
    event = threading.Event()
    thread = threading.Thread(target=wait, args=(event, Outer.Inner([0])))
    thread.start()
    gc.collect()
    if "busy" in sys.argv[1:]:
        common.ready()
        while not common.wait_stdin(0.001):
            for _ in range(20):
                make()
            gc.collect(0)
    else:
        kept.append(second_interpreter())
        gc.collect()
        common.ready()
        sys.stdin.read()
    event.set()
    thread.join()


main()
