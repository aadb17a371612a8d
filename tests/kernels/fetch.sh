#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The newest cloud kernel of a Debian suite, for amd64 or arm64: FOLDER/vmlinuz. Called again, it does
# nothing.
#
#     tests/kernels/fetch.sh SUITE ARCH FOLDER
#
# apt has a state of its own below FOLDER, so what this machine's apt knows stays as it is. The
# mirror is $MIRROR, or the one that this machine's apt is set up with. 77: there is none to be had.
set -u

[ $# -eq 3 ] || { echo "usage: $0 SUITE ARCH FOLDER" >&2; exit 2; }
suite=$1
arch=$2
mkdir -p "$3" || exit 1
folder=$(cd "$3" && pwd) || exit 1
keys=/usr/share/keyrings/debian-archive-keyring.gpg
meta=linux-image-cloud-$arch

missing()
{
	echo "$suite: $*"
	exit 77
}

# uri LABEL: where apt gets what the archive calls by that name.
uri()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v label="$1" '$1 == label { print $2; exit }'
}

sources()
{
	main=${MIRROR:-$(uri Debian)}
	security=$(uri Debian-Security)
	[ -z "$main" ] || echo "deb [arch=$arch signed-by=$keys] $main $suite main"
	# A suite that is out of support has its newest kernels here. sid has no such thing.
	[ -z "$security" ] || [ "$suite" = sid ] ||
		echo "deb [arch=$arch signed-by=$keys] $security $suite-security main"
}

own_apt()
{
	mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
	: >"$folder/apt/status"
	sources >"$folder/apt/sources.list"
	cat >"$folder/apt/apt.conf" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		Dir::State "$folder/apt/state";
		Dir::State::status "$folder/apt/status";
		Dir::Cache "$folder/apt/cache";
		Dir::Etc::sourcelist "$folder/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	END
	export APT_CONFIG="$folder/apt/apt.conf"
}

# The packages that the first one leads to and that may have the kernel: from 6.18 on, the image
# is a package behind another.
packages_of()
{
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
		--no-replaces --no-enhances "$meta" |
		grep -oE "^linux-(image|binary)-[0-9].*-cloud-$arch\$" | sort -u
}

[ ! -s "$folder/vmlinuz" ] || exit 0
for tool in apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || missing "this machine has no $tool"
done
own_apt
apt-get update -qq >"$folder/apt/log" 2>&1 || missing "no lists: $(tail -n 1 "$folder/apt/log")"
packages=$(packages_of)
[ -n "$packages" ] || missing "the mirror has no $meta"
cd "$folder/apt" || exit 1
for package in $packages; do
	apt-get download -qq "$package" >>log 2>&1 || missing "no $package: $(tail -n 1 log)"
	dpkg-deb --fsys-tarfile "$package"_*.deb >"$package.tar" || exit 1
	file=$(tar -tf "$package.tar" | grep -E '/vmlinuz[^/]*$' | head -n 1)
	[ -z "$file" ] || tar -xOf "$package.tar" "$file" >"$folder/vmlinuz.part" || exit 1
	rm -f "$package.tar" "$package"_*.deb
done
[ -s "$folder/vmlinuz.part" ] || missing "no kernel in: $packages"
mv "$folder/vmlinuz.part" "$folder/vmlinuz"
rm -rf "$folder/apt"
