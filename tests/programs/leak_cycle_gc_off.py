# SPDX-License-Identifier: BSD-2-Clause
"""The collector is off and each request leaves a parent/child cycle. Nothing will ever free
them. Right verdict: leak of Parent and Child."""
import gc

import common

gc.disable()


class Parent(object):
    def __init__(self):
        self.child = Child(self)


class Child(object):
    def __init__(self, parent):
        self.parent = parent


def tick(i):
    common.traffic(4)
    Parent()
    Parent()


common.run(tick)
