#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures what the project promises: one table per promise, each number with the command that
repeats it. Runs are paired and alternate which of the two comes first, so that a machine that
others use disturbs both alike; quoted are the median and [least..most] of the pairs' ratios.
Needs root and a quiet machine. BENCH_QUICK=1: 4 minutes instead of 18."""
import argparse
import atexit
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

from allocs import part_exact, part_hit
from job import part_job
from measure import HERE, QUICK, WAIT_S, Child, children, end_all, row, spread, title
from snapshots import part_snapshot
from windows import part_windows

PROGRAMS = os.path.join(os.path.dirname(HERE), "programs")
BUSY = os.path.join(PROGRAMS, "busy_alloc.py")
WEB = os.path.join(HERE, "web_server.py")
HEAP = os.path.join(HERE, "heap.py")


def on_signal(number, _frame):
    raise SystemExit(128 + number)


class Tool(Child):
    """The tool at work; reading its lines never holds it up."""

    def __init__(self, path, pid, *options):
        super().__init__([path, "-p", str(pid), "-i", "1", "--format", "json"] + list(options))
        self.lines = []
        self.first_census_s = None
        self.attached = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for text in iter(self.process.stdout.readline, b""):
            line = json.loads(text)
            if line["kind"] == "census" and line["instrument"] != "none":
                if self.first_census_s is None:
                    self.first_census_s = time.monotonic() - self.started
                    self.first_instrument = line["instrument"]
                self.attached.set()
            self.lines.append(line)
        self.attached.set()

    def finish(self, how=None):
        timer = self.kill_later(WAIT_S)
        if how is not None:
            self.process.send_signal(how)
        self.reader.join()
        _, status, self.usage = os.wait4(self.pid, 0)
        timer.cancel()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        children.remove(self)
        if self.process.returncode != 0 or not self.lines or self.lines[-1]["kind"] != "summary":
            raise RuntimeError("the tool failed: status %d" % self.process.returncode)
        return self.lines[-1]


def run_busy(args, seconds, watched=False):
    """Seconds of wall and CPU per 1000 requests."""
    busy = Child([args.python, BUSY, str(seconds)])
    tool = None
    busy.expect("READY")
    if watched:
        tool = Tool(args.tool, busy.pid)
    words = busy.expect("REQUESTS")
    busy.end()
    requests = int(words[1])
    summary = tool.finish() if tool else None
    return {"wall": float(words[3]) / requests * 1e3, "cpu": busy.cpu_s() / requests * 1e3,
            "summary": summary}


def run_web(args, seconds, watched=False):
    server = Child([args.python, WEB])
    port = server.expect("READY")[1]
    tool = None
    if watched:
        tool = Tool(args.tool, server.pid)
        tool.attached.wait(5)
    load = Child([args.python, WEB, "load", port, str(seconds)])
    requests = int(load.expect("REQUESTS")[1])
    load.end()
    summary = tool.finish(signal.SIGINT) if tool else None
    server.end("eof")
    return {"wall": seconds / requests * 1e3, "cpu": server.cpu_s() / requests * 1e3,
            "summary": summary}


def pairs(count, run):
    """Ratios watched / alone of each pair, and the summaries of the watched runs."""
    ratios = {"wall": [], "cpu": []}
    alone, summaries = [], []
    for n in range(count):
        got = {}
        for watched in ((False, True) if n % 2 == 0 else (True, False)):
            got[watched] = run(watched)
        for clock in ratios:
            ratios[clock].append(got[True][clock] / got[False][clock])
        alone.append(1e3 / got[False]["wall"])
        summaries.append(got[True]["summary"])
    return ratios, alone, summaries


def slowdown(args, name, seconds, count, run, commands):
    title("slowdown of the default mode: %s, %d pairs of %g s" % (name, count, seconds), *commands)
    ratios, alone, summaries = pairs(count, run)
    row("requests per second, alone", spread(alone, "%.0f"))
    row("watched / alone, CPU time per request", spread(ratios["cpu"]), "<= 1.01",
        statistics.median(ratios["cpu"]) <= 1.01)
    row("watched / alone, wall time per request", spread(ratios["wall"]), "<= 1.01",
        statistics.median(ratios["wall"]) <= 1.01)
    row("share the tool says it took, %", spread(
        [s["cost"]["target_share"] * 100 for s in summaries], "%.2f"))
    row("censuses per run", spread([s["censuses"] for s in summaries], "%.0f"))


def part_busy(args):
    seconds, count = (3, 4) if QUICK else (6, 10)
    slowdown(args, "tests/programs/busy_alloc.py", seconds, count,
             lambda watched: run_busy(args, seconds, watched),
             ["%s tests/programs/busy_alloc.py %g & %s -p $! -i 1" % (args.python, seconds,
                                                                      args.shown)])


def part_web(args):
    seconds, count = (3, 3) if QUICK else (5, 8)
    slowdown(args, "tests/bench/web_server.py", seconds, count,
             lambda watched: run_web(args, seconds, watched),
             ["%s tests/bench/web_server.py </dev/zero & %s -p $! -i 1" % (args.python, args.shown),
              "%s tests/bench/web_server.py load PORT %g" % (args.python, seconds)])


def part_census(args):
    # A census of 2M objects is 10 s of the budget, so that one takes longer.
    sizes = [(0, "start-up heap", 5, 10), (300000, "0.3M objects", 8, 20),
             (2000000, "2M objects", 20, 40)]
    title("cost of a census; --max-pause 10", "%s tests/bench/heap.py N & %s -p $! -i 1 -d %s" % (
        args.python, args.shown, "/".join(str(x[2 if QUICK else 3]) for x in sizes)))
    for size, name, short, full in sizes:
        seconds = short if QUICK else full
        heap = Child([args.python, HEAP, str(size)])
        heap.expect("READY")
        tool = Tool(args.tool, heap.pid, "-d", str(seconds))
        summary = tool.finish()
        heap.end(signal.SIGTERM)
        cost = summary["cost"]
        by = ", ".join("%d %s" % (n, k) for k, n in sorted(summary["censuses_by"].items()) if n)
        row(name + ": ns per object", "%.1f" % cost["ns_per_object"], "<= 50" if size else "",
            cost["ns_per_object"] <= 50 if size else None)
        row(name + ": longest pause, ms", "%.2f" % (cost["longest_pause_s"] * 1e3), "<= 10",
            cost["longest_pause_s"] <= 0.0105)
        row(name + ": censuses", by or "none", ">= 1", by != "")
        row(name + ": share of the target, %", "%.2f" % (cost["target_share"] * 100), "<= 1",
            cost["target_share"] <= 0.0105)
        if summary["losses"]:
            row(name + ": losses", ", ".join("%s %d" % (x["name"], x["count"])
                                             for x in summary["losses"]))


def part_first(args):
    count = 3 if QUICK else 7
    title("time to the first census on a busy target, %d starts of the tool" % count,
          "%s tests/programs/busy_alloc.py forever & time %s types -p $!" % (args.python,
                                                                           args.shown))
    busy = Child([args.python, BUSY, "forever"])
    busy.expect("READY")
    times, watch, instruments = [], [], set()
    for _ in range(count):
        tool = Tool(args.tool, busy.pid)
        tool.attached.wait(15)
        tool.finish(signal.SIGINT)
        if tool.first_census_s is not None:
            times.append(tool.first_census_s)
            watch.append(next(x["watch_s"] for x in tool.lines if x["kind"] == "census"))
            instruments.add(tool.first_instrument)
    busy.end("eof")
    row("from the start of the tool to its line, s", spread(times, "%.2f"), "<= 1",
        bool(times) and max(times) <= 1 and len(times) == count)
    row("from attached to counted, s", spread(watch, "%.2f"))
    row("instrument", ", ".join(sorted(instruments)))


def part_tool(args):
    seconds = 8 if QUICK else 20
    title("the tool itself while watching for %d s" % seconds,
          "%s tests/programs/busy_alloc.py forever & %s -p $! -i 1 -d %d" % (
              args.python, args.shown, seconds))
    for name, command in (("busy_alloc.py", [args.python, BUSY, "forever"]),
                          ("idle, 0.3M objects", [args.python, os.path.join(PROGRAMS, "big_heap.py"),
                                                 "300000"])):
        target = Child(command)
        target.expect("READY")
        tool = Tool(args.tool, target.pid, "-d", str(seconds))
        tool.attached.wait(10)
        # Starting up and loading BPF programs is not watching.
        started = cpu_of(tool.pid)
        since = time.monotonic()
        while time.monotonic() - tool.started < seconds - 0.5:
            time.sleep(0.2)
        share = (cpu_of(tool.pid) - started) / (time.monotonic() - since)
        tool.finish()
        target.end(signal.SIGTERM)
        row(name + ": CPU while watching, % of a core", "%.2f" % (share * 100), "<= 1",
            share <= 0.01)
        row(name + ": CPU with start and end, s", "%.2f" % tool.cpu_s())
        row(name + ": RSS at most, MB", "%.1f" % (tool.usage.ru_maxrss / 1024), "<= 40",
            tool.usage.ru_maxrss / 1024 <= 40)


def cpu_of(pid):
    """CPU seconds of all threads that live."""
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as text:
            total += int(text.read().split()[0])
    return total / 1e9


PARTS = {"busy": part_busy, "web": part_web, "census": part_census, "first": part_first,
         "tool": part_tool, "snapshot": part_snapshot, "hit": part_hit,
         "windows": part_windows, "exact": part_exact, "job": part_job}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", metavar="TOOL")
    parser.add_argument("parts", metavar="PART", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--python", default="/usr/bin/python3")
    args = parser.parse_args()
    args.shown = args.tool
    args.tool = os.path.abspath(shutil.which(args.tool) or parser.error("no such program"))
    for name in args.parts:
        if name not in PARTS:
            parser.error("no such part: " + name)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, on_signal)
    atexit.register(end_all)
    python = subprocess.run([args.python, "-V"], stdout=subprocess.PIPE, check=True).stdout
    print("%s; Linux %s; %d cores, load %.2f; %s%s" % (
        python.decode().strip(), os.uname().release, os.cpu_count(), os.getloadavg()[0],
        time.strftime("%Y-%m-%d"), "; BENCH_QUICK=1" if QUICK else ""))
    began = time.monotonic()
    for name in args.parts or PARTS:
        PARTS[name](args)
    print("\n%.0f s" % (time.monotonic() - began))


if __name__ == "__main__":
    main()
