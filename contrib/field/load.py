# SPDX-License-Identifier: BSD-2-Clause
"""Load for the field tests, on loopback: load.py django|aiohttp|hg PORT SECONDS [THREADS] [PER_S].
Prints how many requests were answered and how many were not."""
import asyncio
import http.client
import random
import re
import sys
import threading
import time
import urllib.parse

kind, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 4
rate = float(sys.argv[5]) if len(sys.argv) > 5 else 60.0
end = time.monotonic() + seconds
served = [0, 0]


class Client:
    """One browser: a connection that is kept, and cookies."""

    def __init__(self, number):
        self.rng = random.Random(number)
        self.cookies = {}
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path, data=None):
        headers = {"Cookie": "; ".join("%s=%s" % pair for pair in self.cookies.items())}
        body = None
        if data is not None:
            body = urllib.parse.urlencode(data)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.http.request("POST" if body else "GET", path, body, headers)
            answer = self.http.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self.http.close()
            served[1] += 1
            return ""
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        served[0 if answer.status < 400 else 1] += 1
        return text

    def forget(self):
        self.http.close()
        self.cookies = {}

    def login(self):
        page = self.get("/admin/login/")
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)
        if token:
            self.get("/admin/login/?next=/admin/", {
                "csrfmiddlewaretoken": token.group(1), "username": "root", "password": "field",
                "next": "/admin/"})


def django_step(client):
    rng = client.rng
    dice = rng.random()
    if dice < 0.5:
        client.get("/?page=%d&add=%d" % (rng.randrange(1, 80), rng.randrange(2000)))
    elif dice < 0.65:
        client.get("/?q=%d" % rng.randrange(100))
    elif dice < 0.75:
        client.get("/numbers")
    elif dice < 0.85:
        client.get("/touch/%d" % rng.randrange(1, 2000))
    elif dice < 0.97:
        client.get("/admin/django_app/item/?q=%d" % rng.randrange(100))
    elif dice < 0.99:
        client.get("/nowhere/%d" % rng.randrange(10 ** 6))
    else:
        client.forget()
        client.login()


def hg_step(client):
    rng = client.rng
    revision = rng.randrange(300)
    client.get(rng.choice(["/log/%d", "/rev/%d", "/file/%d", "/graph/%d", "/raw-rev/%d",
                           "/annotate/%d/file1.txt", "/diff/%d/file2.txt"]) % revision)


def loop(number):
    client = Client(number)
    if kind == "django":
        client.login()
    step = django_step if kind == "django" else hg_step
    due = time.monotonic()
    while time.monotonic() < end:
        step(client)
        due = max(due + threads / rate, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))


async def chat(session, number):
    rng = random.Random(number)
    base = "http://127.0.0.1:%d" % port
    while time.monotonic() < end:
        try:
            async with session.ws_connect("%s/talk/%d" % (base, rng.randrange(5))) as socket:
                for n in range(rng.randrange(3, 30)):
                    text = "word " * rng.randrange(20)
                    await socket.send_json({"from": number, "text": text, "n": n})
                    await socket.receive()
                    await asyncio.sleep(rng.random() * 0.1)
                    served[0] += 1
            async with session.post(base + "/post", json={"from": number, "n": 1}) as answer:
                await answer.read()
            async with session.get(base + "/stream") as answer:
                await answer.read()
            served[0] += 2
        except Exception:  # noqa: BLE001: counted, and the next one is tried
            served[1] += 1
            await asyncio.sleep(0.2)


async def chats():
    import aiohttp
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(chat(session, n) for n in range(threads)))


if kind == "aiohttp":
    asyncio.run(chats())
else:
    workers = [threading.Thread(target=loop, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
print("answered %d, failed %d" % tuple(served))
