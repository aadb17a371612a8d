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

# It takes the script's arguments as one word, talks on stderr, and makes that Python's stdout, too.
prepare_uwsgi()
{
	need uwsgi-core uwsgi-plugin-python3
	mkdir -p "$1/site"
	printf 'import os, sys\nsys.stdout = os.fdopen(1, "w")\n' >"$1/site/stdout_is_stdout.py"
	cat <<-END
		script=\$1
		shift
		exec uwsgi-core --plugin python3 --enable-threads --disable-logging --pythonpath "$1/site" \\
			--pythonpath "\${script%/*}" --pyimport stdout_is_stdout \\
			--pyrun "\$script" --pyargv "\$*" 2>/dev/null
	END
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
