# SPDX-License-Identifier: BSD-2-Clause
"""A WSGI application that leaks on request: /make/N keeps N objects, /count tells how many there are,
/pid who answers. Before the server forks it keeps 100 objects of another class."""
import gc
import os


class Leaked(object):
    pass


class Inherited(object):
    pass


kept = []
inherited = [Inherited() for _ in range(100)]


def count(kind):
    return sum(type(thing) is kind for thing in gc.get_objects())


def application(environ, start_response):
    words = environ["PATH_INFO"].strip("/").split("/")
    if words[0] == "make":
        kept.extend(Leaked() for _ in range(int(words[1])))
        answer = "ok"
    elif words[0] == "count":
        answer = "%d %d" % (count(Leaked), count(Inherited))
    else:
        answer = str(os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
