#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boots Debian's kernels in an emulated machine and runs the live tests of columns.tsv there.
#
#     tests/kernels/kernels.sh [-m MACHINE] [-c COLUMN,...] [ROW...]     rows of rows.tsv; all if none
#
# MACHINE: amd64, or arm64, for which `make arm64` has to be there.
# Leaves build/kernels/ROW.result: "kernel<TAB>what it is", then "COLUMN<TAB>CELL", a cell being pass,
# "no: " or "fail: " with the reason, then the key of the sources; and ROW.log, what the machine
# printed. From them it writes the tables of kernels. With -c it leaves them in build/kernels/part/ and
# writes no table. 0: each row is as rows.tsv says; a kernel that is not to be had is SKIPPED, loudly.
set -u

cd "$(dirname "$0")/../.." || exit 1
here=tests/kernels
out=build/kernels
columns=
machine=amd64
# Emulation is slower than a machine by this much: tests that measure time allow for it.
slowness=20
boot_seconds=2400
boot_seconds_of_a_part=600

while getopts c:m: option; do
	case $option in
	c) columns=$OPTARG ;;
	m) machine=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
case $machine in
amd64)
	emulator="qemu-system-x86_64 -cpu max" console=ttyS0
	port=isa-serial results_port=ttyS1
	build=build sysroot=
	;;
arm64)
	emulator="qemu-system-aarch64 -M virt -cpu neoverse-n1" console=ttyAMA0
	port=pci-serial results_port=ttyS0
	build=build/arm64
	sysroot=$build/sysroot
	;;
*) exit 2 ;;
esac
results=$out${columns:+/part}
[ -z "$columns" ] || boot_seconds=$boot_seconds_of_a_part
mkdir -p "$results" || exit 1

# rows [ROW]: of this machine.
rows()
{
	grep -v '^#' $here/rows.tsv |
		awk -F '\t' -v machine="$machine" -v row="${1:-}" '$2 == machine && (row == "" || $1 == row)'
}

# make_root SUITE: the programs are this machine's; of another machine, the suite's if they are there.
make_root()
{
	suite_root=$sysroot
	[ -z "$sysroot" ] || [ ! -d "$build/$1" ] || suite_root=$build/$1
	# shellcheck disable=SC2086 # none if empty
	$here/root.sh "$out/root.cpio" "$build" $sysroot $suite_root
}

# boot ROW SUITE APPEND: what the machine wrote is in ROW.log and ROW.serial then. One processor: two
# wait for each other where this machine has none to spare.
boot()
{
	# The kernel would try whether the timer ticks, too fast for a busy emulator.
	append="console=$console panic=-1 quiet no_timer_check pyleak.results=$results_port pyleak.slowness=$slowness"
	[ "$3" = - ] || append="$append $3"
	[ -z "$columns" ] || append="$append pyleak.columns=$(echo "$columns" | tr ' ' +)"
	: >"$results/$1.serial"
	# shellcheck disable=SC2086 # the emulator has options
	timeout "$boot_seconds" $emulator -accel tcg -m 1024 -smp 1 -display none -nodefaults -no-reboot \
		-kernel "$out/$2-$machine/vmlinuz" -initrd "$out/root.cpio" -append "$append" \
		-serial "file:$results/$1.log" \
		-chardev "file,id=results,path=$results/$1.serial" -device "$port,chardev=results"
}

# unexpected RESULT LACKS: the cells that are not as rows.tsv leads to expect.
unexpected()
{
	awk -F '\t' -v lacks=",$2," '
		FILENAME ~ /columns/ { needs[$1] = $2; next }
		FNR == 1 || $1 == "Python" { next }
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
	reason=$($here/fetch.sh "$2" "$machine" "$out/$2-$machine")
	case $? in
	0) ;;
	77)
		echo "kernels: $1: SKIPPED: no kernel to be had: $reason"
		printf 'kernel\t- (%s)\nboot\tn/a: %s\n' "$3" "$reason" >"$results/$1.result"
		return 0
		;;
	*) return 1 ;;
	esac
	make_root "$2" || return 1
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
		"$results/$1.result") of $(grep -cv '^kernel\|^Python' "$results/$1.result") columns pass"
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

[ "$machine" != amd64 ] || [ "$(uname -m)" = x86_64 ] || skip "the tool that is built is not for $machine"
for tool in "${emulator%% *}" "$sysroot/bin/busybox" cpio; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
# shellcheck disable=SC2046 # names without spaces
[ $# -gt 0 ] || set -- $(rows | cut -f 1)
source_key=$(tests/matrix/source_key.py) || exit 1
status=0
for row; do
	line=$(rows "$row")
	[ -n "$line" ] || { echo "kernels: no row $row of $machine in $here/rows.tsv" >&2; exit 2; }
	IFS='	' read -r name _ suite title lacks append <<-END
		$line
	END
	do_row "$name" "$suite" "$title" "$lacks" "$append" || status=1
done
[ -n "$columns" ] || tests/matrix/write.py || status=1
exit $status
