# SPDX-License-Identifier: BSD-2-Clause
"""The part of bench.py about snapshots: of the same heaps by the tool, by the collector of the
program itself, and by objgraph inside it."""
import json
import os
import shutil
import signal
import statistics
import time

from measure import HERE, QUICK, Child, has_module, is_offered, row, spread, title

MIXED = os.path.join(HERE, "mixed_heap.py")
ASK_S = 30.0 if QUICK else 120.0


def ask(heap, question):
    """What the target says a thing took, in seconds; None: it took longer than ASK_S, and the
    target is gone."""
    timer = heap.kill_later(ASK_S)
    heap.process.stdin.write(question.encode() + b"\n")
    heap.process.stdin.flush()
    answer = heap.line()
    timer.cancel()
    return float(answer.split()[1]) if answer.startswith("TOOK") else None


def run_verb(args, heap, *verb):
    """A verb on the target: seconds, memory, and the line about the snapshot where there is one."""
    tool = Child([args.tool] + list(verb) + ["-p", str(heap.pid)])
    text = tool.process.stdout.read().decode()
    tool.end()
    if tool.process.returncode != 0:
        raise RuntimeError("the tool failed: status %d" % tool.process.returncode)
    return {"wall": time.monotonic() - tool.started, "cpu": tool.cpu_s(), "mb": tool.usage.ru_maxrss / 1024,
            "info": json.loads(text.splitlines()[0]) if text.startswith("{") else {}}


def measure_snapshots(args, heap, count):
    """Rounds of one collection by the target and one run of each verb, in turns first."""
    got = {"ratio": [], "collect": [], "pause": [], "build": [], "types": [], "backrefs": [],
           "picture": [], "mb": []}
    for n in range(count):
        collect = ask(heap, "collect") if n % 2 == 0 else None
        types = run_verb(args, heap, "types", "--all", "--format", "json")
        backrefs = run_verb(args, heap, "backrefs", "-t", "Session", "--format", "json")
        picture = run_verb(args, heap, "backrefs", "-t", "Session", "--format", "dot")
        collect = collect or ask(heap, "collect")
        pause = statistics.median(x["info"]["pause_s"] for x in (types, backrefs))
        got["collect"].append(collect)
        got["pause"].append(pause)
        got["ratio"].append(pause / collect)
        got["build"] += [x["info"]["build_s"] for x in (types, backrefs)]
        got["types"].append(types["wall"])
        got["backrefs"].append(backrefs["wall"])
        got["picture"].append(max(picture["cpu"], backrefs["cpu"]) - types["cpu"])
        got["mb"] += [x["mb"] for x in (types, backrefs, picture)]
    return got


def show_snapshots(name, size, got):
    at_3m = size == 3000000
    row(name + ": gc.collect(), s", spread(got["collect"]))
    row(name + ": pause, s", spread(got["pause"]))
    row(name + ": pause / gc.collect()", spread(got["ratio"], "%.2f"), "<= 0.5",
        statistics.median(got["ratio"]) <= 0.5)
    row(name + ": the graph, s", spread(got["build"], "%.2f"))
    row(name + ": types --all, whole run, s", spread(got["types"], "%.2f"),
        "<= 3" if at_3m else "", statistics.median(got["types"]) <= 3 if at_3m else None)
    row(name + ": backrefs -t Session, whole run, s", spread(got["backrefs"], "%.2f"))
    row(name + ": paths or picture of a type, CPU s more", spread(got["picture"], "%.2f"),
        "<= 1" if at_3m else "", statistics.median(got["picture"]) <= 1 if at_3m else None)
    row(name + ": memory of the tool at most, MB", "%.0f" % max(got["mb"]),
        "<= 1000" if at_3m else "", max(got["mb"]) <= 1000 if at_3m else None)


def show_objgraph(name, heap):
    """The same questions asked inside the program, which does nothing else meanwhile."""
    for question, shown in (("types", "objgraph.most_common_types()"),
                            ("backrefs", "objgraph.show_backrefs(), 10 deep")):
        took = ask(heap, question) if heap.process.poll() is None else None
        row("%s: %s, s" % (name, shown),
            "%.2f" % took if took is not None else "not done after %.0f s" % ASK_S)


def part_snapshot(args):
    sizes = [(300000, "0.3M objects"), (3000000, "3M objects")]
    if not QUICK:
        sizes.append((10000000, "10M objects"))
    count = 3 if QUICK else 5
    title("snapshots, %d rounds; objgraph holds the GIL all the time" % count,
          "%s tests/bench/mixed_heap.py N & %s backrefs -p $! -t Session" % (args.python,
                                                                           args.shown))
    has_objgraph = has_module(args, "objgraph")
    for size, name in sizes:
        heap = Child([args.python, MIXED, str(size)])
        row(name + ": gc.get_objects()", heap.expect("READY")[1])
        show_snapshots(name, size, measure_snapshots(args, heap, count))
        if has_objgraph:
            show_objgraph(name, heap)
        heap.end(signal.SIGKILL)
    if not has_objgraph:
        row("objgraph", "not installed; " + is_offered("python3-objgraph"))
    if not shutil.which("pyheap_dump"):
        row("PyHeap", "not installed; " + is_offered("pyheap", "python3-pyheap"))
