#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
# The first process in the machine: makes what a system has, runs the checks, switches off. What the
# checks print is on the first serial port, their results are on the second.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
export PYLEAK_BPF=/work/pyleak-bpf
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
mount -t securityfs security /sys/kernel/security
ip link set lo up
stty -F /dev/ttyS1 -opost

# option NAME: what the kernel's command line says.
option()
{
	tr ' ' '\n' </proc/cmdline | sed -n "s/^pyleak[.]$1=//p"
}

PYLEAK_SLOWNESS=$(option slowness)
export PYLEAK_SLOWNESS
columns=$(option columns | tr + ' ')
cd /work || exit 1
# The end says that there was no crash before it.
{
	printf 'kernel\t%s\n' "$(uname -r)"
	python3 inside.py columns.tsv ${columns:+"$columns"} && printf 'end\tpass\n'
} >/dev/ttyS1
poweroff -f
