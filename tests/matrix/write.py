# SPDX-License-Identifier: BSD-2-Clause
"""docs/matrix.md from what `make matrix` and `make kernels` left below build/. 1: something failed."""
import glob
import json
import os
import time

HEAD = """# What was tried

Written by `make matrix`, `make kernels`, `make check-arm64` and `make kernel-arm64`, on %s,
Linux %s; nothing by hand.
Each cell is a part of the live tests, which compare what the tool says with what the interpreter
itself knows (`tests/matrix/columns.tsv` says which). `pass`: all of them ran and passed. A number is
a note below; a star, that an earlier build of the tool or of the tests was tried.

"""


class Notes:
    """Reasons, each with a number."""

    def __init__(self):
        self.texts = []

    def mark(self, text):
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return " [%d]" % (self.texts.index(text) + 1)


def table(head, rows):
    lines = [head, ["---"] * len(head)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def hook_words(text):
    """What doctor's line begins with: the name of the place, and how it was found."""
    return text.split(", cheap")[0].split(" (")[0].replace("|", "/")


def python_rows(build, columns, key, notes):
    rows, lacking, failed = [], [], 0
    for path in sorted(glob.glob(os.path.join(build, "matrix", "*", "result.json"))):
        with open(path) as file:
            result = json.load(file)
        cells = result["cells"]
        status, reason = cells.get("attach", ["fail", "not tried"])
        if status == "lacking":
            lacking.append("`%s`, %s: %s" % (result["row"], result["what"], reason))
            continue
        row = ["`%s`" % result["row"] + ("" if result["key"].startswith(key) else " *"),
               result["what"], result["facts"].get("python", ""), status + notes.mark(reason),
               hook_words(cells["hook"][0]) if "hook" in cells else ""]
        for column in columns:
            one = cells.get(column, ["", ""] if status in ("refused", "fail") else ["fail", "not tried"])
            row.append(one[0] + notes.mark(one[1]))
            failed += one[0] == "fail"
        failed += status == "fail"
        rows.append(row)
    return rows, lacking, failed


def kernel_rows(build, notes):
    """The columns are those of the files; a cell is `pass` or a reason."""
    results = []
    for path in sorted(glob.glob(os.path.join(build, "kernels", "*.result"))):
        with open(path) as file:
            results.append([line.rstrip("\n").split("\t", 1) for line in file if "\t" in line])
    columns = []
    for result in results:
        columns += [name for name, _ in result if name not in columns]
    rows, failed = [], 0
    for result in results:
        cells = dict(result)
        row = []
        for column in columns:
            status, _, reason = cells.get(column, "").partition(": ")
            row.append(status + notes.mark(reason))
            failed += status == "fail"
        rows.append(row)
    return columns, rows, failed


def write(build, path, columns, key):
    notes = Notes()
    rows, lacking, failed = python_rows(build, columns, key, notes)
    head, kernels, failed_kernels = kernel_rows(build, notes)
    text = HEAD % (time.strftime("%Y-%m-%d"), os.uname().release)
    text += "## Python builds\n\n" + table(["row", "what", "Python", "attach", "hook"] + columns, rows)
    if lacking:
        text += "Not tried, because that machine lacked them:\n\n"
        text += "".join("- %s\n" % line for line in lacking) + "\n"
    if kernels:
        text += "## Kernels\n\n" + table(head, kernels)
    if notes.texts:
        text += "## Notes\n\n"
        text += "".join("%d. %s\n" % (n + 1, words) for n, words in enumerate(notes.texts))
    with open(path, "w") as file:
        file.write(text)
    print("%s: %d rows, %d kernels, %d cells failed" % (path, len(rows), len(kernels),
                                                       failed + failed_kernels))
    return 1 if failed + failed_kernels else 0
