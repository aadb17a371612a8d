#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does the tool notice when an offset in its tables is wrong?

    tests/trust/trust.py TOOL CHANGED-TOOL [--python FILE]... [--table NAME]... [--verbose]

Each field of each table is changed by each of DELTAS in turn, and every verb that uses it is run on a
real interpreter. It has to refuse (status 1 and a line that says so), to say in a line or a count of
losses what it does without, or to print what the unchanged tool prints. Anything else is a wrong
figure without a word: that fails.
"""
import argparse
import glob
import json
import os
import subprocess
import sys

DELTAS = ("8", "-8", "16", "zero")
TIMEOUT_S = 60
NO_CHANGE, BEHIND_THE_END = 98, 99
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What no two runs have in common, and what is of the tool itself.
VOLATILE = {"time", "taken", "pid", "pause_s", "build_s", "copied", "loss"}


class Target:
    def __init__(self, python, *mode):
        self.process = subprocess.Popen([python, HERE + "/programs/offsets.py", *mode],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("READY "):
            sys.exit(f"trust: {python} offsets.py: {line!r}")
        self.pid = int(line.split()[1])

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
            self.status, self.errors, self.figures, self.said = 124, "", [], set()
            return
        self.status, self.errors = done.returncode, done.stderr
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
    "sites": (["busy"], ["sites", "-d", "2", "-t", "__main__.Shortlived"], places_of),
}
SNAPSHOTS, STACKS, ALL = ["backrefs"], ["backrefs", "sites"], list(VERBS)
TABLES = {"layout": ALL, "slots": ALL, "frame_slots": STACKS, "code": STACKS, "frame": STACKS,
          "old_frame": STACKS, "fields": SNAPSHOTS}


def judge(truth, run):
    """What happened, and whether it may."""
    if run.status == 124:
        return f"no answer in {TIMEOUT_S} s", False
    if run.status not in (0, 1):
        return f"status {run.status}", False
    if run.status == 1:
        return ("refused", True) if run.errors.strip() else ("refused without a word", False)
    if run.figures == truth.figures:
        return "right", True
    return ("said", True) if run.said - truth.said else ("WRONG, without a word", False)


def first_difference(truth, run):
    for a, b in zip(truth.figures, run.figures):
        if a != b:
            return f"{json.dumps(a)[:300]}\n        not {json.dumps(b)[:300]}"
    return f"{len(run.figures)} lines instead of {len(truth.figures)}"


class Trial:
    def __init__(self, options, python):
        self.options, self.python = options, python
        self.targets, self.truths, self.counts, self.bad = {}, {}, {}, 0
        for verb, (mode, _, _) in VERBS.items():
            self.targets.setdefault(tuple(mode), Target(python, *mode))
            self.truths[verb] = self.run(options.tool, verb)
            if self.truths[verb].status or not self.truths[verb].figures:
                sys.exit(f"trust: {python}: {verb}: {self.truths[verb].errors}")

    def run(self, tool, verb, change=None):
        mode, arguments, pick = VERBS[verb]
        pid = self.targets[tuple(mode)].pid
        return Run(tool, [*arguments, "-p", str(pid)], pick, change)

    def one(self, table, index, delta):
        """Status of the last run."""
        for verb in TABLES[table]:
            run = self.run(self.options.changed, verb, (table, index, delta))
            if run.status in (NO_CHANGE, BEHIND_THE_END):
                return run.status
            what, good = judge(self.truths[verb], run)
            if not good and verb == "sites":  # its windows are few, and other programs run
                run = self.run(self.options.changed, verb, (table, index, delta))
                what, good = judge(self.truths[verb], run)
            self.counts[what] = self.counts.get(what, 0) + 1
            self.bad += not good
            if not good or self.options.verbose:
                print(f"    {table}[{index}] {delta}, {verb}: {what}")
                for line in sorted(run.said - self.truths[verb].said)[:3]:
                    print("        " + line)
            if not good and run.status == 0:
                print("        " + first_difference(self.truths[verb], run))
        return run.status

    def table(self, name):
        index = 0
        while True:
            # One of the many words of objects is changed in one way, the next one in another.
            deltas = [DELTAS[index % 3]] if name == "fields" else DELTAS
            if all([self.one(name, index, delta) == BEHIND_THE_END for delta in deltas]):
                return index
            index += 1

    def all(self):
        sizes = {name: self.table(name) for name in self.options.table or TABLES}
        for target in self.targets.values():
            self.bad += not target.is_alive()
            target.stop()
        print(f"{self.python}: " + ", ".join(f"{n} {what}" for what, n in self.counts.items()))
        print("    fields: " + ", ".join(f"{cnt} of {name}" for name, cnt in sizes.items() if cnt))
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
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    bad = sum(Trial(options, python).all() for python in options.python or pythons())
    if bad:
        sys.exit(f"trust: {bad} wrong figures without a word, or failures")


main()
