# SPDX-License-Identifier: BSD-2-Clause
"""A WeakValueDictionary forgets images as soon as the last 300 in use drop them. Right verdict:
stable or saturating."""
import collections
import weakref

import common

cache = weakref.WeakValueDictionary()
in_use = collections.deque(maxlen=300)


class Image(object):
    def __init__(self, key):
        self.key = key
        self.pixels = bytearray(64)


def tick(i):
    common.traffic(4)
    for n in range(4):
        key = 4 * i + n
        image = Image(key)
        cache[key] = image
        in_use.append(image)


common.run(tick)
