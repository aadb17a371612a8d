# SPDX-License-Identifier: BSD-2-Clause
"""Background tasks wait for an event that is never set, and a set keeps them. Right verdict:
leak of Task, with its coroutine and future."""
import asyncio

import common

loop = asyncio.new_event_loop()
background = set()


async def wait_for_shutdown(event):
    await event.wait()


async def serve():
    for _ in range(2):
        event = asyncio.Event()
        background.add(loop.create_task(wait_for_shutdown(event)))
    await asyncio.sleep(0)


def tick(i):
    common.traffic(4)
    loop.run_until_complete(serve())


asyncio.set_event_loop(loop)
common.run(tick, hz=20)
# A loop that is closed with pending tasks complains about each.
loop.set_exception_handler(lambda *_: None)
background.clear()
