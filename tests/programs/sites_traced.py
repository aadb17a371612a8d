# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in what debuggers and profilers do."""
import sys

from sites_core import add, case


@case
def traced(make, n, sink):
    """Functions of a debugger or profiler."""
    def tracer(_frame, _event, _arg):
        sink(make())

    def profiler(_frame, event, _arg):
        if event == "call":
            sink(make())

    def called():
        pass

    for _ in range(n // 2):
        sys.settrace(tracer)
        called()
        sys.settrace(None)
        sys.setprofile(profiler)
        called()
        sys.setprofile(None)


@case
def under_a_tracer(make, n, sink):
    """The code that allocates is traced line by line."""
    def tracer(_frame, _event, _arg):
        return tracer

    def called():
        for _ in range(n // 4):
            sink(make())
            made = [
                make()
                for _ in range(3)]
            while made:
                sink(made.pop())

    sys.settrace(tracer)
    called()
    sys.settrace(None)


def monitored(make, n, sink):
    """The same by instrumented bytecode, and with functions that allocate themselves."""
    events = sys.monitoring.events
    left = [n // 2]

    def on_line(_code, _line):
        if left[0]:
            left[0] -= 1
            sink(make())

    def called():
        for _ in range(n // 2):
            sink(make())

    sys.monitoring.use_tool_id(3, "sites")
    sys.monitoring.register_callback(3, events.LINE, on_line)
    sys.monitoring.register_callback(3, events.CALL, lambda *_: None)
    sys.monitoring.set_local_events(3, called.__code__, events.LINE | events.CALL)
    called()
    sys.monitoring.free_tool_id(3)


if hasattr(sys, "monitoring"):
    add(monitored)
