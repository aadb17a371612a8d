# SPDX-License-Identifier: BSD-2-Clause
"""Widgets subscribe a bound method to a global subject and never unsubscribe. Right verdict:
leak of Widget, held by method."""
import common


class Subject(object):
    def __init__(self):
        self.observers = []

    def subscribe(self, callback):
        self.observers.append(callback)

    def publish(self, event):
        for callback in self.observers[:10]:
            callback(event)


class Widget(object):
    def __init__(self, subject):
        self.seen = 0
        subject.subscribe(self.on_event)

    def on_event(self, event):
        self.seen = event


subject = Subject()


def tick(i):
    common.traffic(4)
    Widget(subject)
    subject.publish(i)


common.run(tick)
