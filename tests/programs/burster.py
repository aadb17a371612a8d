# SPDX-License-Identifier: BSD-2-Clause
"""At rest until told. Obeys one command a line on stdin and answers one line on stdout: `burst S`
makes and drops objects as fast as it goes for S seconds -> {"loops": how many, per 100 ms};
`fine S`: the same -> {"times": of each 500 loops, in ns};
`trickle S`: the same 50 times a second -> {"loops": [how many]}; `exec`: becomes itself anew, under
the same pid -> READY. Right verdict: nothing leaks."""
import json
import os
import sys
import time

import common


class Item(object):
    __slots__ = ("left",)


def burst(seconds):
    clock = time.perf_counter
    loops = []
    begin = clock()
    due = begin + 0.1
    done = 0
    while True:
        for _ in range(200):
            Item()
        done += 200
        now = clock()
        if now >= due:
            loops.append(done)
            done = 0
            due += 0.1
            if now - begin >= seconds:
                return loops


def fine(seconds):
    clock = time.perf_counter_ns
    times = [0] * int(seconds * 100000)
    end = clock() + int(seconds * 1e9)
    for at in range(len(times)):
        for _ in range(500):
            Item()
        times[at] = clock()
        if times[at] >= end:
            break
    return times[:at + 1]


def trickle(seconds):
    for _ in range(int(50 * seconds)):
        Item()
        time.sleep(0.02)
    return [int(50 * seconds)]


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit(0)
        line += byte
    return line.decode()


def main():
    common.ready()
    while True:
        words = read_line().split()
        if words[0] == "exec":
            os.execv(sys.executable, [sys.executable] + sys.argv)
        work = {"burst": burst, "fine": fine, "trickle": trickle}[words[0]]
        answer = {"times" if work is fine else "loops": work(float(words[1]))}
        os.write(1, json.dumps(answer).encode() + b"\n")


main()
