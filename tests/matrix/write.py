#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of docs/matrix.md, and of README.md in short, from what `make matrix`, `make kernels` and
those of arm64 left below build/. As a program, without arguments: the tables of kernels."""
import glob
import json
import os
import re
import sys
import time

from source_key import TOP, source_key

BUILD = os.path.join(TOP, "build")
FAMILIES = ("pyenv", "debian", "images", "embedded", "confined", "debug")


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

    def __str__(self):
        return "".join("%d. %s\n" % (n + 1, words) for n, words in enumerate(self.texts))


def table(head, rows):
    lines = [head, ["---"] * len(head)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def put(name, section, body):
    """Replaces what a document has between `<!-- SECTION -->` and `<!-- end -->`."""
    path = os.path.join(TOP, name)
    with open(path) as file:
        text = file.read()
    between = re.compile("(?<=<!-- %s -->\n).*?(?=<!-- end -->)" % section, re.S)
    if not between.search(text):
        sys.exit("%s: no place for '%s': it needs <!-- %s --> and <!-- end -->" % (name, section, section))
    with open(path, "w") as file:
        file.write(between.sub(lambda _: body, text, 1))


def when():
    return "On %s, Linux %s.\n\n" % (time.strftime("%Y-%m-%d"), os.uname().release)


# ---- Python builds

def read_pythons():
    for path in sorted(glob.glob(os.path.join(BUILD, "matrix", "*", "result.json"))):
        with open(path) as file:
            yield json.load(file)


def hook_words(text):
    """What doctor's line begins with: the name of the place, and how it was found."""
    return text.split(", cheap")[0].split(" (")[0].replace("|", "/")


def status_of(result):
    return result["cells"].get("attach", ["fail", "not tried"])[0]


def cells_of(result, columns):
    """[status, reason] by column, attach first; nothing but it where there is nothing to try."""
    attach = result["cells"].get("attach", ["fail", "not tried"])
    untried = ["fail", "not tried"] if attach[0] == "pass" else ["", ""]
    return [attach] + [result["cells"].get(column, untried) for column in columns]


def python_row(result, columns, key, notes):
    attach, *others = [cell[0] + notes.mark(cell[1]) for cell in cells_of(result, columns)]
    hook = result["cells"].get("hook", [""])[0]
    star = "" if result["key"].startswith(key) else " *"
    return ["`%s`%s" % (result["row"], star), result["what"], result["facts"].get("python", ""), attach,
            hook_words(hook)] + others


def in_short(results, columns):
    """README's table: how many rows pass in each column, by version and kind of build."""
    passed = {}
    for result in results:
        version = tuple(int(n) for n in result["facts"].get("python", "0.0").split(".")[:2])
        of_version = passed.setdefault(version, {family: [] for family in FAMILIES})
        of_version[result["family"]].append(all(c[0] == "pass" for c in cells_of(result, columns)))
    rows = [["%d.%d" % version] +
            ["%d of %d" % (sum(of[family]), len(of[family])) if of[family] else "" for family in FAMILIES]
            for version, of in sorted(passed.items())]
    return table(["CPython"] + list(FAMILIES), rows)


def write_pythons(columns, key):
    """True: a cell failed."""
    notes, results = Notes(), list(read_pythons())
    tried = [result for result in results if status_of(result) != "lacking"]
    text = when() + table(["row", "what", "Python", "attach", "hook"] + columns,
                          [python_row(result, columns, key, notes) for result in tried])
    lacking = ["- `%s`, %s: %s\n" % (result["row"], result["what"], result["cells"]["attach"][1])
               for result in results if status_of(result) == "lacking"]
    if lacking:
        text += "Not tried, because that machine lacked them:\n\n" + "".join(lacking) + "\n"
    put("docs/matrix.md", "pythons", text + "%s\n" % notes)
    put("README.md", "pythons",
        in_short([result for result in tried if status_of(result) != "refused"], columns))
    failed = sum(cell[0] == "fail" for result in tried for cell in cells_of(result, columns))
    print("docs/matrix.md: %d Python builds, %d cells failed" % (len(tried), failed))
    return failed > 0


# ---- kernels

def read_kernels():
    """The cells of each, by column: `pass`, a count, or a reason."""
    for path in sorted(glob.glob(os.path.join(BUILD, "kernels", "*.result"))):
        with open(path) as file:
            yield dict(line.rstrip("\n").split("\t", 1) for line in file if "\t" in line)


def kernel_row(cells, columns, key, notes):
    row = [cells["kernel"] + ("" if cells.get("source") == key else " *"), cells.get("Python", "")]
    for column in columns:
        status, _, reason = cells.get(column, "").partition(": ")
        row.append(status + notes.mark(reason))
    return row


def kernel_in_short(cells, columns):
    """README's row; of columns with one reason it names the first."""
    tried = [column for column in columns if column in cells]
    lacking = [column for column in tried if cells[column].startswith(("no: ", "fail: ", "n/a: "))]
    reasons = {}
    for column in lacking:
        reasons.setdefault(cells[column].split(": ", 1)[1], column)
    return [cells["kernel"], "%d of %d" % (len(tried) - len(lacking), len(tried)),
            "; ".join("%s: %s" % (column, reason) for reason, column in reasons.items())]


def write_kernels():
    notes, key, results = Notes(), source_key(), list(read_kernels())
    columns = []
    for cells in results:
        columns += [name for name in cells if name not in columns + ["kernel", "Python", "source"]]
    put("docs/matrix.md", "kernels", when() + table(
        ["kernel", "Python"] + columns, [kernel_row(cells, columns, key, notes) for cells in results]) +
        "%s\n" % notes)
    put("README.md", "kernels", table(
        ["kernel", "columns that pass", "why not the others"], [kernel_in_short(cells, columns) for cells in results]))
    failed = sum(cell.startswith("fail: ") or bool(re.search(r"\d fail", cell))
                 for cells in results for cell in cells.values())
    print("docs/matrix.md: %d kernels, %d cells failed" % (len(results), failed))


if __name__ == "__main__":
    write_kernels()
