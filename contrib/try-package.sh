#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the package in a Debian that has nothing but it and Python, and finds the leak of the
# demo's daemon there: with the package from inside, with its program from outside, and, if it is
# built, with the static binary in a folder that has /proc and /sys only.
#
#     contrib/try-package.sh SUITE [PACKAGE [FOLDER]]     as root; SUITE is bookworm, trixie, ...
#
# FOLDER is where debootstrap puts the suite; it is kept, and used as it is the next time. Without
# it there is a temporary one. $MIRROR is for debootstrap. 0: found every time; 1: not, or failed.
set -u

die()
{
	echo "try-package: $*" >&2
	exit 1
}

case $# in
[123]) ;;
*) echo "usage: $0 SUITE [PACKAGE [FOLDER]]" >&2; exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || die "run it as root: for chroot, mounts and BPF"
command -v debootstrap >/dev/null || die "there is no debootstrap: apt-get install debootstrap"
# Mounts of our own, which nobody else sees and which end with us, however we end.
if [ -z "${TRY_PACKAGE_MOUNTS:-}" ]; then
	TRY_PACKAGE_MOUNTS=private exec unshare --mount --propagation private "$0" "$@"
fi

seconds=35
suite=$1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
package=$(realpath -e "${2:-$here/../build/pyleak-bpf.deb}") || die "no package: run make deb first"
static=$here/../build/static/pyleak-bpf
work=$(mktemp -d -p /var/tmp) || exit 1
root=$(realpath -m "${3:-$work/root}")
daemon=

clean_up()
{
	[ -z "$daemon" ] || { kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
	for folder in "$root" "$work/empty"; do
		for kind in proc sys; do
			! mountpoint -q "$folder/$kind" || umount "$folder/$kind"
		done
	done
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

step()
{
	echo "== $suite: $*"
}

# What a container has, and no more.
mount_kernel()
{
	mkdir -p "$1/proc" "$1/sys" || exit 1
	{ mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys"; } ||
		die "cannot mount /proc and /sys in $1"
}

# inside COMMAND...
inside()
{
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# finds WHERE COMMAND...: the command watches the daemon and names the leak and its holder.
finds()
{
	step "$1"
	shift
	"$@" -p "$pid" -d "$seconds" >"$work/report" 2>&1 3>&- ||
		die "FAILED: status $?: $(cat "$work/report")"
	sed -n '/^LEAK/,/why:/p; /^cost/p' "$work/report"
	sed -n '/^who holds/,/^ *path/p' "$work/report" | tail -n 9
	for words in '^LEAK  *mq\.' 'who holds mq\.Message' 'module mq: connections'; do
		grep -q "$words" "$work/report" ||
			die "FAILED: the report does not say $words: $(cat "$work/report")"
	done
}

if [ ! -e "$root/etc/debian_version" ]; then
	step "debootstrap, which takes minutes"
	# No mirror is no argument.
	# shellcheck disable=SC2086
	debootstrap --variant=minbase --include=python3 "$suite" "$root" ${MIRROR:-} >"$work/log" 2>&1 ||
		die "FAILED: debootstrap: $(tail -n 5 "$work/log")"
fi
mount_kernel "$root"
rm -rf "$root/root/demo"
cp "$package" "$root/root/pyleak-bpf.deb" && cp -r "$here/demo" "$root/root/demo" || exit 1

step "Debian $(cat "$root/etc/debian_version"), $(inside python3 --version)"
for compiler in gcc cc clang; do
	! inside which "$compiler" >/dev/null || die "there is $compiler: not a bare Debian"
done
inside dpkg --purge pyleak-bpf >/dev/null 2>&1
{
	inside apt-get update -qq &&
		inside apt-get install -y -q --no-install-recommends /root/pyleak-bpf.deb
} >"$work/log" 2>&1 || die "FAILED: apt-get install: $(tail -n 9 "$work/log")"
grep '^Setting up' "$work/log"
inside ldd /usr/sbin/pyleak-bpf | grep -E 'not found|libbpf|libelf|capstone'
inside pyleak-bpf --version || die "FAILED: it does not run"

# The daemon ends when its stdin does: we hold the other end, so it cannot outlive us. A function
# would leave a shell between, which holds it too.
mkfifo "$work/stdin" || exit 1
exec 3<>"$work/stdin"
chroot "$root" /usr/bin/env PYTHONDONTWRITEBYTECODE=1 python3 /root/demo/mqdaemon.py \
	<"$work/stdin" >"$work/daemon" 2>&1 3>&- &
daemon=$!
pid=
for _ in $(seq 100); do
	pid=$(sed -n 's/^READY //p' "$work/daemon")
	[ -z "$pid" ] || break
	sleep 0.1
done
[ -n "$pid" ] || die "the daemon did not start: $(cat "$work/daemon")"

step "doctor -p $pid, from inside"
inside pyleak-bpf doctor -p "$pid" 3>&- || die "FAILED: doctor"
finds "the package, from inside" inside pyleak-bpf
dpkg-deb -x "$package" "$work/package" || exit 1
if ldd "$work/package/usr/sbin/pyleak-bpf" | grep -q 'not found'; then
	step "SKIPPED: from outside: this machine lacks libraries of the package"
else
	finds "its program, from outside" "$work/package/usr/sbin/pyleak-bpf"
fi
if [ -x "$static" ]; then
	mount_kernel "$work/empty"
	cp "$static" "$work/empty/pyleak-bpf" || exit 1
	finds "the static binary, from a folder with nothing else" chroot "$work/empty" /pyleak-bpf
else
	step "SKIPPED: the static binary is not built (make static)"
fi

inside dpkg --purge pyleak-bpf >"$work/log" 2>&1 || die "FAILED: dpkg --purge: $(cat "$work/log")"
left=$(find "$root/usr" "$root/etc" "$root/var/lib" -name '*pyleak*')
[ -z "$left" ] || die "FAILED: left after removal: $left"
step "the leak was found every time; nothing was left after removal"
