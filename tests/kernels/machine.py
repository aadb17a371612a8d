# SPDX-License-Identifier: BSD-2-Clause
"""What the tool's doctor says of a machine that was booted, as cells of the table of kernels."""
import json
import subprocess
import sys


def doctor(tool):
    """What it looked at -> (state, found)."""
    run = subprocess.run([tool, "doctor", "--format", "json"], stdout=subprocess.PIPE)
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    for line in lines:
        print(line.get("state"), line.get("what"), line.get("found"), sep=": ", file=sys.stderr)
    return {line["what"]: (line["state"], line["found"]) for line in lines if "what" in line}


def checked(checks, what):
    state, found = checks.get(what, ("bad", "doctor does not look at it"))
    return "pass" if state == "ok" else ("no: " if state == "note" else "fail: ") + found


def say(column, cell):
    print(column, cell, sep="\t", flush=True)
