#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does the tool notice when an offset in its tables is wrong?

    tests/trust/trust.py TOOL CHANGED-TOOL [--python FILE]... [--table NAME]... [--jobs N] [--verbose]

Each field of each table is changed by each of DELTAS in turn, and every verb that uses it is run on a
real interpreter, until one is refused at the attach. It has to refuse (status 1 and a line that says so), to say in a line or a count of
losses what it does without, or to print what the unchanged tool prints. Anything else is a wrong
figure without a word: that fails.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import queue
import subprocess
import sys

DELTAS = ("8", "-8", "16", "zero")
TIMEOUT_S = 60
NO_CHANGE, BEHIND_THE_END = 98, 99
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What no two runs have in common, and what is of the tool itself.
VOLATILE = {"time", "taken", "pid", "pause_s", "build_s", "copied", "loss"}


def interpreter_of(pid):
    """The process, or the last below it: what starts a container waits for it."""
    with open(f"/proc/{pid}/task/{pid}/children") as text:
        children = text.read().split()
    return interpreter_of(int(children[0])) if children else pid


class Target:
    def __init__(self, python, *mode):
        self.process = subprocess.Popen([python, "tests/programs/offsets.py", *mode],
                                        cwd=os.path.dirname(HERE), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("READY "):
            sys.exit(f"trust: {python} offsets.py: {line!r}")
        self.pid = interpreter_of(self.process.pid)

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def objects(text):
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"kind": "text", "text": line}


class Run:
    """What the tool said and printed."""

    def __init__(self, tool, arguments, pick, change=None):
        env = dict(os.environ, PYLEAK_CHANGE=" ".join(map(str, change or ())))
        try:
            done = subprocess.run([tool, *arguments, "--format", "json"], env=env, text=True,
                                  capture_output=True, errors="replace", timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.status, self.errors, self.out, self.figures, self.said = 124, "", "", [], set()
            return
        self.status, self.errors, self.out = done.returncode, done.stderr, done.stdout
        out = list(objects(done.stdout))
        self.figures = [figures for figures in map(pick, out) if figures]
        self.said = {words for x in [*out, {"errors": done.stderr}] for words in said_in(x)}


def said_in(x):
    """What could not be done: lines on stderr, notes, losses that are not 0."""
    yield from (line for line in x.get("errors", "").splitlines() if line)
    if x.get("kind") == "note":
        yield x["text"]
    yield from ("lost: " + loss["words"] for loss in x.get("losses", []) if loss["count"])
    yield from ("lost: " + reason for reason, cnt in x.get("loss", {}).items() if cnt)


def types_of(x):
    return sorted((t["name"], t["live"], t["bytes"]) for t in x.get("types", []))


# The rest comes and goes.
def kept_types_of(x):
    return [t for t in types_of(x) if t[0] in ("__main__.Inner", "type", "module", "function")]


def paths_of(x):
    return {k: v for k, v in x.items() if k not in VOLATILE}


def places_of(x):
    return x["frames"] if x["kind"] == "site" else None


# The program's mode, the tool's arguments, what is compared.
VERBS = {
    "types": ([], ["types", "-n", "1000"], types_of),
    "types of a busy one": (["busy"], ["types", "-n", "1000"], kept_types_of),
    "backrefs": ([], ["backrefs", "-n", "1000", "-t", "__main__.Inner"], paths_of),
    "sites": (["busy"], ["sites", "-t", "__main__.Shortlived"], places_of),
}
# Seconds that `sites` watches: the first is enough on an idle machine.
WINDOWS = "0.7", "3"
NOTHING_SEEN = "and none were made"
DOUBT = "are not laid out as in"
SNAPSHOTS, STACKS, ALL = ["backrefs"], ["backrefs", "sites"], list(VERBS)
TABLES = {"layout": ALL, "slots": ALL, "frame_slots": STACKS, "code": STACKS, "frame": STACKS,
          "old_frame": STACKS, "cframe": STACKS, "fields": SNAPSHOTS,
          "lists": ["types", "types of a busy one", "backrefs"]}


def judge(truth, run):
    """What happened, and whether it may."""
    if run.status == 124:
        return f"no answer in {TIMEOUT_S} s", False
    if run.status not in (0, 1):
        return f"status {run.status}", False
    if run.status == 1 and NOTHING_SEEN in run.errors:
        return "an empty window", False
    if run.status == 1:
        return ("refused", True) if run.errors.strip() else ("refused without a word", False)
    if run.figures == truth.figures:
        return "right", True
    return ("said", True) if run.said - truth.said else ("WRONG, without a word", False)


def is_refused_at_attach(run):
    return run.status == 1 and "pyleak-bpf: attach: " in run.errors


def first_difference(truth, run):
    for a, b in zip(truth.figures, run.figures):
        if a != b:
            return f"{json.dumps(a)[:300]}\n        not {json.dumps(b)[:300]}"
    return f"{len(run.figures)} lines instead of {len(truth.figures)}"


class Bench:
    """An interpreter's programs, and what the unchanged tool prints of them."""

    def __init__(self, options, python):
        self.options, self.targets, self.truths = options, {}, {}
        for verb, (mode, _, _) in VERBS.items():
            if tuple(mode) not in self.targets:
                self.targets[tuple(mode)] = Target(python, *mode)
            for window in (*WINDOWS, WINDOWS[-1]):
                truth = self.truths[verb] = self.run(options.tool, verb, None, window)
                if not truth.status and truth.figures:
                    break
            else:
                sys.exit(f"trust: {python}: {verb}: {truth.errors}")
            if DOUBT in truth.errors:
                sys.exit(f"trust: {python}: {verb}, with no change: {truth.errors}")

    def run(self, tool, verb, change=None, window=WINDOWS[0]):
        mode, arguments, pick = VERBS[verb]
        pid = self.targets[tuple(mode)].pid
        window = ["-d", window] if verb == "sites" else []
        run = Run(tool, [*arguments, *window, "-p", str(pid)], pick, change)
        if NOTHING_SEEN in run.errors and window[1] != WINDOWS[-1]:
            return self.run(tool, verb, change, WINDOWS[-1])
        return run

    def size_of(self, table):
        """0: this version has none."""
        run = self.run(self.options.changed, "types", (table, 1000000, 8))
        return int(run.out.split()[0]) if run.status == BEHIND_THE_END else 0

    def try_verb(self, verb, change):
        run = self.run(self.options.changed, verb, change)
        if run.status == NO_CHANGE:
            return run, None, True
        what, good = judge(self.truths[verb], run)
        if not good and verb == "sites":  # other programs run
            run = self.run(self.options.changed, verb, change, WINDOWS[-1])
            what, good = judge(self.truths[verb], run)
        return run, what, good

    def explain(self, verb, run):
        yield from sorted(run.said - self.truths[verb].said)[:3]
        if run.status == 0 and run.figures != self.truths[verb].figures:
            yield first_difference(self.truths[verb], run)

    def one(self, change):
        """What happened, for each verb: (verb, what, good, lines)."""
        outcomes = []
        for verb in TABLES[change[0]]:
            run, what, good = self.try_verb(verb, change)
            if what:
                outcomes.append((verb, what, good, list(self.explain(verb, run))))
            # All verbs attach in the same way.
            if not what or is_refused_at_attach(run):
                break
        return outcomes

    def stop(self):
        """How many programs did not survive."""
        dead = sum(not target.is_alive() for target in self.targets.values())
        for target in self.targets.values():
            target.stop()
        return dead


class Trial:
    def __init__(self, options, python):
        self.options, self.python = options, python
        self.counts, self.bad, self.sizes = {}, 0, {}

    def changes(self, bench):
        for table in self.options.table or TABLES:
            self.sizes[table] = bench.size_of(table)
            for index in range(self.sizes[table]):
                yield from ((table, index, delta) for delta in DELTAS)

    def count(self, change, outcomes):
        for verb, what, good, lines in outcomes:
            self.counts[what] = self.counts.get(what, 0) + 1
            self.bad += not good
            if not good or self.options.verbose:
                print("    %s[%d] %s, %s: %s" % (*change, verb, what))
                for line in lines:
                    print("        " + line)

    def all(self):
        benches = [Bench(self.options, self.python) for _ in range(self.options.jobs)]
        free = queue.SimpleQueue()
        for bench in benches:
            free.put(bench)

        def one(change):
            bench = free.get()
            try:
                return bench.one(change)
            finally:
                free.put(bench)

        changes = list(self.changes(benches[0]))
        with concurrent.futures.ThreadPoolExecutor(len(benches)) as pool:
            for change, outcomes in zip(changes, pool.map(one, changes)):
                self.count(change, outcomes)
        self.bad += sum(bench.stop() for bench in benches)
        print(f"{self.python}: " + ", ".join(f"{n} {what}" for what, n in self.counts.items()))
        print("    fields: " + ", ".join(f"{n} of {name}" for name, n in self.sizes.items() if n))
        return self.bad


def pythons():
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    return [*glob.glob(root + "/versions/3.*/bin/python3"), "/usr/bin/python3"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("tool")
    parser.add_argument("changed")
    parser.add_argument("--python", action="append")
    parser.add_argument("--table", action="append", choices=TABLES)
    parser.add_argument("--verbose", action="store_true")
    # A refusal waits a second for a target that may be starting: that costs no processor.
    parser.add_argument("--jobs", type=int, default=3)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    bad = sum(Trial(options, python).all() for python in options.python or pythons())
    if bad:
        sys.exit(f"trust: {bad} wrong figures without a word, or failures")


main()
