#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the unit tests and those of the kernel side, built for arm64, under qemu's emulator of
# programs, and looks for allocations in arm64's Python:
#
#     tests/arm64/run.sh FOLDER      where `make arm64` builds; the libraries are in FOLDER/sysroot
#
# not-emulated.tsv names the tests that cannot run so, and why; they are counted, not passed over.
# Writes build/kernels/arm64-user.result and the tables of kernels. 0: all others passed.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
folder=$1
result=build/kernels/arm64-user.result
emulator=$(command -v qemu-aarch64-static) || { echo "check-arm64: no qemu-aarch64-static" >&2; exit 1; }
root=$(realpath -e "$folder/sysroot") || exit 1
export QEMU_LD_PREFIX=$root PYLEAK_EMULATOR=$emulator
failed=0

# What is mapped costs the emulator memory: a test that maps terabytes fails, not the machine.
ulimit -v 8000000

# pythons: "MINOR:FILE" of each arm64 interpreter and its library in the folder, for the test of real
# code.
pythons()
{
	find "$(realpath "$folder")" \( -path '*/usr/bin/python3.*' -o -name 'libpython3.*.so.1.0' \) -type f |
		sed -nE 's|.*python3[.]([0-9]+)([.]so[.]1[.]0)?$|\1:&|p' | sort -V
}

# cell FILE: what a table says of Criterion's report.
cell()
{
	python3 - "$1" <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		bad = r["failed"] + r["errored"]
		words = [f"{r['passed']} pass"]
		words += [f"{bad} fail"] if bad else []
		words += [f"{r['skipped']} cannot run under an emulator of programs"] if r["skipped"] else []
		print(", ".join(words))
	END
}

# run COLUMN PROGRAM FILTER
run()
{
	local report=$folder/tests/$1.json

	rm -f "$report"
	"$emulator" "$2" -j2 --timeout 300 --filter "$3" --json="$report" || failed=1
	[ -s "$report" ] || { echo "check-arm64: $1: no report, so nothing is known" >&2; exit 1; }
	printf '%s\t%s\n' "$1" "$(cell "$report")" | tee -a "$result"
}

PYLEAK_ARM64_PYTHONS=$(pythons | paste -sd ' ')
export PYLEAK_ARM64_PYTHONS
sed 's/^/NOT RUN: /' "$here/not-emulated.tsv"
left_out=$(cut -f 1 "$here/not-emulated.tsv" | paste -sd '|')
mkdir -p "${result%/*}"
printf 'kernel\tqemu-user (arm64)\n' >"$result"
run "unit tests" "$folder/tests/unit-tests" "!($left_out)"
run "BPF tests" "$folder/tests/bpf-tests" '*/*'
printf 'source\t%s\n' "$("$here/../matrix/source_key.py")" >>"$result"
"$here/../matrix/write.py" || failed=1
exit "$failed"
