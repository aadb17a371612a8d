#!/bin/busybox sh
# shellcheck shell=dash source=/dev/null
# SPDX-License-Identifier: BSD-2-Clause
# The first process in the arm64 machine: runs inside.py, switches off.
. /work/system.sh # of tests/kernels
cd /work || exit 1
# The end says that there was no crash before it.
{
	printf 'kernel\t%s (Debian, arm64)\nboot\tpass\n' "$(uname -r)"
	python3 inside.py 2>/tmp/said && printf 'end\tpass\n'
} | sed 's/^/RESULT: /'
cat /tmp/said
poweroff -f
