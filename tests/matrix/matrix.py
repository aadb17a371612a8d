#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tries the tool on every Python build that targets/*.sh can make here, with the live tests, and
writes their tables of docs/matrix.md and README.md:

    tests/matrix/matrix.py [--failed] TOOL LIVE_TESTS [ROW...]      needs root

A row is FOLDER/python (build/matrix/ROW), made by `targets/FAMILY.sh prepare ROW FOLDER`, which says
77 if this machine lacks it. FOLDER/refused: words that the tool's refusal must have. FOLDER/columns:
the columns that make sense, if not all, one a line, others with a tab and the reason. A cell is
kept until the tool, the tests or the interpreter change, so a run that was stopped goes on. With
--failed all other cells of a row are kept in any case, and so is its star in docs/matrix.md."""
import glob
import json
import os
import re
import select
import signal
import subprocess
import sys

import write
from source_key import TOP, digest

HERE = os.path.dirname(os.path.abspath(__file__))
WAIT_S = 60
CELL_S = 1200
LACKING = 77
CONTAINER = "container"
# What a process that cannot be watched is to be refused by.
VERBS = ("-d 1", "types", "growth -d 1", "backrefs -t dict", "cycles", "sites -t dict -d 1",
         "snapshot -o /dev/null", "stat -d 1", "stat -d 1 --exact")
# The interpreter is not the first process of the namespace, which signals do not end.
IN_CONTAINER = """#!/bin/sh
exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc \\
    sh -c '"$@"; exit $?' sh '%s' "$@"
"""


class Failure(Exception):
    """A cell's reason."""


def run(command, **options):
    options.setdefault("timeout", CELL_S)
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, check=False, **options)


def last_line(text):
    return (text.strip().splitlines() or ["no word"])[-1]


def is_python(pid):
    with open("/proc/%d/maps" % pid) as maps:
        return any("python" in os.path.basename(line.rstrip()) for line in maps if "/" in line)


def files_of(pid):
    """The executable, and the files of Python's that are mapped: libpython may be one."""
    with open("/proc/%d/maps" % pid) as maps:
        paths = {line.split(None, 5)[5].rstrip() for line in maps if "libpython" in line}
    return ["/proc/%d/exe" % pid] + ["/proc/%d/root%s" % (pid, path) for path in sorted(paths)]


def interpreter_of(pid):
    """The process, or the first below it, that has a file of Python's."""
    while not is_python(pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as text:
            children = text.read().split()
        if not children:
            break
        pid = int(children[0])
    return pid


class Target:
    """An interpreter that waits until its stdin is closed."""

    def __init__(self, python, program):
        self.process = subprocess.Popen([python, "tests/programs/" + program], cwd=TOP,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        if not select.select([self.process.stdout], [], [], WAIT_S)[0]:
            self.close()
            raise Failure("the interpreter does not start in %d s" % WAIT_S)
        if not self.process.stdout.readline().startswith(b"READY"):
            error = self.process.stderr.read().decode(errors="replace")
            self.close()
            raise Failure("the interpreter does not start: " + last_line(error))
        self.pid = interpreter_of(self.process.pid)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Row:
    def __init__(self, args, script, name, what):
        self.args, self.script, self.name = args, script, name
        self.folder = os.path.join(args.build, "matrix", name)
        self.path = os.path.join(self.folder, "result.json")
        family = os.path.basename(script).split(".")[0]
        self.result = {"row": name, "family": family, "what": what, "key": "", "cells": {},
                       "facts": {}}

    def save(self):
        with open(self.path + ".new", "w") as file:
            json.dump(self.result, file, indent=1)
        os.rename(self.path + ".new", self.path)

    def read(self, name):
        """Lines of a file that preparing may have left."""
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return [line for line in file.read().splitlines() if line]

    def set(self, column, status, reason=""):
        self.result["cells"][column] = [status, reason]
        self.save()
        print("  %-16s %s%s" % (column, status, ": " + reason if reason else ""), flush=True)

    def resume(self, key):
        """Takes up what was found for the same tool, tests and interpreter."""
        if os.path.exists(self.path):
            with open(self.path) as file:
                before = json.load(file)
            if before["key"] == key or self.args.failed and before["key"]:
                self.result["cells"] = before["cells"]
                key = before["key"]
        self.result["key"] = key

    def tried(self, column):
        return self.result["cells"].get(column, ["fail"])[0] != "fail"

    # ---- the columns

    def attach(self, target):
        python = os.path.realpath("/proc/%d/exe" % target.pid)
        self.resume(self.args.key + digest(files_of(target.pid)))
        refused = self.read("refused")
        if refused:
            self.check_refusal(target, refused[0])
            return False
        said = run([self.args.tool, "doctor", "-p", str(target.pid), "--format", "json"])
        lines = [json.loads(line) for line in said.stdout.splitlines()]
        facts = {line["what"]: line["found"] for line in lines if line["kind"] == "check"}
        bad = [line for line in lines if line.get("state") == "bad"]
        if said.returncode or bad or "Python" not in facts:
            self.set("attach", "fail", bad[0]["found"] if bad else last_line(said.stderr))
            return False
        self.result["facts"] = {"python": facts["Python"].split(",")[0], "exe": python,
                                "symbols": facts.get("symbols", ""),
                                "namespaces": facts.get("namespaces", "")}
        self.set("attach", "pass")
        self.set("hook", facts.get("hook", "none"))
        return True

    def check_refusal(self, target, words):
        self.result["facts"] = {}
        for verb in VERBS:
            said = run([self.args.tool] + verb.split() + ["-p", str(target.pid)])
            lines = said.stderr.strip().splitlines()
            if said.returncode != 1 or len(lines) != 1 or words not in lines[0]:
                self.set("attach", "fail", "%s: status %d, '%s' instead of a refusal with '%s'" % (
                    verb, said.returncode, said.stderr.strip(), words))
                return
        self.set("attach", "refused",
                 lines[0].replace(str(target.pid), "PID").replace(TOP + os.sep, ""))

    def live_tests(self, column, pattern, python):
        tap = os.path.join(self.folder, column.replace(" ", "-") + ".tap")
        env = dict(os.environ, PYLEAK_ONLY_PYTHONS="1", PYLEAK_PYTHONS=python,
                   PYLEAK_BPF=self.args.tool, PYLEAK_ALL_TYPES="1")
        # What a run before wrote must not pass for this one's.
        if os.path.exists(tap):
            os.unlink(tap)
        try:
            done = run([self.args.tests, "-j1", "--output=tap:" + tap, "--filter", pattern], cwd=TOP,
                env=env)
        except subprocess.TimeoutExpired:
            return "fail", "not done in %d s" % CELL_S
        if not os.path.exists(tap):
            return "fail", "the tests did not run: " + last_line(done.stderr)
        with open(tap) as file:
            status, reason = verdict_of(file.read())
        if done.returncode and status != "fail":
            return "fail", "the tests ended with status %d" % done.returncode
        return status, reason

    def container(self, python):
        inside = os.path.join(self.folder, "python-in-container")
        with open(inside, "w") as file:
            file.write(IN_CONTAINER % python)
        os.chmod(inside, 0o755)
        return self.live_tests(CONTAINER, "@(exact/at_rest|references/are*)", inside)

    def is_container(self, target):
        return all(os.readlink("/proc/%d/ns/%s" % (target.pid, kind)) !=
                   os.readlink("/proc/self/ns/" + kind) for kind in ("pid", "mnt"))

    def try_all(self):
        python = os.path.join(self.folder, "python")
        program = "waits.py" if self.read("refused") else "truth.py"
        with Target(python, program) as target:
            if not self.attach(target):
                return
            is_container = self.is_container(target)
        wanted = self.read("columns")
        for column, pattern in self.args.columns + [(CONTAINER, None)]:
            reason = none_of(wanted, column)
            if reason:
                self.set(column, "n/a", reason)
            elif self.tried(column):
                self.set(column, *self.result["cells"][column])
            elif pattern:
                self.set(column, *self.live_tests(column, pattern, python))
            elif is_container:
                self.set(column, "pass", "all of this row ran in one")
            else:
                self.set(column, *self.container(python))

    def go(self):
        print("%s: %s" % (self.name, self.result["what"]), flush=True)
        os.makedirs(self.folder, exist_ok=True)
        try:
            made = run([self.script, "prepare", self.name, self.folder], cwd=TOP, timeout=7200)
            if made.returncode == LACKING:
                self.set("attach", "lacking", last_line(made.stdout))
            elif made.returncode:
                self.set("attach", "fail", "cannot be made: " + last_line(made.stderr))
            else:
                self.try_all()
        except Failure as failure:
            self.set("attach", "fail", str(failure))


def none_of(wanted, column):
    """Why a column is none for a row, or None."""
    for line in wanted or [column]:
        name, _, reason = line.partition("\t")
        if name == column:
            return reason or None
    return "not for this row"


def verdict_of(tap):
    """Status and reason of a Criterion run."""
    ran = [line for line in re.findall(r"^(?:not )?ok .*", tap, re.M)
           if not line.endswith("SKIP test was skipped")]
    failed = [line for line in ran if line.startswith("not ok")]
    skipped = [line for line in ran if "# SKIP" in line]
    if failed:
        why = re.search(r"^" + re.escape(failed[0]) + r"\n(?: .*\n)*?.*: \|\+\n(.*\n)", tap, re.M)
        return "fail", "%d of %d tests; %s %s" % (
            len(failed), len(ran), failed[0].split(" - ")[-1].split("  ")[0],
            " ".join(why.group(1).split()) if why else "")
    if not ran:
        return "fail", "no test ran"
    if len(skipped) == len(ran):
        return "n/a", skipped[0].split("# SKIP")[1].strip()
    note = "; of %d tests, %d were skipped: %s" % (
        len(ran), len(skipped), skipped[0].split("# SKIP")[1].strip()) if skipped else ""
    return "pass", note.lstrip("; ")


class Arguments:
    def __init__(self, words):
        self.failed = words[0] == "--failed"
        tool, tests, *self.names = words[self.failed:]
        self.tool, self.tests = os.path.abspath(tool), os.path.abspath(tests)
        self.build = os.path.join(TOP, "build")
        with open(os.path.join(HERE, "columns.tsv")) as file:
            self.columns = [line.rstrip("\n").split("\t") for line in file]
        programs = sorted(glob.glob(os.path.join(TOP, "tests", "programs", "*.py")))
        self.key = digest([self.tool, self.tests, os.path.join(HERE, "columns.tsv")] + programs)

    def rows(self):
        for script in sorted(glob.glob(os.path.join(HERE, "targets", "*.sh"))):
            for line in run([script, "rows"], cwd=TOP).stdout.splitlines():
                name, what = line.split("\t")
                if not self.names or name in self.names:
                    yield Row(self, script, name, what)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        sys.exit("matrix: run it as root: for BPF, namespaces and debootstrap")
    args = Arguments(sys.argv[1:])
    rows = list(args.rows())
    unknown = set(args.names) - {row.name for row in rows}
    if unknown:
        sys.exit("matrix: no such row: " + ", ".join(sorted(unknown)))
    for row in rows:
        row.go()
    sys.exit(write.write_pythons([name for name, _ in args.columns] + [CONTAINER], args.key))


if __name__ == "__main__":
    main()
