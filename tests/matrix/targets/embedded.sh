#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Interpreters in programs that are not Python: a libpython that a C program, or uWSGI's plugin, has
# loaded. (tests/live/test_embedded.c has uWSGI with workers, and libraries that come and go.)
set -eu

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

need()
{
	contrib/packages.sh "$@" >&2 || {
		echo "there are no packages $* here"
		exit 77
	}
}

installed_library()
{
	/sbin/ldconfig -p | awk '/libpython3\.[0-9]+\.so\.1\.0 / { print $NF; exit }'
}

prepare_c()
{
	library=$(installed_library)
	if [ -z "$library" ]; then
		need uwsgi-plugin-python3 # which brings one
		library=$(installed_library)
	fi
	cc -O2 -Wall -Wextra -Werror -o "$1/embedded" tests/matrix/embedded.c -ldl
	echo "exec $1/embedded $library \"\$@\""
}

# All but one, for the frame of what runs the script.
write_columns()
{
	printf 'census exact\nsafe points\nsnapshot edges\ncycles\nexact mode\ncontainer\n'
	printf "sites\tthe script runs inside another's frame, and the tests expect it outermost; live tests \`embedded\` look at uWSGI's own\n"
}

# It takes the script's arguments as one word, talks on stderr, and makes that Python's stdout, too.
prepare_uwsgi()
{
	need uwsgi-core uwsgi-plugin-python3
	cat >"$1/run.py" <<-'END'
		import os, sys
		sys.stdout = os.fdopen(1, "w")
		sys.argv = sys.argv[1:]
		sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
		__file__ = sys.argv[0]
		exec(compile(open(__file__).read(), __file__, "exec"))
	END
	write_columns >"$1/columns"
	echo "exec uwsgi-core --plugin python3 --enable-threads --disable-logging \\
		--pyrun '$1/run.py' --pyargv \"\$*\" 2>/dev/null"
}

case ${1:-} in
rows)
	printf 'embedded-c\ta C program that loads libpython with dlopen\n'
	printf 'embedded-uwsgi\tuWSGI of Debian: a plugin brings libpython\n'
	;;
prepare)
	[ $# -eq 3 ] || usage
	mkdir -p "$3"
	folder=$(realpath "$3")
	case $2 in
	embedded-c) commands=$(prepare_c "$folder") ;;
	embedded-uwsgi) commands=$(prepare_uwsgi "$folder") ;;
	*) usage ;;
	esac
	printf '#!/bin/sh\nexport PYTHONDONTWRITEBYTECODE=1\n%s\n' "$commands" >"$folder/python.new"
	chmod +x "$folder/python.new"
	mv "$folder/python.new" "$folder/python"
	;;
*) usage ;;
esac
