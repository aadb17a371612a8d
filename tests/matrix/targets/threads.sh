#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Free-threaded CPythons, from the distribution's source packages: no packages of them are shipped. They
# have no lists of objects, so the tool is to refuse them by name.
set -eu

rows='threads-3.13t trixie python3.13
threads-3.14t sid python3.14'

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

case ${1:-} in
rows)
	echo "$rows" | while read -r name suite package; do
		printf '%s\t%s of %s, --disable-gil\n' "$name" "$package" "$suite"
	done
	;;
prepare)
	[ $# -eq 3 ] || usage
	row=$(echo "$rows" | sed -n "s/^$2 //p")
	[ -n "$row" ] || usage
	# The row's words are arguments.
	# shellcheck disable=SC2086
	"${0%/*}/../build-python.sh" "$3" $row --disable-gil
	echo "free-threaded" >"$3/refused"
	;;
*) usage ;;
esac
