# SPDX-License-Identifier: BSD-2-Clause
"""Holds messages in several ways, and has objgraph draw who holds one. Commands:

backrefs NAME DEPTH FILE   objgraph.show_backrefs(), as dot into FILE; answers the object's address
"""
import collections
import gc
import os
import sys

import common

sys.path.append("/usr/lib/python3/dist-packages")
import objgraph  # noqa: E402
sys.path.pop()


class Message(object):
    def __init__(self, number):
        self.number = number

    def handle(self):
        return self.number


class Session(object):
    def __init__(self, message):
        self.message = message
        self.me = self


class Slots(object):
    __slots__ = ("message",)


def closure(message):
    def handler():
        return message
    return handler


def generator(message):
    yield message


def fill():
    names = ("list", "dict", "key", "attribute", "slot", "closure", "method", "deque", "set",
             "tuple", "generator", "default", "many")
    found = {name: Message(name) for name in names}
    slots = Slots()
    slots.message = found["slot"]
    suspended = generator(found["generator"])
    next(suspended)
    many = Session(found["many"])
    # 3.13 and 3.14 up to 3.14.3 do not tell the collector of an instance's dict.
    shown = many if (3, 13) <= sys.version_info < (3, 14, 4) else vars(many)
    held = {
        "list": [found["list"]] * 3,
        "dict": {"message": found["dict"]},
        "key": {found["key"]: 1},
        "attribute": Session(found["attribute"]),
        "slot": slots,
        "closure": closure(found["closure"]),
        "method": found["method"].handle,
        "deque": collections.deque([found["deque"]] * 100),
        "set": {found["set"]},
        "tuple": ((found["tuple"],),),
        "generator": suspended,
        "default": lambda message=found["default"]: message,
        "many": [[many], {1: many}, many, [[many], many, shown]],
    }
    return held, found


held, found = fill()


def running():
    """The frames that run, which 3.6 tracks."""
    ids, frame = [], sys._getframe(1) if sys.version_info < (3, 11) else None
    while frame:
        ids.append(id(frame))
        frame = frame.f_back
    return ids


def backrefs(name, depth, path):
    message = found[name]
    with open(path, "w") as file:
        objgraph.show_backrefs([message], max_depth=depth, too_many=10**9, output=file,
                               extra_ignore=running())
    gc.collect()  # What the call itself left behind.
    return id(message)


def main():
    common.ready()
    while True:
        line = os.read(0, 4096).decode()
        if not line:
            break
        _, name, depth, path = line.split()
        os.write(1, ("%d\n" % backrefs(name, int(depth), path)).encode())


main()
