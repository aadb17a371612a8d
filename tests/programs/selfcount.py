# SPDX-License-Identifier: BSD-2-Clause
"""An interpreter's own count of what its collector tracks, per type, as it is at rest: without
what the counting itself makes. Imported by truth.py and by the sub-interpreters it starts."""
import gc
import json
import os
import sys

try:
    import ctypes
except ImportError:  # An isolated sub-interpreter of 3.12.
    ctypes = None

TRACKED_FRAMES = sys.version_info < (3, 11)
HEAD = 16 if sys.version_info >= (3, 8) else 32

_raw = {}  # id(type) -> count
_named = {}  # name -> count
_anchor = []  # in the permanent generation once gc.freeze() was called


def name_of(cls):
    module = cls.__module__
    if not isinstance(module, str) or module == "builtins":
        return cls.__name__
    return module + "." + cls.__name__


def _word(address):
    return ctypes.c_size_t.from_address(address).value


def _all_types():
    known = set()
    todo = [object]
    while todo:
        cls = todo.pop()
        if id(cls) not in known:
            known.add(id(cls))
            todo.extend(type.__subclasses__(cls))
    return known


def _ring(anchor, frozen):
    """Nodes of the ring that anchor is in, if they are as many as the frozen and a head."""
    first = node = id(anchor) - HEAD
    nodes = []
    while len(nodes) <= frozen:
        nodes.append(node)
        node = _word(node) & ~3
        if node == first:
            return nodes if len(nodes) == frozen + 1 else None
    return None


def _add_frozen(named, frozen):
    """gc.get_objects() does not show the permanent generation, so walk its ring from an object
    in it: what gc.freeze() put there, or, in 3.12, the immortal tuples of the static types. Its
    head is the one node that is no object."""
    nodes = None
    if ctypes is not None:
        for anchor in (_anchor, object.__mro__, int.__mro__, dict.__mro__):
            nodes = nodes or (gc.is_tracked(anchor) and _ring(anchor, frozen))
    if not nodes:
        named["?frozen"] = frozen
        return
    known = _all_types()
    heads = 0
    for node in nodes:
        if _word(node + HEAD + 8) in known:
            name = name_of(type(ctypes.cast(node + HEAD, ctypes.py_object).value))
            named[name] = named.get(name, 0) + 1
        else:
            heads += 1
    assert heads == 1, heads


def count(gone_at_rest=()):
    """Counts per type name as JSON. gone_at_rest: what exists now and not at rest, by name."""
    enabled = gc.isenabled()
    gc.disable()
    raw, named = _raw, _named
    raw.clear()
    named.clear()
    frozen = gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else 0
    if frozen:
        _add_frozen(named, frozen)
    # The list is not in itself; all that is made from here on is no container.
    objects = gc.get_objects()
    obj = cls = None
    for obj in objects:
        key = id(type(obj))
        raw[key] = raw.get(key, 0) + 1
    for obj in objects:
        cls = type(obj)
        key = raw.pop(id(cls), 0)
        if key:
            name = name_of(cls)
            named[name] = named.get(name, 0) + key
    obj = cls = objects = None
    if TRACKED_FRAMES and gc.is_tracked(sys._getframe()):
        named["frame"] -= 1
    for name in gone_at_rest:
        named[name] -= 1
        if not named[name]:
            del named[name]
    text = json.dumps(named, sort_keys=True)
    if enabled:
        gc.enable()
    return text


SCRIPT = "selfcount.report(%d)"
# What run_string() makes to run SCRIPT and frees after: compared with the lists as read from
# outside, on 3.9 to 3.15.
SCRIPT_MAKES = ("tuple", "tuple") + (() if TRACKED_FRAMES else ("function",))
if sys.version_info < (3, 14):
    SCRIPT_MAKES += ("list",)


def report(fd):
    """What SCRIPT calls in a sub-interpreter."""
    gone = ["list"]  # This one.
    gone.extend(SCRIPT_MAKES)
    if TRACKED_FRAMES:
        frame = sys._getframe()
        while frame is not None:
            if gc.is_tracked(frame):
                gone.append("frame")
            frame = frame.f_back
    os.write(fd, count(gone).encode() + b"\n")


count()
