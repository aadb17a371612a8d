#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's CPythons (stripped, PGO and LTO, a static libpython, USDT), each run as a container is:
# a root of its own made by debootstrap, its own mount and PID namespace. $MIRROR is for debootstrap.
# The -dbg ones are --with-pydebug: assertions, no optimisation, the debugging allocator.
set -eu

rows='debian11-3.9 bullseye 3.9
debian12-3.11 bookworm 3.11
debian12-3.11-dbg bookworm 3.11-dbg
debian13-3.13 trixie 3.13
debian13-3.13-dbg trixie 3.13-dbg
sid-3.13 sid 3.13
sid-3.14 sid 3.14
sid-3.14-dbg sid 3.14-dbg
sid-3.15 sid 3.15'

usage()
{
	echo "usage: $0 rows | prepare ROW FOLDER" >&2
	exit 2
}

# The suite's root, made if there is none; the name of a half-made one differs.
make_root()
{
	[ ! -e "$root/etc/debian_version" ] || return 0
	command -v debootstrap >/dev/null || {
		echo "there is no debootstrap: apt-get install debootstrap"
		exit 77
	}
	rm -rf --one-file-system "$root.new"
	mkdir -p "$root.new"
	# No mirror is no argument.
	# shellcheck disable=SC2086
	debootstrap --variant=minbase "$suite" "$root.new" ${MIRROR:-} >"$root.log" 2>&1 || {
		tail -n 3 "$root.log" >&2
		exit 1
	}
	mv "$root.new" "$root"
}

add_python()
{
	# One that was not configured to its end does not start.
	! chroot "$root" "/usr/bin/python$version" -c 'import gc' 2>/dev/null || return 0
	chroot "$root" apt-get update -qq >"$root.log" 2>&1 || true # what it knows may be enough
	if ! chroot "$root" apt-cache policy "python$version" | grep -q 'Candidate: [^(]'; then
		echo "$suite has no python$version"
		exit 77
	fi
	chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends "python$version" >>"$root.log" 2>&1 || {
		tail -n 3 "$root.log" >&2
		exit 1
	}
}

# The checkout's tests are where its working directory has them. The interpreter is not the first
# process of its namespace, which signals do not end; that one waits for it.
write_wrapper()
{
	mkdir -p "$root/mnt/tests"
	cat >"$1/python" <<-END
		#!/bin/sh
		exec unshare --mount --propagation private --pid --fork --kill-child sh -c '
			mount --bind tests "$root/mnt/tests" && mount -t proc proc "$root/proc" || exit 125
			chroot "$root" env --chdir=/mnt PYTHONDONTWRITEBYTECODE=1 \
				/usr/bin/python$version "\$@"
			exit \$?' sh "\$@"
	END
	chmod +x "$1/python"
}

case ${1:-} in
rows)
	echo "$rows" | while read -r name suite version; do
		printf '%s\tDebian %s, python%s, in a container\n' "$name" "$suite" "$version"
	done
	;;
prepare)
	[ $# -eq 3 ] || usage
	suite=$(echo "$rows" | sed -n "s/^$2 \([^ ]*\) .*/\1/p")
	version=$(echo "$rows" | sed -n "s/^$2 [^ ]* //p")
	[ -n "$suite" ] || usage
	mkdir -p "$3"
	root=$(realpath -m "$3/../../matrix-roots/$suite")
	mkdir -p "${root%/*}"
	make_root
	add_python
	write_wrapper "$3"
	;;
*) usage ;;
esac
