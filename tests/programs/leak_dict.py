# SPDX-License-Identifier: BSD-2-Clause
"""A dict keyed by session id is never cleaned. Right verdict: leak of Session."""
import common

by_id = {}


class Session(object):
    def __init__(self, sid):
        self.sid = sid
        self.vars = {"user": sid, "cart": []}


def tick(i):
    common.traffic(4)
    sid = "session-%d" % i
    by_id[sid] = Session(sid)


common.run(tick)
