#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the Debian packages that building and testing need and that are missing; those named as
# arguments, too. Says what it installs; does nothing, and needs no root, when all are there.
set -eu

need="gcc make clang llvm bpftool pkg-config libbpf-dev libelf-dev libcapstone-dev libjansson-dev
libprotobuf-c-dev protobuf-c-compiler uthash-dev zlib1g-dev libcriterion-dev graphviz python3
python3-objgraph git $*"

missing=""
for package in $need; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "packages: missing:$missing; run as root, or: sudo apt-get install$missing" >&2
	exit 1
fi
echo "  APT   $missing"
apt-get update -qq
# The list is meant to be split.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $missing >/dev/null
