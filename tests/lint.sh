#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Style, size and include rules, shell scripts, and that the documents keep up with the program:
# tests/lint.sh [TOOL]. Changes nothing; says everything that is wrong, then fails. A check whose
# tool is not installed is skipped, and said so. The rules are explained in CONTRIBUTING.md.
set -u
cd "$(dirname "$0")/.." || exit 1

tool=${1:-build/pyleak-bpf}
page=man/pyleak-bpf.8
lines_max=400
lines_note=300
function_max=60

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
found=$work/found # one line per finding
: >"$found"

# Findings, one per line, on standard input.
report()
{
	sed 's/^/lint: /' >"$work/new"
	cat "$work/new"
	cat "$work/new" >>"$found"
}

note()
{
	echo "note: $*"
}

# skip WHAT TOOL
skip()
{
	echo "SKIPPED: $1: $2 is not installed (apt-get install $2)"
}

has()
{
	command -v "$1" >/dev/null 2>&1
}

# Files of the project that match the patterns: tracked ones, or in a tarball all.
tracked()
{
	{
		git ls-files -- "$@" 2>/dev/null ||
			find bpf include user tests -name '*.[ch]' -type f
	} | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

check_format()
{
	has clang-format || { skip "format" clang-format; return; }
	tracked 'bpf/*.[ch]' 'include/*.h' 'user/*.[ch]' 'tests/*.[ch]' >"$work/c_files"
	while read -r file; do
		clang-format --dry-run -Werror "$file" >/dev/null 2>"$work/format" ||
			echo "$file: clang-format differs in $(grep -c 'error:' "$work/format") places"
	done <"$work/c_files" >"$work/unformatted"
	report <"$work/unformatted"
	note "format: $(wc -l <"$work/unformatted") of $(wc -l <"$work/c_files") files differ;" \
		"'make format' changes them"
}

# It reads no headers of libraries: their macros are told here. It takes what attribute cleanup
# frees for lost, what an out parameter fills for uninitialised, and GNU's "a ?: b" and compound
# literals in "?:" for mistakes.
check_cppcheck()
{
	has cppcheck || { skip "static analysis" cppcheck; return; }
	cat >"$work/macros.h" <<-'END'
		#define HASH_ITER(hh, head, el, next) for ((el) = (head), (next) = (el); (el); (el) = (next))
		#define LIBBPF_OPTS(type, name, ...) struct type name = { __VA_ARGS__ }
	END
	cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=memleak --suppress=resourceLeak \
		--suppress=ctuuninitvar --suppress=selfAssignment --suppress=internalAstError \
		--inline-suppr --include="$work/macros.h" -D__x86_64__ -DPYLEAK_VERSION='""' \
		-Iuser -Iinclude --template='{file}:{line}: {severity}: {message} [{id}]' user 2>&1 |
		report
}

# includes FILE...: "file:line what", what being <name> or "name".
includes()
{
	awk '/^[ \t]*#[ \t]*include[ \t]/ {
		sub(/^[ \t]*#[ \t]*include[ \t]+/, "")
		sub(/[>"][^>"]*$/, substr($0, 1, 1) == "<" ? ">" : "\"")
		print FILENAME ":" FNR, $0
	}' "$@"
}

# only FOLDER ALLOWED: every include of the folder's files matches ALLOWED (extended regex).
only()
{
	find "$1" -name '*.[ch]' -type f | sort >"$work/files"
	while read -r file; do
		includes "$file"
	done <"$work/files" | awk -v allowed="^($2)\$" -v folder="$1" '
		$2 !~ allowed { print $1 ": " folder "/ must not include " $2 }' | report
}

check_includes()
{
	libc='<(assert|ctype|errno|float|inttypes|limits|math|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|time)[.]h>'

	find user -name '*.[ch]' -type f ! -path user/collect/probes.c \
		! -path user/collect/alloc_probes.c ! -path user/collect/alloc_link.c \
		! -path user/collect/alloc_keeper.c \
		! -path user/collect/alloc_read.c ! -path user/collect/probes_read.c \
		! -path user/collect/kernel_lacks.c | sort >"$work/files"
	while read -r file; do
		includes "$file"
	done <"$work/files" | awk '$2 ~ /^<bpf\// || $2 ~ /[.]skel[.]h/ {
		print $1 ": only user/collect/{probes,probes_read,kernel_lacks,alloc_probes,alloc_link,alloc_keeper,alloc_read}.c may include " $2 }' | report
	only user/detect "$libc|<uthash[.]h>|\"(detect/.*|base/.*|collect/sample[.]h)\""
	only user/analyse "$libc|\"(analyse/.*|base/cleanup[.]h|snapshot/graph[.]h)\""
	find user/snapshot -name '*.[ch]' -type f | sort >"$work/files"
	while read -r file; do
		includes "$file"
	done <"$work/files" | awk '$2 ~ /^"/ &&
		$2 !~ /^"(snapshot|attach|base)\/|^"collect\/(py_[a-z]+|outside)[.]h"|^"pyleak_/ {
		print $1 ": user/snapshot/ must not include " $2 }' | report
	# Analyses compute; only reports print, and only the tool reads.
	grep -nE '\b(printf|fprintf|fopen|open|read|write|mmap|pr_[a-z]+) *\(' user/analyse/*.[ch] |
		sed 's/$/: user\/analyse has no I\/O/' | report
	only user/report \
		"$libc|<(jansson|uthash|zlib)[.]h>|\"profile[.]pb-c[.]h\"|<(signal|spawn|sys/wait)[.]h>|\"(report/.*|base/.*|analyse/.*|snapshot/graph[.]h|collect/(alloc_stacks|exact|sample)[.]h|detect/verdict[.]h)\""
	only include 'nothing'
}

# Kernel style: a function begins at the last line that starts in the first column and has a
# parenthesis, its body at a '{' and ends at a '}' in the first column.
functions()
{
	awk -v most="$function_max" '
		FNR == 1 { begin = 0; inside = 0 }
		/^[A-Za-z_].*\(/ && !inside { begin = FNR; name = $0 }
		/^\{/ && begin { inside = 1 }
		/^\}/ {
			if (inside && FNR - begin + 1 > most) {
				sub(/\(.*/, "", name)
				sub(/.*[ *]/, "", name)
				print FILENAME ":" begin ": " name "() has " FNR - begin + 1 \
					" lines, over " most
			}
			begin = 0
			inside = 0
		}' "$@"
}

check_sizes()
{
	find user bpf -name '*.[ch]' -type f | sort >"$work/files"
	while read -r file; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt "$lines_max" ]; then
			echo "$file: $lines lines, over $lines_max"
		elif [ "$lines" -gt "$lines_note" ]; then
			note "$file: $lines lines, over $lines_note: is there a seam?" >&2
		fi
		functions "$file"
	done <"$work/files" 2>"$work/notes" | report
	cat "$work/notes"
}

check_shell()
{
	has shellcheck || { skip "shell scripts" shellcheck; return; }
	find .ci contrib tests -type f | sort >"$work/files"
	while read -r file; do
		case $file:$(head -n 1 "$file" | tr -d '\0') in
		*:'#!'*sh | *.bash:*) shellcheck --format=gcc "$file" ;;
		esac
	done <"$work/files" | report
}

check_page()
{
	if has mandoc; then
		mandoc -Tlint -Wwarning "$page" | report
	else
		skip "man page" mandoc
	fi
	if [ ! -x "$tool" ]; then
		echo "SKIPPED: options of the man page: $tool is not built (make)"
		return
	fi
	"$tool" --help | grep -oE -e '--[a-z][a-z-]+' | sort -u >"$work/help"
	grep -oE '\bFl -[a-z][a-z-]+' "$page" | sed 's/^Fl -/--/' | sort -u >"$work/page"
	comm -23 "$work/help" "$work/page" | sed "s|.*|$page: --help has &, the page has not|" | report
	comm -13 "$work/help" "$work/page" | sed "s|.*|$page: the page has &, --help has not|" | report
}

# What the program offers, each shell offers. tests/completion.sh tests that it works.
check_completions()
{
	if [ ! -x "$tool" ]; then
		echo "SKIPPED: completions: $tool is not built (make)"
		return
	fi
	"$tool" --help >"$work/help"
	{
		grep -oE -e '--[a-z][a-z-]+' "$work/help"
		sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' "$work/help"
	} | sort -u >"$work/words"
	for file in contrib/completion/*; do
		# fish has no dashes before the names of options.
		sed 's/ -l \([a-z]\)/ --\1/g' "$file" >"$work/completion"
		while read -r word; do
			grep -qE -e "(^|[^a-z-])$word([^a-z-]|\$)" "$work/completion" ||
				echo "$file: --help has $word, the file has not"
		done <"$work/words"
	done | report
}

check_json()
{
	grep -ohE 'json_object_begin\([^"]*"[a-z_]+"' user/report/*.c | sed 's/.*"\(.*\)"/\1/' |
		sort -u >"$work/kinds"
	while read -r kind; do
		grep -qx "## $kind" docs/json.md ||
			echo "docs/json.md: no heading for kind '$kind', which user/report/ writes"
	done <"$work/kinds" | report
}

check_format
check_cppcheck
check_includes
check_sizes
check_shell
check_page
check_completions
check_json

cnt=$(wc -l <"$found")
[ "$cnt" -eq 0 ] || { echo "lint: $cnt findings"; exit 1; }
echo "lint: nothing found"
