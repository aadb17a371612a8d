#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's PyPy: no CPython at all, and refused by name.
set -eu

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

case ${1:-} in
rows)
	printf 'pypy\tDebian, pypy3\n'
	;;
prepare)
	[ "$#.$2" = 3.pypy ] || usage
	contrib/packages.sh pypy3 >&2 || {
		echo "there is no package pypy3 here"
		exit 77
	}
	mkdir -p "$3"
	ln -sfn /usr/bin/pypy3 "$3/python"
	echo "runs PyPy" >"$3/refused"
	;;
*) usage ;;
esac
