#!/bin/busybox sh
# shellcheck shell=dash source=/dev/null
# SPDX-License-Identifier: BSD-2-Clause
# The first process in the machine: runs the checks, switches off. What the checks print is on the
# first serial port, their results are on the second.
. /work/system.sh # of tests/kernels
export PYLEAK_BPF=/work/pyleak-bpf
mount -t securityfs security /sys/kernel/security
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
