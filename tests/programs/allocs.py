# SPDX-License-Identifier: BSD-2-Clause
"""Makes known numbers of GC objects. Obeys one command a line on stdin and answers one line on
stdout, the collector off: `make KIND N` -> {"made": by how much gc.get_count()[0] moved over N
creations that are kept}, `drop` -> {"dropped": by how much it moved when they went}, `churn KIND
N`: made and dropped one by one. `truth` -> for every kind {"type": address of the type, "bound":
how many of them wait in free lists at most, "cyclic": whether only the collector frees them}."""
import collections
import functools
import gc
import io
import itertools
import json
import os
import sys
import threading
import types
import weakref

import common


class Plain(object):
    pass


class Slots(object):
    __slots__ = ("left", "__weakref__")


class MyDict(dict):
    pass


class MyTuple(tuple):
    pass


class MyError(Exception):
    pass


def generate():
    yield


def make_function():
    return lambda: None


anchor = Slots()
one = (1,)
text = "text"

# An expression that makes one GC object each (all that it needs exists already).
KINDS = {
    "slots": Slots, "plain": Plain, "list": lambda: [anchor], "dict": lambda: {text: anchor},
    "set": lambda: {anchor}, "frozenset": lambda: frozenset(one), "tuple": lambda: (anchor, text),
    "function": make_function, "generator": generate, "method": lambda: anchor.__reduce_ex__,
    "error": MyError, "mydict": MyDict, "mytuple": MyTuple, "listiter": lambda: iter(one),
    "weakref": lambda: weakref.ref(anchor, id), "cell": lambda: (lambda: text),
    "module": lambda: type(sys)("made"), "property": lambda: property(id),
    "enumerate": lambda: enumerate(one), "memoryview": lambda: memoryview(b"text"),
    "super": lambda: super(Plain, Plain),
}


class Method(object):
    def method(self):
        pass


class MyList(list):
    pass


class MySet(set):
    pass


def traceback():
    try:
        raise KeyError
    except KeyError as error:
        return error.__traceback__


async def generate_later():
    yield


instance = Method()
some = {text: anchor}
values = [anchor, anchor]
named = collections.namedtuple("named", "first second")

# The same; of each of these one object is of its type, whatever else it needs.
MORE = {
    "mylist": MyList, "myset": MySet, "bound": lambda: instance.method,
    "deque": collections.deque, "ordered": collections.OrderedDict,
    "default": lambda: collections.defaultdict(list), "namedtuple": lambda: named(1, 2),
    "partial": lambda: functools.partial(id), "static": lambda: staticmethod(id),
    "classmethod": lambda: classmethod(id), "proxy": lambda: types.MappingProxyType(some),
    "keys": some.keys, "items": some.items, "itemiter": lambda: iter(some.items()),
    "valiter": lambda: iter(values), "setiter": lambda: iter({anchor}),
    "zip": lambda: zip(one), "map": lambda: map(id, one), "filter": lambda: filter(None, one),
    "reversed": lambda: reversed(values), "chain": lambda: itertools.chain(one),
    "cycle": lambda: itertools.cycle(one), "islice": lambda: itertools.islice(one, 1),
    "space": types.SimpleNamespace, "stringio": io.StringIO, "bytesio": io.BytesIO,
    "traceback": traceback, "frame": lambda: generate().gi_frame, "local": threading.local,
    "resized": lambda: tuple(filter(None, values)), "asyncgen": generate_later, "type": lambda: type("Made", (object,), {}),
}
CYCLIC = ["type"]
# Of free lists, by name of the type (docs of each version; the largest of 3.6 to 3.15).
BOUNDS = {
    "tuple": 2000, "list": 80, "dict": 80, "frame": 400, "method": 256,
    "builtin_function_or_method": 256, "list_iterator": 10, "tuple_iterator": 10,
}
IS_GC = 1 << 14  # Py_TPFLAGS_HAVE_GC

kept = []
children = []


class Worker(object):
    __slots__ = ("left",)


WORKER_WORDS = sys.getsizeof(Worker()) // 8


class Garbage(object):
    """Is found by the collector only, and makes objects when it goes."""

    def __init__(self):
        self.itself = self

    def __del__(self):
        for _ in range(3):
            generate()
            Worker()


def truth():
    answer = {}
    for kind, creator in list(KINDS.items()) + list(MORE.items()):
        of = type(creator())
        if of.__flags__ & IS_GC:
            answer[kind] = {"type": id(of), "bound": BOUNDS.get(of.__name__, 0),
                            "cyclic": kind in CYCLIC}
    return answer


def thread(n):
    mine = [Worker() for _ in range(n)]
    for _ in range(n):
        Worker()
    del mine


def threads(cnt, n):
    """Of Worker, each makes 2 n and drops them."""
    running = [threading.Thread(target=thread, args=(n,)) for _ in range(cnt)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return {"type": id(Worker)}


def fork(n):
    """A child makes n of Worker, and is waited for."""
    pid = os.fork()
    if not pid:
        thread(n)
        os._exit(0)
    os.waitpid(pid, 0)
    return {"type": id(Worker)}


def child():
    """Forks one that lives until its parent does not, or we are told to reap it."""
    readable, writable = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writable)
        thread(1000)
        os.read(readable, 1)
        os._exit(0)
    os.close(readable)
    children.append((pid, writable))
    return {"pid": pid}


def reap():
    while children:
        pid, writable = children.pop()
        os.close(writable)
        os.waitpid(pid, 0)
    return {}


def busy(cnt):
    """Threads that allocate until the process ends."""
    def run():
        while True:
            thread(100)

    for _ in range(cnt):
        one = threading.Thread(target=run)
        one.daemon = True
        one.start()
    return {}


def collect(n):
    """Makes n of Worker with a collection every 20 objects, each of which finds garbage, whose end
    makes Worker and generators, and calls back. Worker is made where each word was a type."""
    def call_back(phase, info):
        Worker()
        generate()

    finalized = 3 * n
    types_in_worker = [dict] * WORKER_WORDS
    gc.callbacks.append(call_back)
    begin = sum([one["collections"] for one in gc.get_stats()])
    gc.set_threshold(20, 5, 5)
    gc.enable()
    for _ in range(n):
        before = types_in_worker[:]
        del before[:]
        kept.append(Worker())
        Garbage()
        kept.append(Slots())
    gc.disable()
    gc.collect()
    gc.callbacks.remove(call_back)
    gc.set_threshold(700, 10, 10)
    collected = sum([one["collections"] for one in gc.get_stats()]) - begin
    return {"worker": [id(Worker), n + finalized + 2 * collected],
            "generator": [id(types.GeneratorType), finalized + 2 * collected],
            "slots": [id(Slots), n], "garbage": [id(Garbage), n], "collections": collected}


def classes(n):
    """n times a class with one instance, one after the other, each gone before the next."""
    name = "Made"
    for _ in range(n):
        made = type(name, (object,), {"__slots__": ("left",)})
        made()
        del made
        gc.collect()
    return {"type": id(type)}


SUB = """
import os
class Sub(object):
    __slots__ = ("left",)
mine = [Sub() for _ in range({n})]
del mine
os.write({fd}, str(id(Sub)).encode() + b".")
"""


def interpreter(n):
    """Another one makes n of a class of its own, drops them, and ends."""
    try:
        import _interpreters as interpreters
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return {}
    readable, writable = os.pipe()
    sub = interpreters.create()
    interpreters.run_string(sub, SUB.format(n=n, fd=writable))
    answer = os.read(readable, 100)
    interpreters.destroy(sub)
    os.close(readable)
    os.close(writable)
    return {"type": int(answer[:-1])}



def make(kind, n):
    """-> the movement of the count."""
    creator = KINDS.get(kind) or MORE[kind]
    del kept[:]
    kept.extend([None] * n)
    numbers = range(n)
    get_count = gc.get_count
    before = get_count()[0]
    for i in numbers:
        kept[i] = creator()
    return get_count()[0] - before


def drop():
    before = gc.get_count()[0]
    del kept[:]
    return gc.get_count()[0] - before


def churn(kind, n):
    creator = KINDS[kind]
    before = gc.get_count()[0]
    for _ in range(n):
        creator()
    return gc.get_count()[0] - before


def main():
    gc.disable()
    gc.collect()
    common.ready()
    while True:
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(0, 1)
            if not byte:
                return
            line += byte
        words = line.decode().split()
        if words[0] == "kinds":
            answer = sorted(KINDS)
        elif words[0] == "make":
            answer = {"made": make(words[1], int(words[2]))}
        elif words[0] == "truth":
            answer = truth()
        elif words[0] in ("fork", "busy", "collect", "classes", "interpreter"):
            answer = globals()[words[0]](int(words[1]))
        elif words[0] == "child":
            answer = child()
        elif words[0] == "reap":
            answer = reap()
        elif words[0] == "threads":
            answer = threads(int(words[1]), int(words[2]))
        elif words[0] == "garbage":
            answer = {"collected": gc.collect()}
        elif words[0] == "exec":
            os.execv(sys.executable, [sys.executable] + sys.argv)
        elif words[0] == "churn":
            answer = {"moved": churn(words[1], int(words[2]))}
        else:
            answer = {"dropped": drop()}
        os.write(1, json.dumps(answer).encode() + b"\n")


main()
