# SPDX-License-Identifier: BSD-2-Clause
"""What windows of allocation probes take from a target that allocates as fast as it can, beside
their price. The target writes down how far it is 30 times a millisecond, so a window is seen
against the moments before and behind it. Where these differ, somebody else changed the speed of the
machine: that window says nothing."""
import bisect
import json
import os
import re
import statistics
import subprocess
import threading

from measure import HERE, QUICK, Child, row, spread, title

BURSTER = os.path.join(os.path.dirname(HERE), "programs", "burster.py")
AROUND_NS = 40e6
BETWEEN_NS = 120e6  # so long before a window there is mostly none
BESIDE_NS = 1e6
STEADY = 0.05


class Burst:
    """Of a run of the target: `times` of equal pieces of work."""

    def __init__(self, times):
        self.times = times

    def passed(self, begin, end):
        """Time, and pieces of work."""
        i, j = (bisect.bisect_left(self.times, at) for at in (begin, end))
        return self.times[j] - self.times[i], j - i

    def covers(self, begin, end):
        return self.times[0] < begin and end < self.times[-1]

    def lost(self, begin, end):
        """Nanoseconds, between two moments; None: the ground moved, or is not there."""
        if not self.covers(begin - AROUND_NS, end + AROUND_NS):
            return None
        sides = [self.passed(begin - AROUND_NS, begin - BESIDE_NS),
                 self.passed(end + BESIDE_NS, end + AROUND_NS)]
        if not all(pieces for _, pieces in sides):
            return None
        before, behind = (time / pieces for time, pieces in sides)
        if abs(before - behind) > STEADY * behind:
            return None
        time, pieces = self.passed(begin - BESIDE_NS, end + BESIDE_NS)
        return time - pieces * (before + behind) / 2


def between(burst, windows):
    """What the target lost in moments as long as the windows, but without one."""
    for (_, ended, _), (begin, end, _) in zip(windows, windows[1:]):
        if begin - BETWEEN_NS - AROUND_NS > ended:
            lost = burst.lost(begin - BETWEEN_NS, end - BETWEEN_NS)
            if lost is not None:
                yield lost


def worst_second(windows):
    """The most that windows which begin within a second took of it, as a share."""
    return max(sum(lost for begin, lost in windows if first <= begin < first + 1e9)
               for first, _ in windows) / 1e9


def part_windows(args):
    seconds = 10 if QUICK else 60
    title("windows over a burst of %d s, as fast as it goes; budget 1 %%" % seconds,
          "%s tests/programs/burster.py & %s -vv sites -p $! -t Item -d %d" % (
              args.python, args.shown, seconds))
    target = Child([args.python, BURSTER])
    target.expect("READY")
    target.process.stdin.write(b"fine %d\n" % (seconds + 1))
    target.process.stdin.flush()
    answers = []
    reader = threading.Thread(target=lambda: answers.append(target.line()))
    reader.start()
    said = subprocess.run([args.tool, "-vv", "sites", "-p", str(target.pid), "-t", "Item", "-d",
                           str(seconds), "--format", "json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True)
    reader.join()
    target.end("eof")
    burst = Burst(json.loads(answers[0])["times"])
    found = re.findall(r"window: from (\d+) to (\d+), price (\d+)", said.stderr.decode())
    found = [tuple(map(float, window)) for window in found]
    windows = [(begin, burst.lost(begin, end), price) for begin, end, price in found]
    steady = [window for window in windows if window[1] is not None]
    noise = list(between(burst, found))
    if not steady:
        row("windows while the machine was steady", "none")
        return
    ratio = statistics.mean(lost for _, lost, _ in steady) / statistics.mean(
        price for _, _, price in steady)
    row("windows; of them while the machine was steady", "%d; %d" % (len(windows), len(steady)))
    row("its price, ms", spread([price / 1e6 for _, _, price in steady], "%.2f"))
    row("what the target lost, ms", spread([lost / 1e6 for _, lost, _ in steady], "%.2f"))
    if noise:
        row("what it lost in as long without one, ms", spread([n / 1e6 for n in noise], "%.2f"))
    row("lost / price, of their sums", "%.2f" % ratio)
    row("worst second, by price, %", "%.2f" % (100 * worst_second(
        [(begin, price) for begin, _, price in windows])), "<= 2",
        worst_second([(begin, price) for begin, _, price in windows]) <= 0.02)
    row("worst second, by what was lost, %", "%.2f" % (100 * worst_second(
        [(begin, price if lost is None else lost) for begin, lost, price in windows])))
    for text in said.stdout.decode().splitlines():
        line = json.loads(text)
        if "windows" in line:
            share = 100 * line["target_share"]
            row("share the tool says it took, %", "%.2f" % share, "<= 1", share <= 1.05)
