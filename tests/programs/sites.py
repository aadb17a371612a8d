# SPDX-License-Identifier: BSD-2-Clause
"""Allocates in known places. One command a line on stdin, one line of JSON on stdout:

cases           [{"case", "type"}, ...]: those that this version has
learn CASE N    {"case", "type", "n", "places": [{"function", "qualname", "file", "line", "cnt",
                "callers": [{"function", ...}, ...]}, ...]}: where and how often `run` allocates,
                as the interpreter tells; objects of another type are made there for it. What the
                first place has stands outside of it as well. Of each type one object stays
run CASE N      makes N objects of the type (a few less where a case has several places), answers
                the same, and "kept": how many of the objects stay
keep 0|1        whether the objects are kept from now on; at first not
drop            what was kept goes
fork            a child goes on with `run call 10` until this process ends; answers
                {"child": its pid}

`sites.py --self [CASE...]` compares every case with what tracemalloc says of the objects."""
import gc
import json
import os
import sys

import common
import sites_core

import sites_plain  # noqa: F401
import sites_generators  # noqa: F401
import sites_c  # noqa: F401
import sites_objects  # noqa: F401
import sites_traced  # noqa: F401
import sites_code  # noqa: F401
import sites_async  # noqa: F401
import sites_threads  # noqa: F401
import sites_types  # noqa: F401


def answer(words, state):
    if words[0] == "cases":
        return [{"case": case.name, "type": sites_core.type_name(case.type)}
                for case in sites_core.cases]
    if words[0] == "keep":
        state["keep"] = words[1] == "1"
        return "ok"
    if words[0] == "drop":
        del sites_core.kept[:]
        return "ok"
    if words[0] == "fork":
        return {"child": fork()}
    if words[0] in ("learn", "run"):
        return sites_core.run(words[1], int(words[2]), words[0] == "learn", state["keep"])
    return "unknown command"


def fork():
    me = os.getpid()
    child = os.fork()
    while not child:
        sites_core.run("call", 10, False, False)
        if os.getppid() != me:
            os._exit(0)
    return child


def read_line():
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return line.decode()


def serve():
    state = {"keep": False}
    while True:
        line = read_line()
        if line is None:
            break
        data = json.dumps(answer(line.split(), state)).encode() + b"\n"
        while data:
            data = data[os.write(1, data):]


if __name__ == "__main__":
    gc.disable()
    gc.collect()
    if sys.argv[1:2] == ["--self"]:
        import sites_self
        status = sites_self.check(sys.argv[2:])
        sys.stdout.flush()
        os._exit(status)
    common.ready()
    serve()
    # Sub-interpreters that are alive make the end of the main one fatal in some versions.
    os._exit(0)
