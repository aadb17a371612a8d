# SPDX-License-Identifier: BSD-2-Clause
"""Cycles of many shapes, and a graph of objects of which each keeps some alive. Commands:

components FILE   the strongly connected components that have an instance of a class of this
                  program, as the number of their objects and the addresses, in 64-bit words;
                  answers with their number
address N         of part N of the graph; 0 when it is there no more
drop N            all references to part N go; answers how many tracked objects went with it
"""
import array
import collections
import gc
import os
import random
import sys
import types
import weakref

import common

# 3.13 and 3.14 up to 3.14.3 do not tell the collector of an instance's dict.
DICTS_TOLD = not (3, 13) <= sys.version_info < (3, 14, 4)
PARTS = 500

random.seed(7)


class Ring(object):
    def __init__(self, number):
        self.number = number
        self.others = []

    def method(self):
        return self.others


class Slots(object):
    __slots__ = ("peer", "__weakref__")


class Tree(object):
    def __init__(self, parent):
        self.parent = parent
        self.children = {}


class Part(object):
    def __init__(self, number):
        self.number = number
        self.holds = []
        self.back = None


def rings():
    for size in (1, 2, 3, 10, 200):
        ring = [Ring(i) for i in range(size)]
        for i in range(size):
            ring[i].others.append(ring[(i + 1) % size])
        yield ring[0]
    eight = Ring(0), Ring(1), Ring(2)
    eight[0].others += [eight[1], eight[2], eight[1]]
    eight[1].others.append(eight[0])
    eight[2].others.append({"deep": [(eight[0],)]})
    yield eight[0]
    chain = Ring(0)
    chain.others.append([Ring(1), {"none": Ring(2)}])  # No cycle.
    yield chain


def trees():
    root = Tree(None)
    level = [root]
    for _ in range(4):
        below = []
        for tree in level:
            for name in "abc":
                tree.children[name] = Tree(tree)
                below.append(tree.children[name])
        level = below
    yield root
    down = Tree(None)
    down.children["weak"] = Tree(weakref.ref(down))  # No cycle.
    yield down


def others():
    method, closure, running, slots = Ring(0), Ring(1), Ring(2), [Slots(), Slots()]
    method.others.append(method.method)

    def inner():
        return closure
    closure.others.append(inner)

    def generator(me):
        yield me
    running.others.append(generator(running))
    next(running.others[0])
    slots[0].peer, slots[1].peer = slots[1], collections.deque([slots[0]])
    named, held_by_set, ordered = Ring(3), Ring(4), Ring(5)
    named.others.append(types.SimpleNamespace(me=named))
    held_by_set.others.append({held_by_set})
    ordered.others.append(collections.OrderedDict(me=ordered))
    error = Ring(6)
    try:
        raise ValueError(error)
    except ValueError as caught:
        error.others.append(caught.with_traceback(None))
    dynamic = Ring(7)
    dynamic.others.append(type("Dynamic", (), {"owner": dynamic}))
    found = [method, closure, running, slots[0], named, held_by_set, ordered, error, dynamic]
    if DICTS_TOLD:
        shown = Ring(8)
        shown.others.append(vars(shown))
        found.append(shown)
    return found


def network():
    nodes = [Ring(i) for i in range(400)]
    for _ in range(430):
        random.choice(nodes).others.append(random.choice(nodes))
    return nodes


def parts():
    every = [Part(i) for i in range(PARTS)]
    for i in range(1, PARTS):
        holder = every[random.randrange(max(0, i - 20), i)]
        holder.holds.append(every[i])
        if random.random() < 0.1:
            random.choice(every).holds.append([every[i]])
        if random.random() < 0.3:
            every[i].back = holder
    return every[0]


held = list(rings()) + list(trees()) + others() + network()
whole = [parts()]


def follow(entry):
    """gc.get_referents() by the rules of cycles_follow(): a type is no part of its instance's
    cycle, nor are modules, nor what a function has for its globals."""
    if isinstance(entry, types.ModuleType):
        return
    globals_ = []
    if isinstance(entry, types.FunctionType):
        globals_ = [entry.__globals__, getattr(entry, "__builtins__", entry.__globals__)]
    elif isinstance(entry, types.FrameType):
        globals_ = [entry.f_globals, entry.f_builtins]
    for referent in gc.get_referents(entry):
        if isinstance(referent, types.ModuleType) or referent is type(entry):
            continue
        if not any(referent is one for one in globals_):
            yield referent


def components(roots):
    """Tarjan's, without recursion."""
    number, low, open_, is_open, found = {}, {}, [], set(), []
    for root in roots:
        if id(root) in number:
            continue
        number[id(root)] = low[id(root)] = len(number)
        open_.append(root)
        is_open.add(id(root))
        visits = [(root, iter(list(follow(root))))]
        while visits:
            node, rest = visits[-1]
            for to in rest:
                if id(to) not in number:
                    number[id(to)] = low[id(to)] = len(number)
                    open_.append(to)
                    is_open.add(id(to))
                    visits.append((to, iter(list(follow(to)))))
                    break
                if id(to) in is_open:
                    low[id(node)] = min(low[id(node)], number[id(to)])
            else:
                visits.pop()
                if visits:
                    above = id(visits[-1][0])
                    low[above] = min(low[above], low[id(node)])
                if low[id(node)] == number[id(node)]:
                    component = [open_.pop()]
                    while component[-1] is not node:
                        component.append(open_.pop())
                    is_open.difference_update(map(id, component))
                    if len(component) > 1 or any(to is node for to in follow(node)):
                        found.append(component)
    return found


def write_components(path):
    gc.collect()
    out, cnt = array.array("Q"), 0
    for component in components(held + whole):
        if any(type(entry).__module__ == "__main__" for entry in component):
            out.append(len(component))
            out.extend(id(entry) for entry in component)
            cnt += 1
    with open(path, "wb") as file:
        out.tofile(file)
    return cnt


def reachable_parts():
    seen, queue = {}, list(whole)
    while queue:
        entry = queue.pop()
        if isinstance(entry, list):
            queue.extend(entry)
        elif entry is not None and id(entry) not in seen:
            seen[id(entry)] = entry
            queue += [entry.holds, entry.back]
    return {part.number: part for part in seen.values()}


def remove(holds, victim):
    for i in reversed(range(len(holds))):
        if holds[i] is victim:
            del holds[i]
        elif isinstance(holds[i], list):
            remove(holds[i], victim)


def drop_references(number):
    every = reachable_parts()
    for part in every.values():
        remove(part.holds, every[number])
        if part.back is every[number]:
            part.back = None


def tracked():
    gc.collect()
    gc.collect()
    return len(gc.get_objects())


def drop(number):
    before = tracked()
    drop_references(number)
    return before - tracked()


def answer(command, argument):
    if command == "components":
        return write_components(argument)
    if command == "address":
        part = reachable_parts().get(int(argument))
        return id(part) if part else 0
    return drop(int(argument))


def main():
    tracked()
    common.ready()
    while True:
        line = os.read(0, 4096).decode()
        if not line:
            break
        os.write(1, ("%d\n" % answer(*line.split())).encode())


main()
