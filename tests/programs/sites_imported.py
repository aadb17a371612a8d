# SPDX-License-Identifier: BSD-2-Clause
"""Allocates when it is imported, by sites_code.py."""
from sites_code import importing

make, sink = importing
sink(
    make())
del make, sink
