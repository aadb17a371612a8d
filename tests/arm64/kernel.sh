#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boots Debian's arm64 kernel in an emulated machine and tries the tool there, with arm64's Python:
#
#     tests/arm64/kernel.sh FOLDER     where `make arm64` builds; libraries and apt are in FOLDER/sysroot*
#
# Writes build/kernels/arm64.result, arm64.log beside it, and the tables of kernels.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$(realpath -e "$1")
sysroot=$folder/sysroot
work=$folder/kernel
root=$work/root
libraries=usr/lib/aarch64-linux-gnu
boot_seconds=1200

# The kernel and busybox, by the apt that fetched the libraries.
fetch()
{
	[ ! -s "$work/vmlinuz" ] || return 0
	mkdir -p "$work"
	cd "$work"
	APT_CONFIG=$folder/sysroot.apt/etc/apt.conf
	export APT_CONFIG
	image=$(apt-cache depends linux-image-cloud-arm64 |
		grep -oE 'linux-image-[0-9].*-cloud-arm64$' | head -n 1)
	apt-get download -qq "$image" busybox-static
	dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -xO ./bin/busybox >busybox
	dpkg-deb --fsys-tarfile "$image"_*.deb | tar -xO --wildcards './boot/vmlinuz*' >vmlinuz.part
	rm -f ./*.deb
	mv vmlinuz.part vmlinuz
	unset APT_CONFIG
	cd "$here/../.."
}

make_root()
{
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/usr/bin" \
		"$root/$libraries" "$root/work/tests"
	ln -s usr/lib "$root/lib"
	install -m 755 "$work/busybox" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp -a "$sysroot"/usr/bin/python3* "$root/usr/bin/"
	(cd "$sysroot/usr/lib" && tar -c --exclude=test --exclude='config-*' --exclude=idlelib \
		--exclude=dist-packages python3*) | tar -C "$root/usr/lib" -x
	cp -a "$sysroot/$libraries"/*.so* "$root/$libraries/"
	cp -L "$sysroot/lib/ld-linux-aarch64.so.1" "$root/usr/lib/"
	cp "$folder/pyleak-bpf" "$here/inside.py" "$here/../kernels/machine.py" \
		"$here/../kernels/system.sh" "$root/work/"
	cp -r "$here/../programs" "$root/work/tests/"
	install -m 755 "$here/init.sh" "$root/init"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$root.cpio"
}

source_key=$("$here/../matrix/source_key.py")
fetch
make_root
result=build/kernels/arm64.result
mkdir -p build/kernels
timeout "$boot_seconds" qemu-system-aarch64 -M virt -cpu cortex-a57 -accel tcg -m 1024 -smp 1 \
	-display none -nodefaults -no-reboot -kernel "$work/vmlinuz" -initrd "$root.cpio" \
	-append 'console=ttyAMA0 panic=-1 quiet' -serial "file:${result%.result}.log" || true
sed -n 's/\r$//; s/^RESULT: //p' "${result%.result}.log" >"$result"
if ! grep -q '^end' "$result"; then
	printf 'end\tfail: it ended before: %s\n' "$(tail -n 1 "${result%.result}.log")" >>"$result"
fi
sed -i '/^end	pass$/d' "$result"
cat "$result"
printf 'source\t%s\n' "$source_key" >>"$result"
"$here/../matrix/write.py"
! grep -q '	fail: ' "$result"
