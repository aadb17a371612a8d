# SPDX-License-Identifier: BSD-2-Clause
"""Probes at the entries of CPython's exported allocation functions, as a tool that only knows
symbols places them: by the kernel's own trace events. Shows what they miss and what they cost."""
import os
import re
import subprocess
import tempfile

FUNCTIONS = ("_PyObject_GC_New", "_PyObject_GC_NewVar", "_PyObject_GC_Malloc", "_PyObject_GC_Alloc",
             "PyType_GenericAlloc", "PyObject_GC_Del")
GROUP = "pyleak_bench"


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()


def python_file(pid):
    """The file that has CPython's functions, by a path that works from outside."""
    with open("/proc/%d/maps" % pid) as maps:
        library = re.search(r"/\S*libpython3\S*", maps.read())
    return "/proc/%d/root%s" % (pid, library.group()) if library else "/proc/%d/exe" % pid


def offsets(path):
    """(name, offset in the file) of each function that is exported."""
    segments = [[int(word, 16) for word in line.split()[1:6]]
                for line in output_of("readelf", "-lW", path).splitlines()
                if line.split()[:1] == ["LOAD"]]
    for line in output_of("nm", "-D", "--defined-only", path).splitlines():
        address, _, name = line.split()
        if name.split("@")[0] not in FUNCTIONS:
            continue
        address = int(address, 16)
        for offset, virtual, _, size, _ in segments:
            if virtual <= address < virtual + size:
                yield name.split("@")[0], address - virtual + offset


class Entries:
    """Uprobes at the functions' entries; in every process that maps the file, so use it alone."""

    def __init__(self, pid):
        path = os.path.realpath(python_file(pid))
        self.folder = tempfile.mkdtemp()
        subprocess.run(["mount", "-t", "tracefs", "tracefs", self.folder], check=True)
        self.names = []
        for name, offset in offsets(path):
            self.write("uprobe_events", "p:%s/%s %s:0x%x" % (GROUP, name, path, offset))
            self.names.append(name)

    def write(self, name, text):
        # Not open(): it wants to know the place in the file, which these have not.
        file = os.open(os.path.join(self.folder, name), os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, text.encode() + b"\n")
        finally:
            os.close(file)

    def enable(self, on):
        self.write("events/%s/enable" % GROUP, "1" if on else "0")

    def hits(self):
        with open(os.path.join(self.folder, "uprobe_profile")) as lines:
            return sum(int(words[2]) for words in map(str.split, lines) if words[1] in self.names)

    def close(self):
        self.enable(False)
        for name in self.names:
            self.write("uprobe_events", "-:%s/%s" % (GROUP, name))
        subprocess.run(["umount", self.folder], check=True)
        os.rmdir(self.folder)
