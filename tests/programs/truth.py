# SPDX-License-Identifier: BSD-2-Clause
"""Knows what it holds. Obeys one command a line on stdin, answers one line on stdout, and is at
rest between commands: blocked in read(), with exactly the tracked objects that the last `types`
named, permanent generation included. See COMMANDS; no verdict, it makes numbers to compare with."""
import collections
import functools
import gc
import io
import json
import os
import sys
import threading
import types
import weakref

import common
import selfcount

COMMANDS = """
populate N          N objects of each of many kinds, kept
big N               N small instances in a list
subinterp N [legacy]  N sub-interpreters, kept: `ok N` or `unsupported why`
gc on|off|freeze|collect
types               {"module.Name": count} of this interpreter; before 3.9 all interpreters share
                    the lists, and this is the sum
types_all           the same, summed over all interpreters
rest                answers RESTING
"""

kept = []
subs = []  # (id, read end, write end)


class Plain(object):
    def __init__(self, number):
        self.number = number
        self.peer = None

    def method(self):
        return self.number


class Slots(object):
    __slots__ = ("left", "right", "__weakref__")

    def __init__(self, left):
        self.left = left
        self.right = None


class NoDictNoGc(object):
    __slots__ = ()


class MyDict(dict):
    pass


class MyList(list):
    pass


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyTuple(tuple):
    pass


class MyError(Exception):
    pass


class Derived(Plain):
    pass


Pair = collections.namedtuple("Pair", "left right")


def make_closure(value):
    def closure():
        return value
    return closure


def generate(value):
    while True:
        yield value


def raised(number):
    try:
        raise MyError(number)
    except MyError as error:
        return error


def twin_class(module_name):
    """A class Twin in a module of its own: the same name in two modules."""
    module = types.ModuleType(module_name)
    exec("class Twin(object):\n    def __init__(self, n):\n        self.n = n\n", module.__dict__)
    sys.modules[module_name] = module
    return module.Twin


def populate_asyncio(n):
    import asyncio
    loop = asyncio.new_event_loop()
    futures = [loop.create_future() for _ in range(n)]

    async def wait(future):
        await future

    tasks = [loop.create_task(wait(future)) for future in futures]
    for task in tasks:
        task._log_destroy_pending = False
    loop.run_until_complete(asyncio.sleep(0))
    kept.append((loop, futures, tasks))


def populate(n):
    twins = [twin_class("first_module"), twin_class("second_module")]
    for i in range(n):
        plain = Plain(i)
        generator = generate(plain)
        next(generator)
        kept.append([
            plain, Derived(i), Slots(plain), NoDictNoGc(), MyDict(key=plain), MyList([plain]),
            MyInt(i + 1000), MyStr("text %d" % i), MyTuple((plain,)), Pair(plain, i),
            make_closure(plain), lambda: i, generator, plain.method, plain.__class__,
            (plain, [i]), {plain}, frozenset([plain]), collections.deque([plain]),
            collections.OrderedDict(key=plain), collections.defaultdict(list, key=plain),
            collections.Counter("text"), weakref.ref(plain, make_closure(i)),
            weakref.proxy(plain), raised(i), types.ModuleType("made_%d" % i),
            functools.lru_cache(maxsize=4)(make_closure(i)), functools.partial(raised, plain),
            type("Dynamic%d" % (i % 10), (Plain,), {"number": i})(i), twins[0](i), twins[1](i),
            property(make_closure(i)), staticmethod(raised), classmethod(raised), iter([plain]),
            map(raised, [plain]), zip([plain], [i]), enumerate([plain]), memoryview(b"text"),
            slice(plain, None), types.SimpleNamespace(plain=plain), {"text": "text"}, {i: plain},
            (i, "text"), bytearray(8), super(Derived, Derived(i)),
        ])
        plain.peer = kept[-1]
    populate_asyncio(n)


class Small(object):
    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


SUB_START = """
import sys
sys.path.insert(0, %r)
import collections, functools, json, random, types, weakref
class Guest(object):
    pass
guests = [Guest() for _ in range(100)]
import selfcount
"""


def create_interpreter(legacy):
    """-> (module, id), or raises ImportError."""
    config = "legacy" if legacy else "isolated"
    try:
        import _interpreters as module
        return module, module.create(config)
    except ImportError:
        pass
    import _xxsubinterpreters as module
    try:
        return module, module.create(isolated=not legacy)
    except TypeError:  # 3.8
        return module, module.create()


def run_in(module, ident, script):
    failed = module.run_string(ident, script)
    if failed is not None:
        raise RuntimeError(str(failed))


def start_sub_by_thread(testcapi):
    """3.6 and 3.7 cannot keep an idle one: a thread runs it, blocked in a read."""
    go, done = os.pipe(), os.pipe()
    script = SUB_START % os.path.dirname(os.path.abspath(__file__))
    script += "import os\nos.write(%d, b'+')\nos.read(%d, 1)\n" % (done[1], go[0])
    thread = threading.Thread(target=testcapi.run_in_subinterp, args=(script,))
    thread.daemon = True
    thread.start()
    os.read(done[0], 1)


def subinterp(n, legacy):
    for i in range(n):
        try:
            module, ident = create_interpreter(legacy)
        except ImportError as no_module:
            if sys.version_info >= (3, 8):
                return "unsupported %s" % no_module
            try:
                import _testcapi
            except ImportError as error:
                return "unsupported %s" % error
            start_sub_by_thread(_testcapi)
            subs.append(None)
            continue
        reader, writer = os.pipe()
        run_in(module, ident, SUB_START % os.path.dirname(os.path.abspath(__file__)))
        subs.append((module, ident, reader, selfcount.SCRIPT % writer))
        # The first reports fill caches.
        ask(subs[-1])
        ask(subs[-1])
    return "ok %d" % n


def ask(sub):
    module, ident, reader, script = sub
    run_in(module, ident, script)
    text = b""
    while not text.endswith(b"\n"):
        text += os.read(reader, 65536)
    return json.loads(text.decode())


def others():
    """What the sub-interpreters hold, summed."""
    total = {}
    if sys.version_info >= (3, 9):
        for sub in subs:
            for name, live in ask(sub).items():
                total[name] = total.get(name, 0) + live
    return total


def types_all(own):
    total = others()
    for name, live in json.loads(own).items():
        total[name] = total.get(name, 0) + live
    return json.dumps(total, sort_keys=True)


def answer(text):
    data = text.encode() + b"\n"
    while data:
        data = data[os.write(1, data):]


def other_command(line):
    words = line.decode().split()
    if words[:1] == ["populate"]:
        populate(int(words[1]))
    elif words[:1] == ["big"]:
        kept.append([Small(i) for i in range(int(words[1]))])
    elif words[:1] == ["subinterp"]:
        return subinterp(int(words[1]), words[2:] == ["legacy"])
    elif words == ["gc", "off"]:
        gc.disable()
    elif words == ["gc", "on"]:
        gc.enable()
    elif words == ["gc", "freeze"]:
        if not hasattr(gc, "freeze"):
            return "unsupported before 3.7"
        gc.freeze()
    elif words == ["rest"]:
        return "RESTING"
    else:
        return "unknown command"
    return "ok"


def serve():
    # `types` and `gc collect` make no container of their own here: a census at that collection
    # sees what the count names. os.read() holds a tuple while blocked in 3.6; readinto() does not.
    byte = bytearray(1)
    read = io.FileIO(0, closefd=False).readinto
    while True:
        line = b""
        while True:
            if read(byte) != 1:
                return
            if byte == b"\n":
                break
            line += byte
        if line == b"types":
            answer(selfcount.count())
        elif line == b"types_all":
            answer(types_all(selfcount.count()))
        elif line == b"gc collect":
            gc.collect()
            answer("ok")
        else:
            answer(other_command(line))


common.ready()
serve()
if subs:
    # Interpreters that are still alive make the end of the main one fatal in some versions.
    os._exit(0)
