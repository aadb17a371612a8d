# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py for objects of other types than Marked: those with functions of their own,
those that C makes, and built-in ones."""
import collections
import ctypes
import datetime
import dis
import functools
import struct
import sys
import types

from sites_core import add, learner

try:
    import dataclasses
except ImportError:  # 3.6
    dataclasses = None


def define(base):
    """Classes whose objects come into being in a function of Python."""
    class MarkedInit(base):
        def __init__(self):
            self.value = [self.helper()]

        def helper(self):
            return 1

    class MarkedNew(base):
        def __new__(cls):
            return super(MarkedNew, cls).__new__(
                cls)

    class MarkedDerived(MarkedNew):
        def __new__(cls):
            made = super().__new__(cls)
            return made

    class Meta(type):
        def __call__(cls, *args):
            return super().__call__(*args)

    class MarkedMeta(base, metaclass=Meta):
        pass

    class MarkedFactory(base):
        @classmethod
        def create(cls):
            return cls()

    class MarkedMember(base):
        __slots__ = ("left", "right")

    return MarkedInit, MarkedNew, MarkedDerived, MarkedMeta, MarkedFactory, MarkedMember


def instance(make, n, sink):
    for _ in range(n):
        sink(make())


for made, learns in zip(define(object), define(learner(object))):
    made.__qualname__ = made.__name__
    if made.__name__ == "MarkedFactory":
        add(instance, made, made.create, learns.create, name=made.__name__)
    else:
        add(instance, made, learns=learns, name=made.__name__)


def add_c(name, base, *makes):
    """A class of Python whose objects C makes, all in one line."""
    made = type("Marked" + name, (base,), {"__module__": __name__})
    maker = functools.partial(made, *makes) if makes else made
    add(instance, made, maker, learner(base, *makes), name="Marked" + name)
    return made


class SlotsBase(object):
    __slots__ = ("left", "__weakref__")


add_c("Slots", SlotsBase)
add_c("Dict", dict)
add_c("List", list)
add_c("Tuple", tuple, (1, 2, 3))
add_c("Set", set)
add_c("Int", int, 12345678901234567890)
add_c("Str", str, "größer")
add_c("Bytes", bytes, b"bytes")
add_c("Float", float, 1.5)
add_c("Error", Exception, "words")
add_c("OrderedDict", collections.OrderedDict)
add_c("DefaultDict", collections.defaultdict)
add_c("Deque", collections.deque)
add_c("Date", datetime.datetime, 2024, 2, 29)
add_c("Structure", type("Fields", (ctypes.Structure,), {"_fields_": [("left", ctypes.c_int)]}))
add_c("Function", functools.partial, len)


def class_methods_of_c(make, n, sink):
    for i in range(n):
        sink(make.fromtimestamp(i)) if i % 2 else sink(
            make.utcfromtimestamp(i) if i % 4 and sys.version_info < (3, 12) else
            make.strptime("2024", "%Y"))


def from_keys(make, n, sink):
    for _ in range(n):
        sink(make.fromkeys(()))


class MarkedKeys(dict):
    pass


class MarkedStamp(datetime.datetime):
    pass


add(from_keys, MarkedKeys, learns=learner(dict))
if sys.version_info >= (3, 7):  # Before, some do not call the class.
    add(class_methods_of_c, MarkedStamp, learns=learner(datetime.datetime))


class MarkedRaised(Exception):
    pass


def raised(make, n, sink):
    for _ in range(n // 2):
        try:
            raise make
        except Exception as error:
            sink(error)
        try:
            raise make("words") from None
        except Exception as error:
            sink(error)


add(raised, MarkedRaised, learns=learner(Exception))


def raised_in_c(make, n, sink):
    for _ in range(n):
        try:
            make(); struct.unpack("i", b"")  # noqa: E702
        except struct.error as error:
            sink(error)


add(raised_in_c, struct.error, maker=tuple)

if dataclasses:
    def define_data(base):
        @dataclasses.dataclass
        class MarkedData(base):
            left: int = 1
            right: list = dataclasses.field(default_factory=list)
        return MarkedData

    made = define_data(object)
    made.__qualname__ = made.__name__
    add(instance, made, learns=define_data(learner(object)), name="MarkedData")

MarkedPair = collections.namedtuple("MarkedPair", "left right")


def pairs(make, n, sink):
    for i in range(n):
        sink(MarkedPair(i, n)); make()  # noqa: E702


def inside_pair():
    """Its last line makes the tuple."""
    code = MarkedPair.__new__.__code__
    line = [line for _, line in dis.findlinestarts(code) if line][-1]
    return code.co_name, getattr(code, "co_qualname", code.co_name), code.co_filename, line


add(pairs, MarkedPair, maker=tuple, inner=inside_pair)

# ---- built-in types: each on the line of the call that notes it

anchor = SlotsBase()
anchors = [anchor]
text = "text"


def display_list(make, n, sink):
    for _ in range(n):
        sink([anchor, n]); make()  # noqa: E702


def display_dict(make, n, sink):
    for _ in range(n):
        sink({text: anchor, n: anchor}); make()  # noqa: E702


def display_set(make, n, sink):
    for _ in range(n):
        sink({anchor, n}); make()  # noqa: E702


def display_tuple(make, n, sink):
    for i in range(n):
        sink((anchor,) * 30); make()  # noqa: E702


def made_function(make, n, sink):
    for _ in range(n):
        sink(lambda: anchor); make()  # noqa: E702


def made_closure(make, n, sink):
    for i in range(n):
        sink((lambda i: lambda: i)(i)); make()  # noqa: E702


def generate():
    yield


async def wait():
    pass


async def generate_later():
    yield


def started_generator(make, n, sink):
    for _ in range(n):
        sink(generate()); make()  # noqa: E702


def started_coroutine(make, n, sink):
    def sink_closed(coroutine):
        coroutine.close()
        sink(coroutine)

    for _ in range(n):
        sink_closed(wait()); make()  # noqa: E702


def started_async_generator(make, n, sink):
    for _ in range(n):
        sink(generate_later()); make()  # noqa: E702


def bound_method(make, n, sink):
    for _ in range(n):
        sink(anchors.append); make()  # noqa: E702


def made_class(make, n, sink):
    for i in range(n):
        sink(type("Made%d" % (i % 10), (), {})); make()  # noqa: E702


def list_iterator(make, n, sink):
    for _ in range(n):
        sink(iter(anchors)); make()  # noqa: E702


def enumerated(make, n, sink):
    for _ in range(n):
        sink(enumerate(anchors)); make()  # noqa: E702


for body, made in (
        (display_list, list), (display_dict, dict), (display_set, set), (display_tuple, tuple),
        (made_function, type(instance)),
        (bound_method, type(anchors.append)), (made_class, type),
        (list_iterator, type(iter(anchors))), (enumerated, enumerate)):
    add(body, made, maker=tuple)

# From 3.11 on its function makes a generator, before it comes to a line of its own.
for body, made, entered in (
        (started_generator, types.GeneratorType, generate),
        (started_coroutine, types.CoroutineType, wait),
        (started_async_generator, types.AsyncGeneratorType, generate_later)):
    add(body, made, maker=tuple, entered=entered if sys.version_info >= (3, 11) else None)
