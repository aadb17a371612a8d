#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
# The first process in the arm64 machine: makes what a system has, runs inside.py, switches off.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/ LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ip link set lo up
cd /work || exit 1
# The end says that there was no crash before it.
{
	printf 'kernel\t%s (Debian, arm64)\nboot\tpass\n' "$(uname -r)"
	python3 inside.py 2>/tmp/said && printf 'end\tpass\n'
} | sed 's/^/RESULT: /'
cat /tmp/said
poweroff -f
