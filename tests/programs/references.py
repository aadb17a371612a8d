# SPDX-License-Identifier: BSD-2-Clause
"""Holds one of each kind of object, and tells what refers to what. One command a line:

dump FILE     for every tracked object its address, the number of its referents and their
              addresses, as 64-bit words; answers with the number of objects
import NAME   imports a module and keeps what it brings
django        sets up Django with two applications and a database in memory
collect       gc.collect(), answers its result
garbage N SHAPE  N cycles that nothing holds, with the GC off; answers N. Shapes: self, list, del,
              weak (a reference with a callback to each is kept), mixed
lose N        N references to an object of class Lost are lost, as a careless extension would do;
              answers its address
forget        what holds that object properly goes
leak KIND N   N objects more in a container of a module: `instances` of class Leaked in the list
              leaked_list, `strings` in the dict leaked_dict; as `cycles` of two, LeakedLeft and
              LeakedRight, in leaked_cycles. Answers the container's address
unhold        the container of cycles is emptied, with the GC off
rest          answers RESTING
"""
import array
import asyncio
import collections
import ctypes
import functools
import gc
import importlib
import itertools
import operator
import os
import sys
import threading
import types
import weakref

import common

kept = {}


class Plain(object):
    def __init__(self, number):
        self.number = number
        self.other = [number]

    def method(self):
        return self.number

    @property
    def half(self):
        return self.number // 2

    @staticmethod
    def static():
        return kept

    @classmethod
    def of(cls):
        return cls


class Slots(object):
    __slots__ = ("left", "right", "__weakref__")

    def __init__(self, left):
        self.left = left


class MoreSlots(Slots):
    __slots__ = ("third", "__dict__")


class Meta(type):
    pass


Dynamic = Meta("Dynamic", (Plain,), {"extra": ["of the class"]})
Point = collections.namedtuple("Point", "x y")
Sub = {base: type("Sub" + base.__name__, (base,), {})
       for base in (list, dict, tuple, set, frozenset, int, str, bytes, float, Exception,
                    collections.deque, collections.OrderedDict, collections.defaultdict)}


def closure():
    hidden = ["in a cell"]

    def inner(default=["a default"], *, keyword={"a": "keyword default"}):
        return hidden, default, keyword
    inner.attribute = ["of a function"]
    return inner


def generator(argument):
    local = {"local": [argument]}
    for item in [local, argument]:
        yield item


async def coroutine(future):
    local = ["in a coroutine"]
    await future
    return local


async def async_generator(argument):
    yield [argument]


def caught():
    local = ["in a traceback"]
    try:
        raise ValueError("kept", local)
    except ValueError as error:
        kept["frame"] = sys._getframe()
        return error


def chained():
    try:
        try:
            open("/nonexistent/file")
        except OSError as error:
            raise KeyError("chained") from error
    except KeyError as error:
        return error


def fill():
    a, b = Plain(1), Plain(2)
    a.peer, b.peer = b, a
    slots, more = Slots(a), MoreSlots([a])
    more.third, more.free = (b,), ["in the dict"]
    materialised = Plain(3)
    vars(materialised)["added"] = [materialised.__dict__]
    many = Plain(4)
    for i in range(50):
        setattr(many, "attribute%d" % i, [i])
    bare = Plain(5)
    del bare.number
    kept["instances"] = [a, b, slots, more, materialised, many, bare, Dynamic(6)]
    kept["containers"] = [
        [[], [a], (a, b), (), {}, {"k": a}, {a: b, "mixed": [1]}, {1: [2]}, set(), {a, b},
         frozenset([a]), collections.deque([a] * 200), collections.deque(maxlen=3),
         collections.OrderedDict([("k", [1]), (2, [3])]), collections.defaultdict(list, k=[1]),
         collections.Counter("aab"), collections.ChainMap({}, {"k": [a]}), Point([1], [2]),
         types.MappingProxyType({"k": [a]}), types.SimpleNamespace(x=[a])]]
    shrunk = {i: [i] for i in range(1000)}
    for i in range(0, 1000, 2):
        del shrunk[i]
    holes = set(map(str, range(1000)))
    for i in range(0, 1000, 2):
        holes.discard(str(i))
    kept["shrunk"] = [shrunk, holes, list(range(100000)), {str(i): [i] for i in range(5000)}]
    subs = [Sub[list]([a]), Sub[dict](k=[a]), Sub[tuple]([a]), Sub[set]([a]), Sub[frozenset]([a]),
            Sub[int](5), Sub[str]("text"), Sub[bytes](b"text"), Sub[float](1.5),
            Sub[Exception]([a]), Sub[collections.deque]([a]),
            Sub[collections.OrderedDict](k=[a]), Sub[collections.defaultdict](list)]
    for sub in subs:
        sub.attribute = [sub]
    kept["subclasses"] = subs


def fill_functions():
    a = Plain(7)

    @functools.lru_cache(maxsize=10)
    def cached(argument):
        return [argument]
    cached((1, 2))
    cached(3)

    @functools.lru_cache(maxsize=None)
    def unbounded(argument):
        return [argument]
    unbounded(5)
    kept["functions"] = [closure(), lambda: a, a.method, Plain.method, [].append, len,
                         functools.partial(closure, [a], key=[a]), cached, unbounded, a.method.__call__,
                         str.join, int.__add__, (1).__add__, dict.__dict__["fromkeys"],
                         Plain.__dict__["static"], Plain.__dict__["of"], Plain.__dict__["half"],
                         types.FunctionType.__dict__["__code__"], super(Plain, a),
                         operator.itemgetter([1], [2]), operator.attrgetter("a.b"),
                         operator.methodcaller("m", [a]), functools.cmp_to_key(closure),
                         types.MethodType(closure, a)]
    started, finished = generator([1]), generator([2])
    next(started)
    list(finished)
    kept["generators"] = [started, finished, generator([3]), async_generator([4])]
    kept["errors"] = [caught(), chained(), StopIteration([1]), SystemExit([2]),
                      UnicodeDecodeError("utf-8", b"x", 0, 1, "reason"), SyntaxError("s"),
                      ImportError("i", name="n", path="p")]
    kept["weak"] = [weakref.ref(a), weakref.ref(a, print), weakref.proxy(a), weakref.WeakSet([a]),
                    weakref.WeakValueDictionary(k=a), weakref.WeakKeyDictionary({a: [1]}),
                    weakref.WeakMethod(a.method), weakref.finalize(a, print, [1])]
    kept["a"] = a


def fill_iterators():
    base = [[1], [2], [3]]
    tee = itertools.tee(iter(base))
    next(tee[0])
    iterators = [iter(base), iter(tuple(base)), iter({1: base}), iter({1: base}.items()),
                 iter({1: base}.values()), iter({1, 2}), reversed(base), enumerate(base),
                 zip(base, base), map(len, base), filter(None, base), iter(len, 3),
                 iter(range(5)), iter(collections.deque(base)), itertools.chain(base, base),
                 itertools.cycle(base), itertools.repeat(base), itertools.count(),
                 itertools.islice(base, 2), itertools.starmap(len, base),
                 itertools.product(base, base), itertools.permutations(base),
                 itertools.combinations(base, 2), itertools.groupby(base),
                 itertools.takewhile(bool, base), itertools.accumulate(base),
                 itertools.zip_longest(base, [1]), tee, {1: base}.keys(), {1: base}.items(),
                 slice([1], [2], [3]), memoryview(bytearray(b"x")), iter("text"), iter(b"x")]
    for iterator in iterators[:8]:
        next(iterator)
    kept["iterators"] = iterators


def fill_asyncio():
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    task = loop.create_task(coroutine(future))
    done = loop.create_future()
    done.set_result([1])
    failed = loop.create_future()
    failed.set_exception(ValueError([2]))
    future.add_done_callback(functools.partial(print, [3]))
    loop.call_soon(loop.stop)
    loop.run_forever()
    kept["asyncio"] = [loop, future, task, done, failed]
    if sys.version_info >= (3, 7):
        import contextvars
        variable = contextvars.ContextVar("variable", default=[1])
        context = contextvars.copy_context()
        tokens = []
        context.run(lambda: tokens.append(variable.set([2])))
        for i in range(40):
            context.run(contextvars.ContextVar("v%d" % i).set, [i])
        kept["context"] = [variable, context, tokens]


def fill_thread():
    started, go_on = threading.Event(), threading.Event()

    def work(argument):
        local = {"in a thread": [argument]}
        started.set()
        go_on.wait()
        return local
    thread = threading.Thread(target=work, args=([1],), daemon=True)
    thread.start()
    started.wait()
    local = threading.local()
    local.value = ["thread local"]
    kept["thread"] = [thread, go_on, local]


def dump(path):
    """All that is tracked, but for what this call itself makes."""
    gc.collect()
    out = array.array("Q")
    own = [id(out)]
    if sys.version_info < (3, 11):
        frame = sys._getframe()
        while frame.f_code is not main.__code__:
            own.append(id(frame))
            frame = frame.f_back
        del frame
    own.append(id(own))
    objects = gc.get_objects()
    own.append(id(objects))
    cnt = 0
    for entry in objects:
        if id(entry) in own:
            continue
        cnt += 1
        referents = gc.get_referents(entry)
        out.append(id(entry))
        out.append(len(referents))
        for referent in referents:
            out.append(id(referent))
    del objects[:], entry  # In 3.6 among them is the frame that holds them.
    with open(path, "wb") as file:
        out.tofile(file)
    return cnt


def django():
    import django
    from django.conf import settings
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    User.objects.create_user("name", password="secret")
    kept["django"] = list(User.objects.all())
    return "OK"


class Finalized(Plain):
    def __del__(self):
        kept["finalized"] = kept.get("finalized", 0) + 1


class Lost(object):
    """A class of its own: nothing else is of it."""

    def __init__(self):
        self.other = ["of a lost one"]


def one_cycle(shape, number):
    if shape == "list":
        ring = [[number], {"n": [number]}, (number, [number])]
        ring[0].append(ring)
        return
    one = Finalized(number) if shape == "del" else Plain(number)
    one.me = one
    one.method_of_me = one.method
    if shape == "weak":
        kept.setdefault("callbacks", []).append(weakref.ref(one, lambda _: None))


def garbage(cnt, shape):
    gc.disable()
    gc.collect()
    gc.collect()
    shapes = ["self", "list", "del", "weak"]
    for i in range(cnt):
        one_cycle(shapes[i % 4] if shape == "mixed" else shape, i)
    return cnt


class Leaked(object):
    def __init__(self, number):
        self.number = number


class LeakedLeft(Leaked):
    pass


class LeakedRight(Leaked):
    pass


leaked_list, leaked_dict, leaked_cycles = [], {}, []


def leak(kind, cnt):
    for i in range(int(cnt)):
        if kind == "instances":
            leaked_list.append(Leaked(i))
        elif kind == "strings":
            leaked_dict["key %d" % i] = "value %d" % i
        else:
            left, right = LeakedLeft(i), LeakedRight(i)
            left.peer, right.peer = right, left
            leaked_cycles.append(left)
    return id({"instances": leaked_list, "strings": leaked_dict}.get(kind, leaked_cycles))


def answer(command, argument):
    if command == "dump":
        return dump(argument)
    if command == "import":
        kept[argument] = importlib.import_module(argument)
        return "OK"
    if command == "django":
        return django()
    if command == "collect":
        return gc.collect()
    if command == "garbage":
        return garbage(int(argument.split()[0]), argument.split()[1])
    if command == "lose":
        kept["lost"] = Lost()
        for _ in range(int(argument)):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept["lost"]))
        return id(kept["lost"])
    if command == "forget":
        del kept["lost"]
        return "OK"
    if command == "unhold":
        gc.disable()
        del leaked_cycles[:]
        return "OK"
    if command == "leak":
        return leak(*argument.split())
    return "RESTING"


def main():
    fill()
    fill_functions()
    fill_iterators()
    fill_asyncio()
    fill_thread()
    common.ready()
    while True:
        # sys.stdin would hold a buffer while it waits.
        line = os.read(0, 4096).decode()
        if not line:
            break
        command, _, argument = line.strip().partition(" ")
        os.write(1, ("%s\n" % answer(command, argument)).encode())


main()
