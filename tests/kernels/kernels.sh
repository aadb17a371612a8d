#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boots Debian's kernels in an emulated machine and runs the live tests of columns.tsv there.
#
#     tests/kernels/kernels.sh [-c COLUMN,...] [ROW...]       rows of rows.tsv; all if none
#
# Leaves build/kernels/ROW.result: "kernel<TAB>what it is", then "COLUMN<TAB>CELL", a cell being pass,
# "no: " or "fail: " with the reason, then the key of the sources; and ROW.log, what the machine
# printed. From them it writes the tables of kernels. With -c it leaves them in build/kernels/part/ and
# writes no table. 0: each row is as rows.tsv says; a kernel that is not to be had is SKIPPED, loudly.
set -u

cd "$(dirname "$0")/../.." || exit 1
here=tests/kernels
out=build/kernels
columns=
# Emulation is slower than a machine by this much: tests that measure time allow for it.
slowness=20
boot_seconds=2400
boot_seconds_of_a_part=600

while getopts c: option; do
	case $option in
	c) columns=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
results=$out${columns:+/part}
[ -z "$columns" ] || boot_seconds=$boot_seconds_of_a_part
mkdir -p "$results" || exit 1

row_of()
{
	grep -v '^#' $here/rows.tsv | awk -F '\t' -v row="$1" '$1 == row'
}

# boot ROW SUITE APPEND: what the machine wrote is in ROW.log and ROW.serial then. One processor: two
# wait for each other where this machine has none to spare.
boot()
{
	# The kernel would try whether the timer ticks, too fast for a busy emulator.
	append="console=ttyS0 panic=-1 quiet no_timer_check pyleak.slowness=$slowness"
	[ "$3" = - ] || append="$append $3"
	[ -z "$columns" ] || append="$append pyleak.columns=$(echo "$columns" | tr ' ' +)"
	: >"$results/$1.serial"
	timeout "$boot_seconds" qemu-system-x86_64 -accel tcg -cpu max -m 1024 -smp 1 \
		-display none -nodefaults -no-reboot -kernel "$out/$2/vmlinuz" \
		-initrd "$out/root.cpio" -append "$append" -serial "file:$results/$1.log" \
		-serial "file:$results/$1.serial"
}

# unexpected RESULT LACKS: the cells that are not as rows.tsv leads to expect.
unexpected()
{
	awk -F '\t' -v lacks=",$2," '
		FILENAME ~ /columns/ { needs[$1] = $2; next }
		FNR == 1 { next }
		{
			expected = "^pass$"
			cnt = split(needs[$1], all, ",")
			for (i = 1; i <= cnt; i++)
				if (all[i] != "-" && index(lacks, "," all[i] ","))
					expected = "^no: "
		}
		$2 !~ expected { print "  " $1 ": " $2 }' $here/columns.tsv "$1"
}

# do_row ROW SUITE NAME LACKS APPEND
do_row()
{
	reason=$($here/fetch.sh "$2" "$out/$2")
	case $? in
	0) ;;
	77)
		echo "kernels: $1: SKIPPED: no kernel to be had: $reason"
		printf 'kernel\t- (%s)\nboot\tn/a: %s\n' "$3" "$reason" >"$results/$1.result"
		return 0
		;;
	*) return 1 ;;
	esac
	boot "$1" "$2" "$5"
	if [ $? -eq 124 ] && [ -n "$columns" ]; then
		echo "kernels: $1: SKIPPED: not done in $boot_seconds s: this machine emulates too slowly"
		return 0
	fi
	tr -d '\r' <"$results/$1.serial" | awk -F '\t' -v name="$3" '
		$1 == "kernel" { print $1 "\t" $2 " (" name ")\nboot\tpass"; next }
		$1 == "end" { next }
		{ print }' >"$results/$1.result"
	if ! grep -q '^end' "$results/$1.serial"; then
		[ -s "$results/$1.result" ] || printf 'kernel\t- (%s)\n' "$3" >"$results/$1.result"
		printf 'end\tfail: it ended before: %s\n' "$(tail -n 1 "$results/$1.log" | tr -d '\r')" \
			>>"$results/$1.result"
	fi
	rm -f "$results/$1.serial"
	echo "kernels: $1: $(sed -n '1s/.*\t//p' "$results/$1.result"): $(grep -c '	pass$' \
		"$results/$1.result") of $(($(wc -l <"$results/$1.result") - 1)) columns pass"
	wrong=$(unexpected "$results/$1.result" "$4")
	printf 'source\t%s\n' "$source_key" >>"$results/$1.result"
	[ -z "$wrong" ] || { echo "$wrong"; return 1; }
}

# SKIPPED is loud, and no failure.
skip()
{
	echo "kernels: SKIPPED: $*"
	exit 0
}

[ "$(uname -m)" = x86_64 ] || skip "the kernels are for x86-64, and so must the tool be"
for tool in qemu-system-x86_64 busybox cpio; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
# shellcheck disable=SC2046 # names without spaces
[ $# -gt 0 ] || set -- $(grep -v '^#' $here/rows.tsv | cut -f 1)
$here/root.sh "$out/root.cpio" || exit 1
source_key=$(tests/matrix/source_key.py) || exit 1
status=0
for row; do
	line=$(row_of "$row")
	[ -n "$line" ] || { echo "kernels: no row $row in $here/rows.tsv" >&2; exit 2; }
	IFS='	' read -r name suite title lacks append <<-END
		$line
	END
	do_row "$name" "$suite" "$title" "$lacks" "$append" || status=1
done
[ -n "$columns" ] || tests/matrix/write.py || status=1
exit $status
