# SPDX-License-Identifier: BSD-2-Clause
"""What the main job takes from a program that leaks, after the verdict: censuses and windows. A
shared machine changes its speed by more than that, so beside the program's speed stands what it runs
in the kernel: probes and what is behind them run there, and it has little else to do there."""
import json
import shutil
import signal
import statistics
import subprocess
import time

from allocs import BUSY, Lines, is_kind, rate
from measure import QUICK, row, spread, title

EVENTS = "cycles:u,cycles:k"


class Phase:
    """So many seconds of the program: how fast it was, and which share of its cycles the kernel had,
    in % (None: perf is not there, or counts no cycles on this machine)."""

    def __init__(self, busy, seconds):
        begin = time.monotonic()
        perf = ["perf", "stat", "-x,", "-e", EVENTS, "-p", str(busy.pid)] if shutil.which(
            "perf") else []
        run = subprocess.run(perf + ["sleep", str(seconds)], stderr=subprocess.PIPE, check=True)
        self.rate = rate(busy, begin, time.monotonic(), 2)
        counts = [line.split(",")[0] for line in run.stderr.decode().splitlines()]
        self.kernel = None
        if len(counts) == 2 and all(count.isdigit() for count in counts):
            user, kernel = map(int, counts)
            self.kernel = 100.0 * kernel / (user + kernel)


class Watched:
    """The same after the verdict, and what the tool says that it took meanwhile."""

    def __init__(self, args, busy, seconds):
        tool = Lines([args.tool, "-p", str(busy.pid), "-i", "1", "--format", "json"])
        tool.wait_for(lambda text: is_kind(text, "verdict") and '"verdict":"leak"' in text)
        self.phase = Phase(busy, seconds)
        tool.process.send_signal(signal.SIGINT)
        said = [json.loads(text) for text in tool.finish() if text]
        verdict = next(i for i, line in enumerate(said)
                       if line["kind"] == "verdict" and line["verdict"] == "leak")
        costs = [line["cost"] for line in said[:verdict] if "cost" in line]
        before, after = costs[-1], said[-1]["cost"]
        spent = [cost["target_share"] * cost["elapsed_s"] for cost in (before, after)]
        self.share = 100 * (spent[1] - spent[0]) / (after["elapsed_s"] - before["elapsed_s"])
        self.windows = [line["windows"] for line in said if "windows" in line][-1]


def part_job(args):
    count, alone_s, minute_s = (1, 5, 15) if QUICK else (5, 30, 60)
    title("the main job on busy_alloc.py, which leaks: %d times the %d s after the verdict" % (
        count, minute_s),
          "%s tests/programs/busy_alloc.py forever 0.1 1000 & %s -p $!" % (args.python, args.shown),
          "perf stat -e %s -p PID sleep %d     before, and after the verdict" % (EVENTS, minute_s))
    busy = Lines([args.python, BUSY, "forever", "0.1", "1000"])
    busy.wait_for(lambda text: text.startswith("READY"))
    alone, watched = [Phase(busy, alone_s)], []
    for _ in range(count):
        watched.append(Watched(args, busy, minute_s))
        alone.append(Phase(busy, alone_s))
    busy.process.stdin.close()
    busy.finish()
    row("share the tool says it took, %", spread([one.share for one in watched], "%.2f"))
    row("windows per run", spread([one.windows for one in watched], "%.0f"))
    sides = list(zip(alone, alone[1:]))
    if any(phase.kernel is None for phase in alone):
        row("kernel's share of its cycles", "perf (linux-perf) counts none here")
    else:
        row("kernel's share of its cycles, alone, %", spread([one.kernel for one in alone], "%.2f"))
        more = [one.phase.kernel - (before.kernel + behind.kernel) / 2
                for one, (before, behind) in zip(watched, sides)]
        row("so much more while watched, %", spread(more, "%.2f"), "<= 1",
            statistics.median(more) <= 1)
    ratios = [(before.rate + behind.rate) / 2 / one.phase.rate
              for one, (before, behind) in zip(watched, sides)]
    row("watched / alone, CPU time per request", spread(ratios), "<= 1.01",
        statistics.median(ratios) <= 1.01)
    row("alone / alone, neighbouring phases", spread(
        [before.rate / behind.rate for before, behind in sides]))
