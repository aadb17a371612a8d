# SPDX-License-Identifier: BSD-2-Clause
"""What others that follow every allocation cost on busy_alloc.py."""
import os

from measure import HERE, QUICK, Child, has_module, is_offered, row, spread

BUSY = os.path.join(os.path.dirname(HERE), "programs", "busy_alloc.py")


def request_s(command, seconds):
    """CPU time of one request."""
    busy = Child(command + [BUSY, str(seconds)])
    words = busy.expect("REQUESTS")
    busy.end()
    return busy.cpu_s() / int(words[1])


def rows(args):
    seconds, count = (2, 2) if QUICK else (4, 4)
    arms = [("tracemalloc, 1 frame", [args.python, "-X", "tracemalloc=1"]),
            ("tracemalloc, 10 frames", [args.python, "-X", "tracemalloc=10"])]
    has_memray = has_module(args, "memray")
    if has_memray:
        memray = [args.python, "-m", "memray", "run", "-q", "-f", "-o", "/dev/null"]
        arms += [("memray run", memray),
                 ("memray run --trace-python-allocators", memray + ["--trace-python-allocators"])]
    for name, command in arms:
        ratios = []
        for n in range(count):
            got = {}
            for other in ((False, True) if n % 2 == 0 else (True, False)):
                got[other] = request_s(command if other else [args.python], seconds)
            ratios.append(got[True] / got[False])
        row(name + ", CPU time per request", spread(ratios, "%.2f"))
    if not has_memray:
        row("memray", "not installed; " + is_offered("memray", "python3-memray"))
