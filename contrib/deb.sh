#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the Debian package: contrib/deb.sh VERSION, from `make deb`. Prints the name of the file;
# build/pyleak-bpf.deb is a link to the last. DEBFULLNAME and DEBEMAIL tell who maintains it.
#
# One package for all suites from the one that it is built on: the names of the libraries are the
# same in Debian 12 and 13 (libbpf1, libelf1, libjansson4, zlib1g), but for capstone, which is
# libcapstone4 in one and libcapstone5 in the other. So capstone is linked statically: 6.7 MB more in
# the program, for 6.5 MB less in libcapstone4, which hardly anything else needs; and code is
# disassembled by the version that was tested. Built on Debian 13 it does not install on 12, because
# of libc6.
#
# The same commit gives the same bytes, in any folder, with the same compilers and libraries.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

version=$1
commit=
if SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null)}; then
	commit=$(git rev-parse --short=10 HEAD)
	# What has no tag comes before the release, in order of time.
	git describe --exact-match --tags --match "v$version" >/dev/null 2>&1 ||
		version=$version~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M%S).$commit
	git diff --quiet HEAD || version=$version+changed
else
	SOURCE_DATE_EPOCH=$(stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH
version=$version-1
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The pyleak-bpf authors} <${DEBEMAIL:-pyleak-bpf@localhost}>"

work=build/deb
root=$work/root
doc=$root/usr/share/doc/pyleak-bpf
rm -rf "$root" "$work/debian"
mkdir -p "$doc" "$root/DEBIAN" "$work/debian"

flags()
{
	DEB_BUILD_MAINT_OPTIONS=hardening=+all dpkg-buildflags --get "$1"
}
"${MAKE:-make}" --no-print-directory OUT="$work/obj" CAPSTONE=-l:libcapstone.a \
	CFLAGS="$(flags CPPFLAGS) $(flags CFLAGS)" LDFLAGS="$(flags LDFLAGS)" \
	PREFIX=/usr ZSH_COMPLETIONS=/usr/share/zsh/vendor-completions \
	DESTDIR="$root" install >&2
strip --strip-all --remove-section=.comment --remove-section=.note "$root/usr/sbin/pyleak-bpf"
gzip -9n "$root"/usr/share/man/man8/*

cp contrib/deb/copyright "$doc/copyright"
# The licence as paragraphs of that format: from "Copyright" to the end.
sed -n '/^Redistribution/,$ { s/^$/./; s/^/ /; p }' LICENSE >"$work/bsd"
sed -i -e "/^@BSD@/ { r $work/bsd" -e 'd }' "$doc/copyright"
cp /usr/share/doc/libcapstone-dev/copyright "$doc/copyright.capstone"
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
gzip -9n >"$doc/changelog.Debian.gz" <<-END
	pyleak-bpf ($version) unstable; urgency=medium

	  * Built from ${commit:-a tarball}; changes are in changelog.gz.

	 -- $maintainer  $(date -uR -d "@$SOURCE_DATE_EPOCH")
END
install -D -m 644 contrib/deb/lintian-overrides "$root/usr/share/lintian/overrides/pyleak-bpf"

# dpkg-shlibdeps wants a debian/control where it runs.
printf 'Source: pyleak-bpf\n\nPackage: pyleak-bpf\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O root/usr/sbin/pyleak-bpf | sed -n 's/^shlibs:Depends=//p')
capstone=$(dpkg-query -W -f '${source:Package} (= ${source:Version})' libcapstone-dev)
# In KiB, by apparent sizes: that of the disk depends on the disk.
size=$(find "$root/usr" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
	-e "s/@MAINTAINER@/$maintainer/" -e "s/@DEPENDS@/$depends/" -e "s/@STATIC@/$capstone/" \
	contrib/deb/control >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

file=build/pyleak-bpf_${version}_$architecture.deb
# More threads would give other bytes.
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$file" >/dev/null
ln -sf "${file#build/}" build/pyleak-bpf.deb
echo "$file"
