# SPDX-License-Identifier: BSD-2-Clause
"""An asyncio echo service: a task per request, each ends within half a second. Right verdict:
stable."""
import asyncio
import random

import common

loop = asyncio.new_event_loop()
rng = random.Random(8)
running = set()


class Echo(object):
    def __init__(self, text):
        self.text = text


async def handle(echo):
    await asyncio.sleep(rng.uniform(0.05, 0.5))
    return echo.text


async def serve():
    for n in range(rng.randrange(0, 6)):
        task = loop.create_task(handle(Echo("hello %d" % n)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.sleep(0)


def tick(i):
    loop.run_until_complete(serve())


asyncio.set_event_loop(loop)
common.run(tick, hz=30)
if running:
    loop.run_until_complete(asyncio.wait(running))
loop.close()
