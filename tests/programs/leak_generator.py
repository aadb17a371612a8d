# SPDX-License-Identifier: BSD-2-Clause
"""Result pages are generators; each is read once and kept suspended. Right verdict: leak of
generator."""
import common

open_pages = []


def pages(query):
    rows = [query, query]
    while True:
        yield rows


def tick(i):
    common.traffic(4)
    page = pages(i)
    next(page)
    open_pages.append(page)


common.run(tick)
