#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The CPythons that pyenv has built here, and the machine's own: not stripped, without LTO.
set -eu

versions=${PYENV_ROOT:-$HOME/.pyenv}/versions

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

case ${1:-} in
rows)
	for minor in 6 7 8 9 10 11 12 13; do
		printf 'pyenv-3.%s\tpyenv, CPython 3.%s\n' "$minor" "$minor"
	done
	printf 'machine\t/usr/bin/python3 of the machine\n'
	;;
prepare)
	[ $# -eq 3 ] || usage
	case $2 in
	machine) python=/usr/bin/python3 ;;
	*) python=$(find "$versions" -path "*/${2#pyenv-}.*/bin/python3" 2>/dev/null | sort | tail -n 1) ;;
	esac
	if [ ! -x "$python" ]; then
		echo "there is no $versions/${2#pyenv-}.*/bin/python3"
		exit 77
	fi
	mkdir -p "$3"
	ln -sfn "$python" "$3/python"
	;;
*) usage ;;
esac
