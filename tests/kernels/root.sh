#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The root that the kernels boot into: busybox, this machine's Python ($KERNEL_PYTHON, if it is to
# be another), the tool and the live tests with the libraries they need.
#
#     tests/kernels/root.sh FILE       as root; FILE becomes a cpio for an initrd
set -eu

[ $# -eq 1 ] || { echo "usage: $0 FILE" >&2; exit 2; }
out=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
build=build
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

# Without what no test imports.
add_python()
{
	python=$(realpath "${KERNEL_PYTHON:-/usr/bin/python3}")
	library=$($python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
	with_libraries "$python" "$library"/lib-dynload/*.so
	ln -sf "$python" "$root/usr/bin/python3"
	tar -C / -c --exclude=test --exclude=dist-packages --exclude=idlelib --exclude=tkinter \
		--exclude=ensurepip --exclude=lib2to3 --exclude=pydoc_data --exclude='config-*' \
		--exclude=lib-dynload --exclude='*.opt-?.pyc' "${library#/}" | tar -C "$root" -x
}

rm -rf "$root"
mkdir -p "$root/bin" "$root/usr/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/root" "$root/work/tests"
cp /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
add_python
cp "$build/pyleak-bpf" "$build/tests/live-tests" "$root/work/"
with_libraries "$(realpath "$build/pyleak-bpf")" "$(realpath "$build/tests/live-tests")"
rm -rf "$root${PWD:?}/$build"
cp -r tests/programs tests/golden "$root/work/tests/"
install -m 755 "$here/init.sh" "$root/init"
cp "$here/inside.py" "$here/machine.py" "$here/system.sh" "$here/columns.tsv" "$root/work/"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$root.part"
rm -rf "$root"
mv "$root.part" "$out"
