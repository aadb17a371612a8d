# SPDX-License-Identifier: BSD-2-Clause
"""The machinery of sites.py: cases, and how a case learns the truth about its own places. A body
is called twice, from the same line: with a maker that notes the stack it is called from, then with
the type that is asked for. What the first notes is where the second allocates."""
import collections
import sys

DEPTH = 64  # frames that are noted of a stack

cases = []
notes = []  # stacks; a stack is a tuple of frames, innermost first
kept = []
anchors = {}  # type -> an object of it that stays: a type of which none lives is not known


def frame_words(frame):
    code = frame.f_code
    return (code.co_name, getattr(code, "co_qualname", code.co_name), code.co_filename,
            frame.f_lineno or 0)


def walk(frame):
    stack = []
    while frame and len(stack) < DEPTH:
        stack.append(frame_words(frame))
        frame = frame.f_back
    return tuple(stack)


def note(*_args):
    """Notes the line that calls it."""
    notes.append(walk(sys._getframe(1)))


def learner(base, *makes):
    """A class like base whose objects note where they are made: `makes` is what it makes objects
    with, if not from the arguments."""
    def __new__(cls, *args, **kwargs):
        notes.append(walk(sys._getframe(1)))
        if base is object:
            return object.__new__(cls)
        return base.__new__(cls, *(makes or args), **({} if makes else kwargs))

    return type("Learner", (base,), {"__new__": __new__, "__module__": __name__})


class Marked(object):
    """Most cases make these. No function of its own: its objects come into being in C."""


Learner = learner(object)

dropped = id  # A function in C that keeps nothing.


class Case(object):
    def __init__(self, body, made, maker, learns, inner, name, varies, entered):
        self.name = name
        self.body = body
        self.type = made
        self.maker = maker
        self.learner = learns
        self.inner = inner
        self.varies = varies
        self.entered = entered
        self.places = {}  # n -> what it learned


def add(body, made=Marked, maker=None, learns=None, inner=None, name=None, varies=False,
        entered=None):
    """A case: body(make, n, sink) has n objects of the type `made` made and passes them to sink;
    inner(): a frame inside of the noted one, where that cannot note; varies: neither callers nor
    counts are the same each time; entered: the function that makes it on its first line, as a
    frame that the interpreter does not show yet."""
    name = name or body.__name__
    assert all(case.name != name for case in cases), name
    if made is Marked:
        maker, learns = Marked, Learner
    cases.append(Case(body, made, maker or made, learns or note, inner, name, varies,
                      entered))


def case(body):
    add(body)
    return body


def type_name(cls):
    module = cls.__module__
    return cls.__name__ if module == "builtins" else "%s.%s" % (module, cls.__name__)


def words_of(stack, cnt):
    frames = [dict(zip(("function", "qualname", "file", "line"), words)) for words in stack]
    place = dict(frames[0], cnt=cnt, callers=frames[1:])
    return place


def inner_frames(found):
    if not found.entered:
        return (found.inner(),) if found.inner else ()
    code = found.entered.__code__
    return ((code.co_name, getattr(code, "co_qualname", code.co_name), code.co_filename,
             code.co_firstlineno),)


def perform(found, n, modes, keep):
    """Runs it, first to learn if that is not known yet."""
    for learning in modes:
        make = found.learner if learning else found.maker
        sink = kept.append if keep and not learning else dropped
        del notes[:]
        found.body(make, n, sink)
        if learning:
            inner = inner_frames(found)
            found.places[n] = [words_of(inner + stack, cnt)
                               for stack, cnt in collections.Counter(notes).items()]


def anchor(case, n):
    if case.type not in anchors:
        made = []
        case.body(case.maker, n, made.append)
        anchors[case.type] = made[:1]


def find(name):
    for found in cases:
        if found.name == name:
            return found
    raise KeyError(name)


def run(name, n, learn_only, keep):
    found = find(name)
    modes = () if n in found.places else (True,)
    before = len(kept)
    perform(found, n, modes if learn_only else modes + (False,), keep)
    if learn_only:
        anchor(found, n)
    places = found.places[n]
    answer = dict(places[0] if places else {})
    answer.update(case=name, type=type_name(found.type), n=n, varies=found.varies,
                  kept=len(kept) - before, places=places)
    return answer
