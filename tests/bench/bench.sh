#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The project's promises, measured: tests/bench/bench.sh TOOL [PART...]; BENCH_QUICK=1 is short.
exec python3 "$(dirname "$0")/bench.py" "$@"
