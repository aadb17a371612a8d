#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fake_version.py FILE OLD NEW: makes a copy of CPython OLD ("3.13") say that it is NEW.

Changed are the version in _Py_DebugOffsets, the constant Py_Version, and the text of Py_GetVersion();
what a build does not have is left. Fails when nothing was there to change."""
import re
import struct
import sys


def main():
    path, old, new = sys.argv[1:]
    data = bytearray(open(path, "rb").read())
    (old_major, old_minor), (major, minor) = (map(int, v.split(".")) for v in (old, new))
    was, now = old_major << 8 | old_minor, struct.pack("<H", major << 8 | minor)
    changed = 0
    # After the cookie; and PY_VERSION_HEX of a release, alone in a word.
    for match in re.finditer(rb"xdebugpy..%s" % re.escape(struct.pack("<H", was)), data, re.S):
        data[match.end() - 2:match.end()] = now
        changed += 1
    for at in range(0, len(data) - 4, 4):
        if data[at] & 0xf0 == 0xf0 and data[at + 2:at + 4] == struct.pack("<H", was):
            data[at + 2:at + 4] = now
            changed += 1
    # "3.10.13" of Py_GetVersion(), at the same length: "3.99.13".
    text = new if len(new) == len(old) else "3.99" if len(old) == 4 else "3.5"
    for match in re.finditer(rb"(?<=\0)%s\.\d+\+?(?=\0)" % re.escape(old.encode()), data):
        data[match.start():match.start() + len(old)] = text.encode()
        changed += 1
    if not changed:
        sys.exit("fake_version: %s says nowhere that it is %s" % (path, old))
    open(path, "wb").write(data)


main()
