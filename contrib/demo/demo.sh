#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh TOOL: start a daemon that leaks, let TOOL find the leak, check that it did.
# 0 = found, 1 = not found or not possible here. $PYTHON chooses the interpreter.

seconds=35

die() {
	echo "demo: $*" >&2
	exit 1
}

[ $# -eq 1 ] || { echo "usage: $0 build/pyleak-bpf" >&2; exit 2; }
tool=$1
command -v "$tool" >/dev/null || die "there is no $tool: run make first"
[ "$(id -u)" -eq 0 ] || die "run it as root: BPF takes that (sudo $0 $tool)"
python=${PYTHON:-python3}
command -v "$python" >/dev/null || die "there is no $python"
here=$(cd "$(dirname "$0")" && pwd) || exit 1
work=$(mktemp -d) || exit 1
daemon=
watcher=

clean_up() {
	for process in $watcher $daemon; do
		kill "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The daemon ends when its stdin does: we hold the other end, so it cannot outlive us.
mkfifo "$work/stdin" || exit 1
exec 3<>"$work/stdin"
PYTHONDONTWRITEBYTECODE=1 "$python" "$here/mqdaemon.py" \
	<"$work/stdin" >"$work/daemon" 2>&1 3>&- &
daemon=$!

pid=
for _ in $(seq 100); do
	pid=$(sed -n 's/^READY //p' "$work/daemon")
	[ -z "$pid" ] || break
	kill -0 "$daemon" 2>/dev/null || break
	sleep 0.1
done
[ -n "$pid" ] || die "the daemon did not start: $(cat "$work/daemon")"

echo "A Python daemon runs as process $pid: it serves requests, caches answers and tells a message"
echo "broker about them. It grows. $tool watches it for $seconds s, from outside:"
echo
# In the background, so that a signal to us is served at once.
mkfifo "$work/out" || exit 1
tee "$work/report" <"$work/out" 3>&- &
printer=$!
folder=$(dirname "$tool")/demo
rm -rf "$folder"
"$tool" -p "$pid" -d "$seconds" -o "$folder" >"$work/out" 3>&- &
watcher=$!
wait "$watcher"
status=$?
watcher=
wait "$printer"
echo
[ "$status" -eq 0 ] || die "FAILED: $tool ended with status $status"

# The verdicts of the last report: a line that begins with LEAK, and the indented ones below.
leaks=$(awk '/^[^ ]/ { inside = /^LEAK / } inside' "$work/report")
case $leaks in
*CacheEntry*)
	die "FAILED: it blames CacheEntry, but the cache is bounded" ;;
*mq.*) ;;
*)
	die "FAILED: no class of the module mq is named as a LEAK, and that is where the leak is" ;;
esac
# Who makes and who holds them, in which cycle, where to cut it, and the picture.
for words in "made by .*mq.py:[0-9]" "who holds mq.Message" "module mq: connections" " cycles of .*mq.Channel" "cut: .*break"; do
	grep -q "$words" "$work/report" || die "FAILED: the report does not say: $words"
done
for picture in objects.dot objects.png; do
	[ -s "$folder/$picture" ] || die "FAILED: there is no $folder/$picture"
done
echo "Found: mq keeps every connection in a list, and so their channels and messages; not the cache."
echo "The LEAK paragraph names the line that makes them."
echo "Look at $folder/objects.png: who holds the messages, and the cycle."
echo "That was: $tool -p $pid -d $seconds -o $folder     (put the number of your own process for $pid)"
