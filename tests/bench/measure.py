# SPDX-License-Identifier: BSD-2-Clause
"""What the parts of bench.py share: children that end with it, and the look of its tables."""
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = os.environ.get("BENCH_QUICK") == "1"
WAIT_S = 60.0

children = []


class Child:
    """A process that ends with us; its CPU time is known once it has ended."""

    def __init__(self, command, **options):
        options.setdefault("stderr", subprocess.DEVNULL)
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        **options)
        self.pid = self.process.pid
        self.usage = None
        children.append(self)

    def line(self):
        return self.process.stdout.readline().decode()

    def expect(self, word):
        line = self.line()
        while line and not line.startswith(word):
            line = self.line()
        if not line:
            raise RuntimeError("no %s from %s" % (word, self.process.args))
        return line.split()

    def kill_later(self, seconds):
        timer = threading.Timer(seconds, self.process.kill)
        timer.daemon = True
        timer.start()
        return timer

    def end(self, how=None, seconds=WAIT_S):
        """Wait for the end, after a signal or EOF; the rest of what it printed."""
        if self.usage is None:
            timer = self.kill_later(seconds)
            if how == "eof":
                self.process.stdin.close()
            elif how is not None:
                self.process.send_signal(how)
            rest = self.process.stdout.read().decode()
            _, status, self.usage = os.wait4(self.pid, 0)
            timer.cancel()
            # Popen must not wait for a process that is gone.
            self.process.returncode = os.waitstatus_to_exitcode(status)
            children.remove(self)
            return rest
        return ""

    def cpu_s(self):
        return self.usage.ru_utime + self.usage.ru_stime


def end_all():
    for child in list(children):
        if child.process.poll() is None:
            child.process.terminate()
    for child in list(children):
        try:
            child.process.wait(5)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def spread(values, form="%.3f"):
    if not values:
        return "nothing was measured"
    return (form + " [" + form + ".." + form + "]") % (
        statistics.median(values), min(values), max(values))


def title(text, *commands):
    print("\n## " + text)
    for command in commands:
        print("   $ " + command)
    sys.stdout.flush()


def row(name, value, bound="", good=None):
    print("  %-46s %-34s %-12s %s" % (name, value, bound, "" if good is None else
                                      "ok" if good else "MISSED"))
    sys.stdout.flush()


def has_module(args, name):
    return subprocess.run([args.python, "-c", "import " + name], stdin=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def is_offered(*packages):
    if not shutil.which("apt-cache"):
        return "not offered"
    said = subprocess.run(["apt-cache", "policy"] + list(packages), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout
    return "offered by this distribution" if b"Candidate" in said else \
        "not offered by this distribution"
