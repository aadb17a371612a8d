#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/matrix/source.sh SUITE PACKAGE: unpacks the newest source package PACKAGE of Debian SUITE, with
# the distribution's patches, below build/matrix-src/SUITE/, once, and prints its folder. It has an apt
# of its own there: the machine's sources and lists stay as they are. The server is $MIRROR, or the one
# that the machine's apt uses. Exit 77: there is none, or it does not have the package.
set -eu

suite=$1
package=$2
work=$PWD/build/matrix-src/$suite
done_file=$work/$package.folder
tell_if_done()
{
	[ ! -s "$done_file" ] || {
		cat "$done_file"
		exit 0
	}
}
tell_if_done

# The first server of the machine's own apt that has Debian itself, in either format of its files.
machine_mirror()
{
	# These are apt's words.
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(SITE) $(SUITE) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
		awk 'tolower($0) !~ /security/ && / Debian$/ { print $1; exit }'
}

mirror=${MIRROR:-$(machine_mirror)}
if [ -z "$mirror" ]; then
	echo "source packages: apt knows no Debian server here; set MIRROR to one"
	exit 77
fi

mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/etc"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$work/etc/sources.list"
own_apt()
{
	apt-get -qq -o Dir::Etc::sourcelist="$work/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Sandbox::User=root "$@"
}

# Two rows that are prepared at once share the lists; the second waits for the first.
exec 9>"$work/lock"
flock 9
tell_if_done
cd "$work"
if ! own_apt update >"$work/apt.log" 2>&1 ||
	! own_apt source "$package" >>"$work/apt.log" 2>&1; then
	# Which server it was is this machine's affair.
	why=$(grep -m1 '^[EW]:' "$work/apt.log" | sed 's|https*://[^ ]*/||; s/ *\[IP[^]]*\]//')
	[ -n "$why" ] || why="see $work/apt.log"
	echo "there is no source package $package of $suite: $why"
	exit 77
fi
folder=$(find "$work" -maxdepth 1 -type d -name "$package-*" | sort -V | tail -n 1)
echo "$folder" >"$done_file"
echo "$folder"
