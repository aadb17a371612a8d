# SPDX-License-Identifier: BSD-2-Clause
"""Cases of sites.py in coroutines and asynchronous generators, with and without asyncio."""
import asyncio
import concurrent.futures
import types

from sites_core import case


@types.coroutine
def switch():
    yield


def drive(coroutine):
    """Runs it without a loop."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration:
            return


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


@case
def coroutine(make, n, sink):
    async def run_one():
        sink(make())

    for _ in range(n):
        drive(run_one())


@case
def await_chain(make, n, sink):
    async def inner():
        sink(make())
        await switch()
        sink(
            make())

    async def middle():
        return await inner()

    async def outer():
        await middle()

    for _ in range(n // 2):
        drive(outer())


@case
def awaitable_object(make, n, sink):
    class Awaitable(object):
        def __await__(self):
            sink(make())
            yield
            sink(make())

    async def outer():
        await Awaitable()

    for _ in range(n // 2):
        drive(outer())


@case
def async_generator(make, n, sink):
    async def generate():
        for _ in range(n // 2):
            await switch()
            yield make()
            sink(make())

    async def outer():
        async for made in generate():
            sink(made)

    drive(outer())


@case
def async_comprehension(make, n, sink):
    async def generate():
        for i in range(n):
            await switch()
            yield i

    async def outer():
        for made in [make() async for i in generate() if i % 2]:
            sink(made)
        for made in {i: make() async for i in generate() if i % 2}.values():
            sink(made)

    drive(outer())


@case
def async_with_and_for(make, n, sink):
    class Both(object):
        left = n // 3

        async def __aenter__(self):
            sink(make())

        async def __aexit__(self, *_why):
            sink(make())

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return make()

    async def outer():
        async for made in Both():
            sink(made)
        for _ in range(n // 3):
            async with Both():
                pass

    drive(outer())


@case
def tasks(make, n, sink):
    async def inner():
        await asyncio.sleep(0)
        sink(make())

    async def one():
        for _ in range(n // 10):
            await inner()

    async def outer():
        await asyncio.gather(*[asyncio.ensure_future(one()) for _ in range(10)])

    run(outer())


@case
def tasks_of_two_functions(make, n, sink):
    async def left():
        for _ in range(n // 2):
            sink(make())
            await asyncio.sleep(0)

    async def right():
        for _ in range(n // 2):
            await asyncio.sleep(0)
            sink(make())

    async def outer():
        await asyncio.wait([asyncio.ensure_future(left()), asyncio.ensure_future(right())])

    run(outer())


@case
def loop_callbacks(make, n, sink):
    async def outer():
        loop = asyncio.get_event_loop()
        done = loop.create_future()
        left = [n]

        def called():
            sink(make())
            left[0] -= 1
            if left[0]:
                loop.call_soon(called)
            else:
                done.set_result(None)

        called()
        await done

    run(outer())


@case
def executor(make, n, sink):
    def work():
        sink(make())

    async def outer():
        loop = asyncio.get_event_loop()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for _ in range(n):
                await loop.run_in_executor(pool, work)

    run(outer())
