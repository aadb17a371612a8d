#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs in the arm64 machine that kernel.sh boots: prints a line per column, its name, a tab, and
pass, "no: " or "fail: " with the reason. What the tool counts is compared with what the interpreter
knows itself. What was run goes to standard error."""
import json
import subprocess
import sys
import time

from machine import checked, doctor, say

TOOL = "/work/pyleak-bpf"
NODES = 1500
MADE_AT_ONCE = 200  # by slices.py


def run(*words):
    begin = time.monotonic()
    done = subprocess.run([TOOL, *words, "--format", "json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True)
    print("%s: status %d, %.1f s\n%s" % (" ".join(words), done.returncode,
                                         time.monotonic() - begin, done.stderr), file=sys.stderr)
    if done.returncode:
        raise RuntimeError((done.stderr.splitlines() or ["status %d" % done.returncode])[-1])
    return [json.loads(line) for line in done.stdout.splitlines()]


class Target:
    def __init__(self, *words):
        self.process = subprocess.Popen(["python3", *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, universal_newlines=True)
        self.pid = self.process.stdout.readline().split()[1]

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def counted(pid):
    """The instrument, and how many live of each type. The emulated machine is slow: half a core."""
    said = run("types", "-p", pid, "-n", "5000", "--budget", "50")[-1]
    return said["instrument"], {one["name"]: one["live"] for one in said["types"]}


def at_rest():
    with Target("tests/programs/truth.py") as target:
        for words in ("populate 20", "gc collect", "gc collect"):
            target.ask(words)
        _, live = counted(target.pid)
        truth = json.loads(target.ask("types_all"))
    wrong = {name for name in set(live) | set(truth) if live.get(name) != truth.get(name)}
    return "pass" if not wrong else "fail: %d types differ: %s" % (len(wrong), sorted(wrong)[:3])


def of_nodes(instrument, most, *words):
    with Target(*words) as target:
        used, live = counted(target.pid)
    nodes = live.get("__main__.Node", 0)
    if used != instrument:
        return "fail: by %s" % used
    return "pass" if NODES <= nodes <= NODES + most else "fail: %d of %d" % (nodes, NODES)


def snapshot():
    with Target("tests/programs/no_collections.py", "io", str(NODES)) as target:
        paths = [line for line in run("backrefs", "-p", target.pid, "-t", "__main__.Node")
                 if line["kind"] == "path"]
    held = sum(line["instances"] for line in paths)
    return "pass" if held == NODES else "fail: %d of %d are held" % (held, NODES)


def columns():
    checks = doctor(TOOL)
    for what in ("BTF", "BPF programs", "uprobe links"):
        yield what, lambda what=what: checked(checks, what)
    program = "tests/programs/no_collections.py"
    yield "census at a collection", lambda: of_nodes("collection", MADE_AT_ONCE,
                                                     "tests/programs/slices.py", str(NODES))
    yield "census at a safe point", lambda: of_nodes("safe-point", 1, program, "cpu", str(NODES))
    yield "census from outside", at_rest
    yield "snapshot", snapshot


def main():
    for column, attempt in columns():
        try:
            cell = attempt()
        except (RuntimeError, KeyError, ValueError) as error:
            cell = "fail: %s" % error
        say(column, cell)


main()
