# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in methods that the interpreter calls by itself."""
import gc
import weakref

from sites_core import add, case


def slots(make, sink):
    """A class whose methods allocate, each on a line of its own."""
    class Slots(object):
        def __add__(self, _other):
            sink(make())

        def __iadd__(self, _other):
            sink(make())
            return self

        def __neg__(self):
            sink(make())

        def __eq__(self, _other):
            sink(make())
            return True

        def __hash__(self):
            sink(make())
            return 1

        def __bool__(self):
            sink(make())
            return True

        def __len__(self):
            sink(make())
            return 1

        def __contains__(self, _item):
            sink(make())
            return True

        def __getitem__(self, _key):
            sink(make())

        def __setitem__(self, _key, _value):
            sink(make())

        def __call__(self):
            sink(make())

        def __iter__(self):
            sink(make())
            return iter(())

        def __index__(self):
            sink(make())
            return 0

        def __enter__(self):
            sink(make())

        def __exit__(self, *_why):
            sink(make())

    return Slots()


@case
def operators(make, n, sink):
    one = slots(make, sink)
    for _ in range(n // 15):
        one + 1
        one += 1
        -one
        one == 1
        hash(one)
        not one
        len(one)
        1 in one
        one[1]
        one[1] = 2
        one()
        list(iter(one))
        "text"[one]
        with one:
            pass


@case
def attributes(make, n, sink):
    class Attributes(object):
        @property
        def found(self):
            return make()

        def __getattr__(self, _name):
            return make()

        def __setattr__(self, _name, value):
            sink(make())

    one = Attributes()
    for _ in range(n // 4):
        sink(one.found)
        sink(one.lost)
        sink(getattr(one, "gone"))
        one.other = 1


@case
def every_attribute(make, n, sink):
    class Every(object):
        def __getattribute__(self, _name):
            return make()

    class Descriptor(object):
        def __get__(self, _instance, _owner):
            return make()

    class Described(object):
        described = Descriptor()

    one = Every()
    for _ in range(n // 3):
        sink(one.any)
        sink(Described.described)
        sink(Described().described)


@case
def class_hooks(make, n, sink):
    class Hooks(object):
        def __init_subclass__(cls):
            sink(make())

    class Named(object):
        def __set_name__(self, _owner, _name):
            sink(make())

    for _ in range(n // 2):
        type("Sub", (Hooks,), {"named": Named()})


@case
def iterator_in_python(make, n, sink):
    class Iterator(object):
        def __iter__(self):
            return self

        def __next__(self):
            return make()

    for i, made in enumerate(Iterator()):
        sink(made)
        if i + 1 == n:
            break


@case
def finaliser(make, n, sink):
    class Dies(object):
        def __del__(self):
            sink(make())

    for _ in range(n):
        Dies()


@case
def finaliser_of_garbage(make, n, sink):
    """Allocates during a collection."""
    class Dies(object):
        def __init__(self):
            self.me = self

        def __del__(self):
            sink(make())

    for _ in range(n):
        Dies()
    gc.collect()


@case
def weak_callback(make, n, sink):
    class Dies(object):
        pass

    for _ in range(n):
        dies = Dies()
        ref = weakref.ref(dies, lambda _: sink(make()))
        del dies
    del ref


@case
def collector_callback(make, n, sink):
    def callback(_phase, _info):
        sink(make())

    gc.callbacks.append(callback)
    try:
        for _ in range(n // 2):
            gc.collect(0)
    finally:
        gc.callbacks.remove(callback)


@case
def collections_all_the_time(make, n, sink):
    """Up to 3.11, an allocation that sets off a collection has no type until that ends."""
    threshold, enabled = gc.get_threshold(), gc.isenabled()
    gc.enable()
    gc.set_threshold(2, 3, 3)
    try:
        for _ in range(n):
            sink(make())
    finally:
        gc.set_threshold(*threshold)
        if not enabled:
            gc.disable()


def collections_that_allocate(make, n, sink):
    """The same, and objects are made within these collections."""
    class Dies(object):
        def __init__(self):
            self.me = self

        def __del__(self):
            sink(make())

    threshold, enabled = gc.get_threshold(), gc.isenabled()
    gc.enable()
    gc.set_threshold(5, 1000, 1000)
    try:
        for _ in range(n // 2):
            Dies()
            sink(make())
    finally:
        gc.set_threshold(*threshold)
        if not enabled:
            gc.disable()
    gc.collect()


add(collections_that_allocate, varies=True)
