#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/matrix/build-python.sh FOLDER SUITE PACKAGE [OPTION...]: builds the CPython of a Debian source
# package with these options of its configure, installs it below FOLDER/usr, once, and makes
# FOLDER/python. Exit 77: there is no such source package here.
set -eu

folder=$(realpath -m "$1")
suite=$2
package=$3
shift 3
objects=$(realpath -m "$folder/../../matrix-obj/${folder##*/}")
log=$objects.log

quietly()
{
	nice -n 10 "$@" >>"$log" 2>&1 9>&- || {
		echo "$package of $suite: $* failed: $(grep -m1 -i 'error' "$log"); see $log" >&2
		exit 1
	}
}

# The library is found where it was installed to, whatever the machine's own is.
write_wrapper()
{
	cat >"$folder/python" <<-END
		#!/bin/sh
		LD_LIBRARY_PATH="$folder/usr/lib" exec "$(find "$folder/usr/bin" -name 'python3.*[0-9dt]' |
			sort | head -n 1)" "\$@"
	END
	chmod +x "$folder/python"
}

# What it was made of is written last, and differs when the options do.
made="$suite $package $*"
if [ "$(cat "$folder/made" 2>/dev/null)" = "$made" ]; then
	write_wrapper
	exit 0
fi
contrib/packages.sh dpkg-dev patch libffi-dev zlib1g-dev >&2
source=$("${0%/*}/source.sh" "$suite" "$package") || {
	status=$?
	echo "$source"
	exit $status
}
rm -rf "${objects:?}" "${folder:?}/usr" "$folder/made"
mkdir -p "$objects" "$folder"
: >"$log"
# What the debugger wants does not change the code, and takes long: no -g.
cd "$objects"
quietly "$source/configure" --prefix="$folder/usr" --without-ensurepip --disable-test-modules \
	OPT="${OPT:--DNDEBUG -O3 -Wall}" "$@"
quietly make -j2
quietly make install
cd "$folder"
rm -f stripped
write_wrapper
rm -rf "$objects"
echo "$made" >made
