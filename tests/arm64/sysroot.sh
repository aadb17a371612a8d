#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Unpacks Debian packages of another architecture, with all that they depend on, in a folder: what a
# cross compiler and an emulator need. The machine's own packages and their list stay as they are:
# apt works in a folder of its own.
#
#     tests/arm64/sysroot.sh FOLDER PACKAGE...
#
# The suite and the mirror are this machine's own (a Debian's); $SUITE and $MIRROR say otherwise.
# FOLDER.apt keeps what was downloaded. Called again with the same packages, it does nothing.
set -eu

arch=arm64
folder=$(realpath -m "$1")
shift
apt=$folder.apt
done=$folder/.packages

die()
{
	echo "sysroot: $*" >&2
	exit 1
}

# "URI SUITE COMPONENT" of each place where this machine's Debian packages come from.
own_places()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u
}

places()
{
	own=$(own_places)
	if [ -n "${MIRROR:-}${SUITE:-}" ]; then
		mirror=${MIRROR:-$(echo "$own" | awk '$2 !~ /-/ { print $1; exit }')}
		suite=${SUITE:-$(echo "$own" | awk '$2 !~ /-/ { print $2; exit }')}
		own=${mirror:+$mirror $suite main}
	fi
	[ -z "$own" ] || echo "$own"
}

private_apt()
{
	rm -rf "${apt:?}/etc"
	mkdir -p "$apt/etc/sources.list.d" "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	cat >"$apt/etc/apt.conf" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Dir::State "$apt";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Etc::sourcelist "$apt/etc/sources.list";
		Dir::Etc::sourceparts "$apt/etc/sources.list.d";
		Acquire::Languages "none";
	END
	places | sed 's|^|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |' \
		>"$apt/etc/sources.list"
	[ -s "$apt/etc/sources.list" ] ||
		die "apt knows no mirror of Debian (apt-get update), and \$MIRROR and \$SUITE name none"
}

# /lib is /usr/lib in what packages are made for; tar must not put a folder in the link's place.
unpack()
{
	rm -rf "$folder"
	for part in bin lib sbin; do
		mkdir -p "$folder/usr/$part"
		ln -s "usr/$part" "$folder/$part"
	done
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" --keep-directory-symlink
	done
	# Links from the root would lead into this machine.
	find "$folder" -type l -lname '/*' | while read -r link; do
		ln -sfnr "$folder$(readlink "$link")" "$link"
	done
}

[ "$*" != "$(cat "$done" 2>/dev/null)" ] || exit 0
echo "  APT    $folder: $*"
private_apt
export APT_CONFIG="$apt/etc/apt.conf"
apt-get update -qq
rm -f "$apt"/cache/archives/*.deb
apt-get install -qq --download-only --no-install-recommends "$@" >"$apt/log" 2>&1 ||
	die "cannot download the packages of $arch: $(tail -n 1 "$apt/log")"
unpack
echo "$*" >"$done"
