# SPDX-License-Identifier: BSD-2-Clause
"""Waits; also with Pythons that are refused: Python 2, PyPy."""
import sys

sys.stdout.write("READY\n")
sys.stdout.flush()
sys.stdin.read()
