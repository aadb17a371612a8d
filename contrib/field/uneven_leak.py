# SPDX-License-Identifier: BSD-2-Clause
"""A list only grows, at a changing pace: uneven_leak.py two|pause|bursts [SEED]. Right verdict: leak.

two: 15 a second, after 40 s 30; pause: 25 a second, none from 50 to 56 s; bursts: 0 to 60 a second,
another pace every 3 s."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "programs"))
import common  # noqa: E402


class Kept(object):
    def __init__(self, number):
        self.number = number
        self.parts = [number]


mode = sys.argv[1]
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
kept = []
state = {"due": 0.0, "pace": 0.0, "until": 0.0}


def tick(i):
    common.traffic(8)
    now = i / 50.0
    if mode == "two":
        state["pace"] = 15 if now < 40 else 30
    elif mode == "pause":
        state["pace"] = 0 if 50 < now < 56 else 25
    elif now >= state["until"]:
        state["pace"] = rng.random() * 60
        state["until"] = now + 3
    state["due"] += state["pace"] / 50.0
    while state["due"] >= 1:
        state["due"] -= 1
        kept.append(Kept(i))


common.run(tick)
