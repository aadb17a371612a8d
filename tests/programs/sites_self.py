# SPDX-License-Identifier: BSD-2-Clause
"""Compares what the cases of sites.py know of themselves with what tracemalloc says of the memory
that they took: two accounts that have nothing in common but the interpreter's line tables."""
import collections
import sys
import tracemalloc

import sites_core

FRAMES = 60


def lines_of(place, entered):
    frames = ([] if entered else [place]) + place["callers"]
    return tuple((frame["file"], frame["line"]) for frame in frames[:FRAMES])


def newest_first(traceback):
    frames = list(traceback)
    if sys.version_info >= (3, 7):
        frames.reverse()
    return tuple((frame.filename, frame.lineno) for frame in frames)


def traced_lines(made):
    """None where it does not find the block: some versions put words before some objects that it
    does not count with."""
    found = tracemalloc.get_object_traceback(made)
    return newest_first(found) if found else None


def run_traced(case, n):
    """-> (places, lines of each object, blocks that live by lines)."""
    for learn_only in (True, False):
        if not learn_only:
            del sites_core.kept[:]
            tracemalloc.start(FRAMES)
        answer = sites_core.run(case.name, n, learn_only, True)
    try:
        found = [traced_lines(made) for made in sites_core.kept if type(made) is case.type]
        blocks = collections.Counter(newest_first(trace.traceback)
                                     for trace in tracemalloc.take_snapshot().traces)
    finally:
        tracemalloc.stop()
    return answer["places"], found, blocks


def compare(case, n):
    """-> (objects told, made, with a right line, with right callers, blocks at the told places)."""
    places, found, blocks = run_traced(case, n)
    told = collections.Counter()
    for place in places:
        told[lines_of(place, case.entered)] += place["cnt"]
    inner = {lines[0] for lines in told}
    traced = [lines for lines in found if lines]
    wrong = [lines for lines in traced if lines not in told]
    if wrong:
        print("  %s: %s not in %s" % (case.name, wrong[0][:4], sorted(told)[0][:4]))
    by_line = collections.Counter(lines[0] for lines in blocks.elements())
    for lines, cnt in told.items():
        blocks[lines] = min(cnt, by_line[lines[0]] if case.varies else blocks[lines])
    return (sum(told.values()), len(found), len(traced),
            len([lines for lines in traced if lines[0] in inner]), len(traced) - len(wrong),
            sum(blocks[lines] for lines in told))


def check(names):
    """-> exit status."""
    bad = 0
    for case in sites_core.cases:
        if names and case.name not in names:
            continue
        builtin = case.learner is sites_core.note
        told, made, traced, line, callers, blocks = compare(case, 500 if builtin else 60)
        # Those that copy make an object more, which does not stay; up to 256 of some built-in
        # types are kept for later use, and not told to tracemalloc by some versions.
        good = (line == traced and (case.varies or callers == traced) and
                told - blocks <= (256 if builtin else 1) and made >= told - 1)
        # Before 3.12 it took what runs in one for the main interpreter.
        good |= case.name == "sub_interpreters"
        bad += not good
        print("%-28s %-28s told %4d made %4d, traced %4d: line %4d callers %4d; blocks %4d%s" % (
            case.name, sites_core.type_name(case.type), told, made, traced, line, callers, blocks,
            "" if good else "  WRONG"))
    print("%s: %d cases, %d wrong" % (sys.version.split()[0], len(sites_core.cases), bad))
    return bad != 0
