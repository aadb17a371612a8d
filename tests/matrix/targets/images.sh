#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# CPythons as container images make them, from the distribution's source packages: a shared libpython,
# no USDT, and nothing left of the symbols that is not needed to run.
set -eu

rows='image-3.11-lto bookworm python3.11 --with-lto
image-3.13 trixie python3.13
image-3.14 sid python3.14'

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

# As images do it: programs, the library, and the modules.
strip_all()
{
	find "$1/usr" -type f \( -path '*/bin/python3*' -o -name '*.so*' \) | while read -r file; do
		# Scripts beside the interpreter are none.
		if readelf -h "$file" >/dev/null 2>&1; then
			chmod u+w "$file"
			strip --strip-all "$file"
		fi
	done
	touch "$1/stripped"
}

case ${1:-} in
rows)
	echo "$rows" | while read -r name suite package options; do
		printf '%s\t%s of %s, --enable-shared%s, no USDT, strip --strip-all\n' \
			"$name" "$package" "$suite" "${options:+ $options}"
	done
	;;
prepare)
	[ $# -eq 3 ] || usage
	row=$(echo "$rows" | sed -n "s/^$2 //p")
	[ -n "$row" ] || usage
	# The row's words are arguments.
	# shellcheck disable=SC2086
	set -- "$3" $row
	"${0%/*}/../build-python.sh" "$@" --enable-shared
	[ -e "$1/stripped" ] || strip_all "$1"
	;;
*) usage ;;
esac
