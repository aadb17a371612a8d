#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The machine's python3 as careful people run it: its own namespaces, another user, system calls and
# memory taken away. The tool runs outside, as root.
set -eu

rows='confined-dumpable made itself undumpable: prctl(PR_SET_DUMPABLE, 0)
confined-daemon began as root and became another user
confined-user another user, no capabilities, no new privileges
confined-user-namespace root in a user, mount and PID namespace of another user
confined-read-only a read-only root but for /tmp, a mount and PID namespace
confined-seccomp what container runtimes forbid is forbidden: seccomp, no new privileges
confined-limits a 1 GiB address space, 24 open files, no locked memory, no core
confined-cgroup a cgroup of 256 MiB
confined-traced strace traces it'

python=/usr/bin/python3
nobody=65534

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

lacking()
{
	echo "$1"
	exit 77
}

# Python code that is run before the program: exec would undo what is done before it.
before()
{
	mkdir -p "$folder/site"
	cat >"$folder/site/sitecustomize.py"
	write "PYTHONPATH=$folder/site exec $python \"\$@\""
}

# Commands that run the interpreter with "$@".
write()
{
	printf '#!/bin/sh\nexport PYTHONDONTWRITEBYTECODE=1\n%s\n' "$1" >"$folder/python.new"
	chmod +x "$folder/python.new"
	mv "$folder/python.new" "$folder/python"
}

# Runs $1 and the interpreter in a mount namespace, in which the checkout is where everyone may go.
elsewhere()
{
	write "exec unshare --mount --propagation private sh -c '
	mount --bind . /mnt && cd /mnt && exec $1 $python \"\$@\"' sh \"\$@\""
}

cgroup()
{
	for base in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/unified; do
		for limit in memory.max memory.limit_in_bytes; do
			group=$base/pyleak-matrix
			mkdir -p "$group" 2>/dev/null || continue
			if [ -w "$group/$limit" ]; then
				write "echo 268435456 >$group/$limit && echo \$\$ >$group/cgroup.procs && exec $python \"\$@\""
				return
			fi
			rmdir "$group"
		done
	done
	lacking "no cgroup here can limit memory"
}

# A process has one tracer.
traced()
{
	contrib/packages.sh strace >&2 || lacking "there is no package strace here"
	write "exec strace -qq -f -e trace=none -o /dev/null $python \"\$@\""
	printf '%s\n' 'census exact' 'safe points' 'exact mode' 'sites' >"$folder/columns"
	reason='a copy stops the process by ptrace, which has one tracer: refused, and the tracer named'
	printf '%s\t'"$reason"'\n' 'snapshot edges' cycles container >>"$folder/columns"
}

prepare()
{
	case $1 in
	confined-dumpable)
		before <<-'END'
			import ctypes
			assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0
		END
		;;
	confined-daemon)
		before <<-END
			import os
			os.setgroups([])
			os.setgid($nobody)
			os.setuid($nobody)
		END
		;;
	confined-user)
		elsewhere "setpriv --reuid $nobody --regid $nobody --clear-groups --no-new-privs \
			--inh-caps=-all --bounding-set=-all"
		;;
	confined-user-namespace)
		elsewhere "setpriv --reuid $nobody --regid $nobody --clear-groups \
			unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc"
		;;
	confined-read-only)
		write "exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc sh -c '
		mount --bind /tmp /tmp && mount -o remount,bind,ro / && $python \"\$@\"; exit \$?' sh \"\$@\""
		;;
	confined-seccomp)
		cc -O2 -Wall -Wextra -Werror -o "$folder/seccomp" tests/matrix/seccomp.c
		write "exec $folder/seccomp $python \"\$@\""
		;;
	confined-limits)
		write "exec prlimit --as=1073741824 --nofile=24 --memlock=0 --core=0 $python \"\$@\""
		;;
	confined-cgroup) cgroup ;;
	confined-traced) traced ;;
	*) usage ;;
	esac
}

case ${1:-} in
rows)
	echo "$rows" | sed 's/ /\t/'
	;;
prepare)
	[ $# -eq 3 ] || usage
	[ -x $python ] || lacking "there is no $python"
	mkdir -p "$3"
	folder=$(realpath "$3")
	prepare "$2"
	;;
*) usage ;;
esac
