#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What developers run CPython with: its debugging allocators, and a build that links all objects
# (--with-trace-refs), which has no layout that the tool knows. Debian's python3-dbg is in debian.sh.
set -eu

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

# $2: how the machine's python3 is started.
write_wrapper()
{
	printf '#!/bin/sh\nexec env %s "$@"\n' "$2" >"$1/python"
	chmod +x "$1/python"
}

case ${1:-} in
rows)
	printf 'malloc-debug\tpython3 of the machine, PYTHONMALLOC=debug\n'
	printf 'malloc-malloc\tpython3 of the machine, PYTHONMALLOC=malloc\n'
	printf 'malloc-malloc-debug\tpython3 of the machine, PYTHONMALLOC=malloc_debug\n'
	printf 'dev-mode\tpython3 of the machine, -X dev\n'
	printf 'trace-refs-3.11\tpython3.11 of bookworm, --with-trace-refs\n'
	;;
prepare)
	[ $# -eq 3 ] || usage
	mkdir -p "$3"
	case $2 in
	malloc-debug) write_wrapper "$3" 'PYTHONMALLOC=debug /usr/bin/python3' ;;
	malloc-malloc) write_wrapper "$3" 'PYTHONMALLOC=malloc /usr/bin/python3' ;;
	malloc-malloc-debug) write_wrapper "$3" 'PYTHONMALLOC=malloc_debug /usr/bin/python3' ;;
	dev-mode) write_wrapper "$3" '/usr/bin/python3 -X dev' ;;
	trace-refs-3.11)
		"${0%/*}/../build-python.sh" "$3" bookworm python3.11 --with-trace-refs
		echo "trace-refs" >"$3/refused"
		;;
	*) usage ;;
	esac
	;;
*) usage ;;
esac
