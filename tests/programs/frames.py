# SPDX-License-Identifier: BSD-2-Clause
"""Threads that rest in all kinds of frames. `frames` -> for each of them, and for one in each of
two more interpreters (id 0), {"id": thread, "frames": [[function, file, line], ...]}, innermost first.
`make N` -> N objects of class Made are made by make_one() and kept: {"type": its address}."""
import functools
import json
import os
import sys
import threading

import common

gate = threading.Lock()
gate.acquire()
pipe = os.pipe()


def rest():
    # In one line: from the word on that it rests, its frames stay as they are.
    os.write(pipe[1], b"!"), gate.acquire()


def nested():
    class Local(object):
        def method(self):
            return (lambda: [rest() for _ in range(1)])()
    Local().method()


def recursive(n=100):
    if n:
        recursive(
            n - 1
        )
    else:
        rest()


def generate():
    yield rest()


def delegate():
    yield from generate()


def generator():
    for _ in delegate():
        pass


async def innermost():
    rest()


async def coroutine_of():
    await innermost()


def coroutine():
    try:
        coroutine_of().send(None)
    except StopIteration:
        pass


def from_c():
    functools.reduce(lambda a, b: sorted([1], key=lambda _: rest()), [1, 2])


def executed():
    source = u"def \u0444\u0443\u043d\u043a\u0446\u0438\u044f():\n\n    rest()\n\u0444\u0443\u043d\u043a\u0446\u0438\u044f()\n"
    exec(compile(source, u"/tmp/caf\u00e9.py", "exec"), {"rest": rest})


def class_body():
    class Made(object):
        first = 1
        second = rest()
    return Made


def many_lines():
    """Its table of lines is longer than what is copied."""
    lines = ["def long():"] + ["    x = %d" % (i % 7) for i in range(3000)] + ["    rest()", "long()"]
    exec(compile("\n".join(lines), "long.py", "exec"), {"rest": rest})


def finalizer():
    class Dying(object):
        def __del__(self):
            rest()
    Dying()


SHAPES = [nested, recursive, generator, coroutine, from_c, executed, class_body, many_lines,
          finalizer]

# The line that tells is the one that rests.
SUB = """
import json, os, sys

def tell():
    frame, frames = sys._getframe(1), []
    while frame:
        code = frame.f_code
        frames.append([getattr(code, "co_qualname", code.co_name), code.co_filename,
                       frame.f_lineno])
        frame = frame.f_back
    return json.dumps({"id": 0, "frames": frames}).encode()

def inner():
    os.write(%d, tell()), os.read(%d, 1)

def outer(n):
    if n:
        outer(n - 1)
    else:
        inner()

outer(3)
"""

told = []


def start_interpreters():
    try:
        import _interpreters as interpreters
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return
    for _ in range(2):
        sub, pipes = interpreters.create(), os.pipe() + os.pipe()
        script = SUB % (pipes[1], pipes[2])
        thread = threading.Thread(target=interpreters.run_string, args=(sub, script))
        thread.daemon = True
        thread.start()
        told.append(json.loads(os.read(pipes[0], 1 << 16).decode()))


def frames_of(frame):
    frames = []
    while frame:
        code = frame.f_code
        frames.append([getattr(code, "co_qualname", code.co_name), code.co_filename,
                       frame.f_lineno])
        frame = frame.f_back
    return frames


def all_frames(threads):
    current = sys._current_frames()
    return told + [{"id": thread.ident, "frames": frames_of(current[thread.ident])}
                   for thread in threads]


class Made(object):
    __slots__ = ("slot",)


kept = []


def make_one():
    kept.append(Made())


def make(n):
    for _ in range(n):
        make_one()
    return id(Made)


def main():
    threads = [threading.Thread(target=shape) for shape in SHAPES]
    for thread in threads:
        thread.daemon = True
        thread.start()
        os.read(pipe[0], 1)
    start_interpreters()
    common.ready()
    for line in sys.stdin:
        words = line.split()
        answer = {"type": make(int(words[1]))} if words[0] == "make" else all_frames(threads)
        os.write(1, json.dumps(answer).encode() + b"\n")
    os._exit(0)


main()
