# SPDX-License-Identifier: BSD-2-Clause
"""dominators.py FILE: retained bytes by an algorithm of its own (Cooper, Harvey and Kennedy), for a
graph of 32-bit words: nodes, edges, then bytes per node, then (from, to) per edge. Node 0 is the root.
Writes a line `retained` per node in order; - for one that the root does not reach."""
import array
import sys


def load(path):
    words = array.array("I")
    with open(path, "rb") as file:
        words.frombytes(file.read())
    nodes, edges = words[0], words[1]
    sizes = words[2:2 + nodes]
    holds = [[] for _ in range(nodes)]
    held_by = [[] for _ in range(nodes)]
    for i in range(2 + nodes, 2 + nodes + 2 * edges, 2):
        holds[words[i]].append(words[i + 1])
        held_by[words[i + 1]].append(words[i])
    return sizes, holds, held_by


def postorder(holds):
    order, seen, stack = [], [False] * len(holds), [(0, iter(holds[0]))]
    seen[0] = True
    while stack:
        node, rest = stack[-1]
        for to in rest:
            if not seen[to]:
                seen[to] = True
                stack.append((to, iter(holds[to])))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def dominators(holds, held_by, order):
    number = {node: i for i, node in enumerate(order)}
    idom = {0: 0}
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            new = None
            for holder in held_by[node]:
                if holder not in idom:
                    continue
                if new is None:
                    new = holder
                    continue
                other = holder
                while new != other:
                    while number[new] < number[other]:
                        new = idom[new]
                    while number[other] < number[new]:
                        other = idom[other]
            if idom.get(node) != new:
                idom[node] = new
                changed = True
    return idom


def main():
    sizes, holds, held_by = load(sys.argv[1])
    order = postorder(holds)
    idom = dominators(holds, held_by, order)
    retained = list(sizes)
    for node in order[:-1]:  # what a node dominates comes before it
        retained[idom[node]] += retained[node]
    reached = set(order)
    for node, size in enumerate(retained):
        sys.stdout.write("%d\n" % size if node in reached else "-\n")


main()
