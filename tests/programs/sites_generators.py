# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in comprehensions and generators."""
from sites_core import case


@case
def list_comprehension(make, n, sink):
    for made in [make() for _ in range(n)]:
        sink(made)


@case
def lines_of_a_comprehension(make, n, sink):
    for made in [
            make()
            for _ in
            range(n)]:
        sink(made)


@case
def dict_and_set_comprehension(make, n, sink):
    for made in {i: make() for i in range(n // 2)}.values():
        sink(made)
    for made in {make() for _ in range(n // 2)}:
        sink(made)


@case
def nested_comprehension(make, n, sink):
    for row in [[make() for _ in range(2)] for _ in range(n // 2)]:
        sink(row.pop())
        sink(row.pop())


@case
def comprehension_of_a_closure(make, n, sink):
    for made in [(lambda: make())() for _ in range(n)]:
        sink(made)


@case
def generator_expression(make, n, sink):
    for made in (make() for _ in range(n)):
        sink(made)


@case
def generator_expression_in_c(make, n, sink):
    for made in list(make() for _ in range(n)):
        sink(made)


@case
def generator_body(make, n, sink):
    def generate():
        for _ in range(n // 2):
            sink(make())
            yield
            sink(make())
            yield

    for _ in generate():
        pass


@case
def generator_delegates(make, n, sink):
    def inner():
        for _ in range(n):
            yield make()

    def outer():
        yield from inner()

    for made in outer():
        sink(made)


@case
def generator_is_thrown_into(make, n, sink):
    def generate():
        while True:
            try:
                yield
            except ValueError:
                sink(make())

    running = generate()
    next(running)
    for _ in range(n):
        running.throw(ValueError())
