# SPDX-License-Identifier: BSD-2-Clause
"""Waits; also for Python 2, which is refused."""
import sys

sys.stdout.write("READY\n")
sys.stdout.flush()
sys.stdin.read()
