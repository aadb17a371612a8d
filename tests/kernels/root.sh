#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The root that the kernels boot into: busybox, Python, the tool and the live tests with the libraries
# they need. They are this machine's ($KERNEL_PYTHON, if the Python is to be another), or another
# machine's from SYSROOT, where Debian's packages are unpacked; those in SUITE, which are of the same
# Debian or a newer one, go first.
#
#     tests/kernels/root.sh FILE BUILD [SYSROOT [SUITE]]    as root; FILE becomes a cpio for an initrd
set -eu

[ $# -ge 2 ] || { echo "usage: $0 FILE BUILD [SYSROOT [SUITE]]" >&2; exit 2; }
out=$(realpath -m "$1")
build=$(realpath -e "$2")
sysroot=${3:+$(realpath -e "$3")}
suite=$(realpath -e "${4:-${3:-/}}")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
root=$out.$$

# with_libraries FILE...: the files, and what the loader maps for them, at the same places.
with_libraries()
{
	{
		printf '%s\n' "$@"
		ldd "$@" 2>/dev/null | grep -oE '/[^ ]+ \(0x' | sed 's/ (0x//'
	} | sort -u | while read -r file; do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
}

# add_modules LIBRARY [OPTION]...: Python's, without what no test imports.
add_modules()
{
	library=$1
	shift
	tar -C "$suite" -c --exclude=test --exclude=dist-packages --exclude=idlelib --exclude=tkinter \
		--exclude=ensurepip --exclude=lib2to3 --exclude=pydoc_data --exclude='config-*' \
		--exclude='*.opt-?.pyc' "$@" "${library#/}" | tar -C "$root" -x
}

add_own()
{
	python=$(realpath "${KERNEL_PYTHON:-/usr/bin/python3}")
	library=$($python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
	with_libraries "$python" "$library"/lib-dynload/*.so
	with_libraries "$build/pyleak-bpf" "$build/tests/live-tests"
	rm -rf "$root$build"
	add_modules "$library" --exclude=lib-dynload
}

# No loader here tells what they need: all libraries. /lib is /usr/lib in what Debian packs.
add_foreign()
{
	python=$(find "$suite/usr/bin" -name 'python3.*' | sort -V | tail -n 1)
	cp "$python" "$root/usr/bin/"
	mkdir -p "$root/usr/lib"
	ln -s usr/lib "$root/lib"
	for from in "$sysroot" "$suite"; do
		(cd "$from" && tar -c usr/lib/ld-linux* usr/lib/*-linux-gnu/*.so*) | tar -C "$root" -x
	done
	python=${python#"$suite"}
	cp "$build/shared-python" "$root/work/"
	add_modules "/usr/lib/${python##*/}"
}

rm -rf "$root"
mkdir -p "$root/bin" "$root/usr/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/root" "$root/work/tests"
cp "$sysroot/bin/busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
if [ -z "$sysroot" ]; then add_own; else add_foreign; fi
ln -sf "$python" "$root/usr/bin/python3"
cp "$build/pyleak-bpf" "$build/tests/live-tests" "$root/work/"
cp -r tests/programs tests/golden "$root/work/tests/"
install -m 755 "$here/init.sh" "$root/init"
cp "$here/inside.py" "$here/columns.tsv" "$root/work/"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$root.part"
rm -rf "$root"
mv "$root.part" "$out"
