# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in ordinary Python: calls, lines, functions."""
import functools
import sys

from sites_core import case

sys.setrecursionlimit(3000)


@case
def call(make, n, sink):
    for _ in range(n):
        sink(make())


@case
def two_on_a_line(make, n, sink):
    for _ in range(n // 2):
        sink(make()); sink(make())  # noqa: E702


@case
def lines_of_a_call(make, n, sink):
    for _ in range(n):
        sink(
            make
            (
            )
        )


@case
def lines_of_arguments(make, n, sink):
    def both(left, right):
        sink(left)
        sink(right)

    for _ in range(n // 2):
        both(
            make(),
            right=

            make(
            ),
        )


@case
def lines_of_displays(make, n, sink):
    for _ in range(n // 4):
        pair = (
            make(),

            make(),
        )
        table = {
            "left":
                make(),
            "right": [
                make(
                )][0],
        }
        sink(pair[0])
        sink(pair[1])
        sink(table["left"])
        sink(table["right"])
        pair = table = None


@case
def lines_of_operators(make, n, sink):
    for i in range(n // 3):
        sink(None or
             make())
        sink(make()
             if i % 2 else
             make())
        sink("%s"
             % i and \
             make())


@case
def lines_of_chains(make, n, sink):
    class Chain(object):
        def link(self, made):
            sink(made)
            return self

    for _ in range(n // 3):
        (Chain()
         .link(make())
         .link(
             make())
         .link(make()))


@case
def loops_and_handlers(make, n, sink):
    left = n
    while left > 0:
        try:
            if left % 3 == 0:
                continue
            raise KeyError(left)
        except KeyError:
            sink(make())
        finally:
            sink(make())
            left -= 1


@case
def nested_functions(make, n, sink):
    def outer():
        def inner():
            sink(make())
        inner()

    for _ in range(n):
        outer()


@case
def closure(make, n, sink):
    def closed(value):
        def inner():
            sink(make())
            return value
        return inner

    for inner in [closed(i) for i in range(n)]:
        inner()


def plainly(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


def politely(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


@case
def decorators(make, n, sink):
    @plainly
    @politely
    def decorated(number):
        sink(make())
        return number

    for i in range(n):
        decorated(i)


@case
def decorator_line(make, n, sink):
    def decorate(made):
        def keep(function):
            sink(made)
            return function
        return keep

    for _ in range(n):
        @decorate(
            make())
        def decorated():
            pass


@case
def default_value(make, n, sink):
    for _ in range(n):
        def function(left, right=make()):
            pass
        sink(function.__defaults__[0])
        del function


@case
def class_body(make, n, sink):
    for _ in range(n // 2):
        class Body(object):
            sink(make())
            listed = [sink(make()) for _ in range(1)]


@case
def lambdas(make, n, sink):
    made = lambda: make()  # noqa: E731
    for _ in range(n):
        sink((lambda: made())())


def descend(levels, make, sink):
    if levels:
        descend(levels - 1, make, sink)
    else:
        sink(make())


@case
def recursion_40(make, n, sink):
    for _ in range(n):
        descend(40, make, sink)


@case
def recursion_100(make, n, sink):
    for _ in range(n):
        descend(100, make, sink)


def plunge(levels, make, sink):
    return sink(make()) if not levels else plunge(levels - 1, make, sink)


@case
def recursion_500(make, n, sink):
    for _ in range(n):
        plunge(500, make, sink)
