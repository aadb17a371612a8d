# SPDX-License-Identifier: BSD-2-Clause
"""Probes on allocations: what a hit costs, what exact counts cost, and that windows stay within the
budget when a target allocates as fast as it can."""
import json
import os
import re
import shutil
import statistics
import subprocess
import threading
import time

import others
from entries import Entries
from measure import HERE, QUICK, WAIT_S, Child, row, spread, title

PROGRAMS = os.path.join(os.path.dirname(HERE), "programs")
BUSY = os.path.join(PROGRAMS, "busy_alloc.py")


class Lines(Child):
    """A child whose lines are kept with the time that they came."""

    def __init__(self, command):
        super().__init__(command)
        self.lines = []
        self.came = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for text in iter(self.process.stdout.readline, b""):
            with self.came:
                self.lines.append((time.monotonic(), text.decode()))
                self.came.notify_all()
        with self.came:
            self.lines.append((time.monotonic(), ""))
            self.came.notify_all()

    def wait_for(self, wanted):
        """The first line for which wanted(line) is true, and when it came."""
        with self.came:
            seen = 0
            while True:
                while seen < len(self.lines):
                    when, text = self.lines[seen]
                    if not text:
                        raise RuntimeError("%s ended" % self.process.args)
                    if wanted(text):
                        return when, text
                    seen += 1
                if not self.came.wait(WAIT_S):
                    raise RuntimeError("%s says nothing" % self.process.args)

    def finish(self):
        """Wait for the end; its lines."""
        with self.came:
            if not self.came.wait_for(lambda: self.lines and not self.lines[-1][1], WAIT_S):
                raise RuntimeError("%s does not end" % self.process.args)
        self.end()
        return [text for _, text in self.lines]


def rate(busy, begin, end, clock=1):
    """Requests per second of busy_alloc.py between two moments; clock 2: per second of CPU time."""
    with busy.came:
        marks = [text.split() for when, text in busy.lines
                 if begin <= when <= end and text.startswith("AT ")]
    if len(marks) < 2:
        raise RuntimeError("nothing was measured")
    return (int(marks[-1][3]) - int(marks[0][3])) / (
        float(marks[-1][clock]) - float(marks[0][clock]))


def let_run(busy, seconds):
    """Wait; the moments between which it ran."""
    begin = time.monotonic()
    busy.wait_for(lambda text: time.monotonic() > begin + seconds)
    return begin, time.monotonic()


def rest(busy, seconds, clock=1):
    """Rate while nobody watches."""
    return rate(busy, *let_run(busy, seconds), clock)


def is_kind(text, kind):
    return text.startswith("{") and json.loads(text)["kind"] == kind


def price_of(args, pid):
    """What the tool says of a hit when it measures one on itself: ns, of it the trap."""
    run = subprocess.run([args.tool, "-vv", "stat", "-p", str(pid), "--exact", "-d", "0.1"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = run.stderr.decode()
    if run.returncode:
        raise RuntimeError("%s: %s" % (args.tool, said.splitlines()[-1]))
    found = re.search(r"a hit costs (\d+) ns, of it the trap (\d+)", said)
    return float(found.group(1)), float(found.group(2))


def exact_phase(args, busy, seconds):
    """The last line of exact counts over so many seconds, and between which moments it counted."""
    tool = Lines([args.tool, "stat", "-p", str(busy.pid), "--exact", "-i", "1",
                  "-d", str(seconds + 2), "--format", "json"])
    # Attaching and trying the places come before; it says itself for how long it counted.
    until, text = tool.wait_for(lambda text: is_kind(text, "exact"))
    last = json.loads(text)
    tool.finish()
    let_run(busy, 0.5)
    return last, until - last["elapsed_s"] + 0.1, until - 0.1


def exact_rows(args, busy, seconds, count):
    alone, ratios, shares, traps, hits, drifts = [rest(busy, 2, 2)], [], [], [], [], []
    for _ in range(count):
        last, begin, end = exact_phase(args, busy, seconds)
        alone.append(rest(busy, 2, 2))
        request_s = 2 / (alone[-2] + alone[-1])
        hits.append((last["allocs"] + last["frees"]) / last["elapsed_s"] / rate(busy, begin, end))
        ratios.append(1 / rate(busy, begin, end, 2) / request_s)
        traps.append(1 + hits[-1] * price_of(args, busy.pid)[1] / 1e9 / request_s)
        shares.append(last.get("target_share", 0) * 100)
        if last.get("anchored_live"):
            drifts.append(100.0 * last["drift"] / last["anchored_live"])
    row("requests per second of CPU time, alone", spread(alone, "%.0f"))
    row("exact: hits per request", spread(hits, "%.1f"))
    row("exact, CPU time per request", spread(ratios, "%.2f"), "<= 4.5",
        statistics.median(ratios) <= 4.5)
    row("the same hits, if each cost its trap alone", spread(traps, "%.2f"))
    row("share the tool says it took, %", spread(shares, "%.0f"))
    row("drift at the last census, % of the objects", spread(drifts, "%.2f"))


def entry_rows(busy, seconds):
    """Probes where symbols are, once."""
    if not shutil.which("readelf"):
        row("entries", "not measured: no readelf (binutils)")
        return
    before = rest(busy, seconds, 2)
    entries = Entries(busy.pid)
    entries.enable(True)
    begin, hits = let_run(busy, 0.5)[1], entries.hits()
    let_run(busy, seconds)
    hits, end = entries.hits() - hits, time.monotonic()
    entries.close()
    row("entries of %d functions: hits per request" % len(entries.names),
        "%.1f" % (hits / (end - begin) / rate(busy, begin, end)))
    row("entries, CPU time per request", "%.2f" % (before / rate(busy, begin, end, 2)))


def part_exact(args):
    seconds, count = (3, 3) if QUICK else (5, 6)
    title("every allocation followed, on busy_alloc.py: %d phases of %d s, and as many without" % (
        count, seconds),
          "%s tests/programs/busy_alloc.py forever & %s stat -p $! --exact -d %d" % (
              args.python, args.shown, seconds + 2),
          "%s -X tracemalloc=1 tests/programs/busy_alloc.py %d" % (args.python, seconds))
    busy = Lines([args.python, BUSY, "forever", "0.1"])
    busy.wait_for(lambda text: text.startswith("READY"))
    exact_rows(args, busy, seconds, count)
    entry_rows(busy, seconds)
    busy.process.stdin.close()
    busy.finish()
    others.rows(args)


def part_hit(args):
    count = 3 if QUICK else 9
    title("a hit of an exact probe, %d times measured by the tool on itself" % count,
          "%s -vv stat -p PID --exact -d 0.1 2>&1 | grep 'a hit costs'" % args.shown)
    target = Child([args.python, BURSTER])
    target.expect("READY")
    hits, traps = [], []
    for _ in range(count):
        hit, trap = price_of(args, target.pid)
        hits.append(hit)
        traps.append(trap)
    target.end("eof")
    row("the trap alone, ns", spread(traps, "%.0f"))
    row("a hit, ns", spread(hits, "%.0f"))
    beyond = [hit - trap for hit, trap in zip(hits, traps)]
    row("beyond the trap, ns", spread(beyond, "%.0f"), "<= 100", statistics.median(beyond) <= 100)
