#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
# The first process in the machine: runs the checks, switches off. What the checks print is on the
# console, their results are on another serial port.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
export PYLEAK_BPF=/work/pyleak-bpf
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t securityfs security /sys/kernel/security
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
ip link set lo up

# option NAME: what the kernel's command line says.
option()
{
	tr ' ' '\n' </proc/cmdline | sed -n "s/^pyleak[.]$1=//p"
}

PYLEAK_SLOWNESS=$(option slowness)
export PYLEAK_SLOWNESS
columns=$(option columns | tr + ' ')
[ "$(option python)" != shared ] || mv /work/shared-python /usr/bin/python3
results=/dev/$(option results)
stty -F "$results" -opost
cd /work || exit 1
# The end says that there was no crash before it.
{
	printf 'kernel\t%s\n' "$(uname -r)"
	printf 'Python\t%s\n' "$(python3 -c 'import platform; print(platform.python_version())')"
	python3 inside.py columns.tsv ${columns:+"$columns"} && printf 'end\tpass\n'
} >"$results"
poweroff -f
