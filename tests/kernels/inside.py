#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs in the machine that was booted: inside.py COLUMNS.TSV [COLUMN,...]. Prints a line per column:
its name, a tab, and pass, or "no: " with what doctor says that the kernel lacks, or "fail: " with
the first thing that went wrong. Without names, all columns. What the tests print goes to standard error."""
import json
import os
import re
import subprocess
import sys

TOOL = os.environ["PYLEAK_BPF"]
LIVE = os.path.join(os.path.dirname(TOOL), "live-tests")
COLUMN_SECONDS = 600


def doctor():
    """What it looked at -> (state, found)."""
    run = subprocess.run([TOOL, "doctor", "--format", "json"], stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    for line in lines:
        print(line.get("state"), line.get("what"), line.get("found"), sep=": ", file=sys.stderr)
    return {line["what"]: (line["state"], line["found"]) for line in lines if "what" in line}


def checked(checks, what):
    state, found = checks.get(what, ("bad", "doctor does not look at it"))
    return "pass" if state == "ok" else ("no: " if state == "note" else "fail: ") + found


def verdict(tap):
    """Of what Criterion wrote. Tests that were not asked for are in there as skipped."""
    ran = re.findall(r"^(not ok|ok) - (\S+)(?!.*# SKIP).*$", tap, re.M)
    failed = [name for result, name in ran if result == "not ok"]
    if not ran:
        return "fail: no test ran to its end"
    if not failed:
        return "pass"
    about = tap.split("not ok - " + failed[0], 1)[1].split("\nok - ")[0]
    why = re.search(r"\|\+\n\s*(.*)", about)
    return "fail: %s: %s" % (failed[0], why.group(1) if why else about.split("\n")[0].strip())


def attempt(pattern):
    command = [LIVE, "-j1", "--filter", pattern, "--tap=/tmp/tap"]
    open("/tmp/tap", "w").close()
    try:
        subprocess.run(command, stdout=sys.stderr, timeout=COLUMN_SECONDS)
    except subprocess.TimeoutExpired:
        return "fail: not done in %d s" % COLUMN_SECONDS
    with open("/tmp/tap") as tap:
        text = tap.read()
    os.unlink("/tmp/tap")
    print(re.sub(r".*# SKIP.*\n|#.*\n", "", text), file=sys.stderr)
    return verdict(text)


def live(pattern):
    """An emulated machine that gets no processor for a while has a clock that runs on: what a test
    took for idle was not. So what fails is tried once more; the log has both."""
    cell = attempt(pattern)
    return cell if cell == "pass" else attempt(pattern)


def main():
    wanted = sys.argv[2].split(",") if len(sys.argv) > 2 else []
    checks = doctor()
    with open(sys.argv[1]) as table:
        rows = [line.rstrip("\n").split("\t") for line in table if line[0] != "#"]
    for column, needs, *patterns in rows:
        if wanted and column not in wanted:
            continue
        print("==", column, file=sys.stderr, flush=True)
        cell = "pass"
        for what in [] if needs == "-" else needs.split(","):
            cell = checked(checks, what) if cell == "pass" else cell
        if patterns and cell == "pass":
            cell = live(patterns[0])
        print(column, cell, sep="\t", flush=True)


main()
