# SPDX-License-Identifier: BSD-2-Clause
"""A chat on aiohttp for the field tests: websockets, JSON posts, streams, a session per client:
aiohttp_app.py [PORT]. Its client is load.py."""
import asyncio
import json
import sys

from aiohttp import WSMsgType, web

rooms = {}
history = []


async def talk(request):
    socket = web.WebSocketResponse(heartbeat=30)
    await socket.prepare(request)
    room = rooms.setdefault(request.match_info["room"], set())
    room.add(socket)
    try:
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            history.append(said)
            del history[:-500]
            for other in list(room):
                await other.send_json(said)
    finally:
        room.discard(socket)
    return socket


async def post(request):
    said = await request.json()
    history.append(said)
    del history[:-500]
    await asyncio.sleep(0.002)
    return web.json_response({"rooms": {name: len(room) for name, room in rooms.items()}})


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for said in history[-50:]:
        await response.write(json.dumps(said).encode() + b"\n")
    await response.write_eof()
    return response


@web.middleware
async def counted(request, handler):
    response = await handler(request)
    request.app["served"]["requests"] += 1
    return response


app = web.Application(middlewares=[counted])
app["served"] = {"requests": 0}
app.add_routes([web.get("/talk/{room}", talk), web.post("/post", post), web.get("/stream", stream)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8802,
            access_log=None, print=None)
