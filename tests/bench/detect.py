#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Watches every program of tests/programs/corpus.tsv and compares what the tool says with what the
program does. A leak passes when a verdict `leak` or `native` names it within 30 s of watching; a
healthy program passes when no such verdict is ever printed. One table per Python; exit status 1
when something failed."""
import argparse
import atexit
import concurrent.futures
import fnmatch
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(os.path.dirname(HERE), "programs")
CALLED = ("leak", "native")
# Verdicts from harmless to serious.
ORDER = ("stable", "saturating", "sawtooth", "gc-lag", "suspect", "native", "leak")
LEAK_LIMIT_S = 30.0
START_S = 20.0
STOP_S = 5.0
# What the tool may take beyond its duration: attach, detach, a loaded machine.
GRACE_S = 30.0

_children = set()
_lock = threading.Lock()
_ending = threading.Event()


def spawn(command, **options):
    with _lock:
        if _ending.is_set():
            raise RuntimeError("ending")
        child = subprocess.Popen(command, **options)
        _children.add(child)
    return child


def reap(child):
    """End a child and forget it; SIGTERM first, so that it can detach."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()
    with _lock:
        _children.discard(child)


def reap_all():
    _ending.set()
    with _lock:
        children = list(_children)
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_S
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def on_signal(number, _frame):
    raise SystemExit(128 + number)


def read_corpus(only):
    cases = []
    with open(os.path.join(PROGRAMS, "corpus.tsv")) as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            program, kind, verdicts, names, what = line.split("\t")
            if any(fnmatch.fnmatch(program, glob) for glob in only):
                cases.append({"program": program, "kind": kind, "verdicts": verdicts.split(","),
                              "names": [] if names == "-" else names.split("|"), "what": what})
    return cases


def wait_ready(child):
    """The pid that the program prints when it is ready; None: it ended or said nothing."""
    line = b""
    deadline = time.monotonic() + START_S
    while not line.endswith(b"\n"):
        if not select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        byte = os.read(child.stdout.fileno(), 1)
        if not byte:
            return None
        line += byte
    word, _, pid = line.decode("ascii", "replace").partition(" ")
    return int(pid) if word == "READY" and pid.strip().isdigit() else None


def last_line(path):
    with open(path, errors="replace") as lines:
        said = lines.read().strip().splitlines()
    return said[-1] if said else "silent"


def drain(stream):
    """Read what a program prints so that it never waits for us."""
    def loop():
        while os.read(stream.fileno(), 65536):
            pass
    threading.Thread(target=loop, daemon=True).start()


def blamed(verdict):
    """Every name that a verdict shows to its reader as the culprit."""
    return [name for name in (verdict["type"], verdict["holds"]) if name]


class Watch:
    """What the lines of one run say."""

    def __init__(self):
        self.first_census_s = None
        self.censuses = 0
        self.calls = []  # (watch_s, verdict) of heads called leak or native.
        self.last = None  # verdicts of the newest status
        self.highest = "stable"
        self.highest_head = None
        self.summary = None
        self._watch_s = None

    def take(self, line):
        if line["kind"] == "census":
            self.last = []
            if line["instrument"] != "none":
                self.censuses += 1
                if self.first_census_s is None:
                    self.first_census_s = line["watch_s"]
        elif line["kind"] == "verdict":
            if self.last is not None:
                self.last.append(line)
            if line["head"] and line["verdict"] in CALLED:
                self.calls.append((line["watch_s"], line))
            rank = ORDER.index(line["verdict"]) if line["verdict"] in ORDER else len(ORDER)
            if rank > ORDER.index(self.highest):
                self.highest = line["verdict"]
                self.highest_head = line
        elif line["kind"] == "summary":
            self.summary = line


def run_tool(tool, pid, seconds, log, errors):
    child = spawn([tool, "-p", str(pid), "-i", "1", "--format", "json", "-d", str(seconds)],
                  stdin=subprocess.DEVNULL, stdout=log, stderr=errors)
    try:
        return child.wait(seconds + GRACE_S)
    except subprocess.TimeoutExpired:
        return "hung"
    finally:
        reap(child)


def result(case, state, note="", **more):
    return dict({"case": case, "state": state, "note": note, "at": None, "named": "-",
                 "confidence": None, "highest": "-", "called": "-"}, **more)


def judge(case, watch):
    """Passed or failed, with the call that decided it: the first that names the leak, else the
    first of all."""
    calls = watch.calls
    found = None
    if case["kind"] == "leak":
        for at, verdict in calls:
            if verdict["verdict"] in case["verdicts"] and any(
                    word in name for word in case["names"] for name in blamed(verdict)):
                found = (at, verdict)
                break
    shown = found or (calls[0] if calls else None)
    if case["kind"] == "leak":
        passed = found is not None and found[0] <= LEAK_LIMIT_S
        note = ""
        if not passed:
            note = "not called" if not calls else "named something else" if not found else "late"
        if calls and not found and any(word in name for word in case["names"]
                                       for _, verdict in calls for name in verdict["grows_with"]):
            note += ", the right name is in grows_with"
        others = sorted({v["type"] for at, v in calls if found and v["type"] != found[1]["type"]})
        if passed and others:
            note = "also called: " + ", ".join(others)
    else:
        passed = not calls
        note = "" if passed else "%d calls, last at %.0f s" % (len(calls), calls[-1][0])
    out = result(case, "passed" if passed else "FAILED", note, highest=watch.highest)
    if shown:
        at, verdict = shown
        out.update(called=verdict["verdict"], at=at, named="/".join(blamed(verdict)),
                   confidence=verdict["confidence"])
    elif watch.highest_head:
        out.update(named="(%s)" % "/".join(blamed(watch.highest_head)),
                   confidence=watch.highest_head["confidence"])
    return out


def run_case(case, python, args, folder):
    program = os.path.join(PROGRAMS, case["program"])
    stem = os.path.join(folder, case["program"][:-3])
    child = None
    try:
        with open(stem + ".err", "wb") as errors:
            child = spawn([python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=errors, cwd=folder)
        pid = wait_ready(child)
        if pid is None:
            reap(child)
            return result(case, "skipped", "does not start here: " + last_line(stem + ".err"))
        drain(child.stdout)
        seconds = args.leak_seconds if case["kind"] == "leak" else args.healthy_seconds
        with open(stem + ".jsonl", "wb") as log, open(stem + ".tool", "wb") as errors:
            status = run_tool(args.tool, pid, seconds, log, errors)
        watch = Watch()
        with open(stem + ".jsonl", errors="replace") as lines:
            for line in lines:
                # A tool that was killed may have left half a line.
                if line.endswith("\n"):
                    watch.take(json.loads(line))
        if status != 0:
            # An exception is the program's own; a signal could be our doing.
            if not watch.censuses and child.poll() == 1:
                return result(case, "skipped", "does not run here: " + last_line(stem + ".err"))
            return result(case, "FAILED", "tool: %s %s" % (status, last_line(stem + ".tool")))
        if watch.summary is None or not watch.censuses:
            return result(case, "FAILED", "no census")
        if watch.summary["end"] != "duration":
            return result(case, "FAILED", "the program ended under watch")
        if child.poll() is not None:
            return result(case, "FAILED", "the program died: status %s" % child.returncode)
        return judge(case, watch)
    except (ValueError, KeyError) as error:
        return result(case, "FAILED", "bad JSON: %s" % error)
    finally:
        if child is not None:
            reap(child)
            child.stdin.close()


def table(results):
    rows = [("program", "expected", "called", "at s", "named", "conf", "highest", "")]
    for r in results:
        rows.append((r["case"]["program"], r["case"]["kind"], r["called"],
                     "-" if r["at"] is None else "%.1f" % r["at"], r["named"],
                     "-" if r["confidence"] is None else "%.2f" % r["confidence"], r["highest"],
                     "%s%s" % (r["state"], ": " + r["note"] if r["note"] else "")))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " + row[7])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", metavar="TOOL")
    parser.add_argument("--python", action="append", help="repeatable; /usr/bin/python3")
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--only", action="append", metavar="GLOB",
                        help="programs, repeatable: 'leak_*'")
    parser.add_argument("--healthy-seconds", type=int, default=120)
    parser.add_argument("--leak-seconds", type=int, default=32)
    parser.add_argument("--keep", metavar="FOLDER", help="keep the JSON lines of every run there")
    args = parser.parse_args()
    args.tool = shutil.which(args.tool) or parser.error("no such program: " + args.tool)
    args.tool = os.path.abspath(args.tool)
    cases = read_corpus(args.only or ["*"])
    if not cases:
        parser.error("no program matches")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, on_signal)
    folder = os.path.abspath(args.keep) if args.keep else tempfile.mkdtemp(prefix="pyleak-detect-")
    if not args.keep:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(reap_all)
    # The long ones first: the run is then as short as the number of jobs allows.
    order = sorted(cases, key=lambda case: case["kind"] == "leak")
    total = {"passed": 0, "FAILED": 0, "skipped": 0}
    for python in args.python or ["/usr/bin/python3"]:
        version = subprocess.run([python, "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 check=True).stdout.decode().strip()
        place = os.path.join(folder, version.replace(" ", "-"))
        os.makedirs(place, exist_ok=True)
        print("== %s (%s), %d programs, %d at once" % (python, version, len(cases), args.jobs),
              flush=True)
        pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
        futures = {case["program"]: pool.submit(run_case, case, python, args, place)
                   for case in order}
        try:
            results = [futures[case["program"]].result() for case in cases]
        finally:
            # The threads wait for children: end these first.
            if sys.exc_info()[0]:
                for future in futures.values():
                    future.cancel()
                reap_all()
            pool.shutdown()
        table(results)
        for r in results:
            total[r["state"]] += 1
    print("%d passed, %d failed, %d skipped" % (total["passed"], total["FAILED"], total["skipped"]))
    return 1 if total["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
