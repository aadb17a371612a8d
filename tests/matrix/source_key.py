#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tells one state of the tool and its tests from another, for the rows of docs/matrix.md: prints
the key of the sources, which is the same for the programs of every machine."""
import glob
import hashlib
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("bpf", "include", "user", "tests/arm64", "tests/bpf", "tests/kernels", "tests/live",
           "tests/programs", "tests/unit")


def digest(paths):
    together = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            together.update(hashlib.sha256(file.read()).digest())
    return together.hexdigest()[:16]


def source_key():
    paths = (path for folder in FOLDERS
             for path in glob.glob(os.path.join(TOP, folder, "**", "*.*"), recursive=True))
    return digest(sorted(path for path in paths if not path.endswith(".pyc")))


if __name__ == "__main__":
    print(source_key())
