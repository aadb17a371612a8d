#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the completions offer, in each shell that is installed: tests/completion.sh.
# "TEXT | WORDS": after TEXT and the tab key each of WORDS is offered, and none that begins with "!".
# "_" at the end of TEXT is the space before a new word.
set -u
cd "$(dirname "$0")/.." || exit 1

# What is Python by its name only, as everyone sees it; by what it maps only; and not at all.
(exec -a /opt/python3 sleep 60) &
named=$!
(exec -a worker python3 -c 'import time; time.sleep(60)') &
mapped=$!
sleep 60 &
other=$!
work=$(mktemp -d) || exit 1
trap 'kill "$named" "$mapped" "$other"; rm -rf "$work"' EXIT
# Until it is Python: it may come to be by way of a shell.
for _ in $(seq 500); do
	readlink "/proc/$mapped/exe" | grep -q python && break
	sleep 0.01
done
pids="$named $mapped !$other"
# To see what is mapped takes the same user, and in some places root.
grep -q python "/proc/$mapped/maps" || pids="$named !$other"

cases="
pyleak-bpf _| run types growth backrefs cycles sites snapshot diff stat doctor
pyleak-bpf s| sites snapshot stat !types
pyleak-bpf types s| !stat
pyleak-bpf --m| --max-memory --max-pause !--pid
pyleak-bpf types --al| --all
pyleak-bpf -p _| $pids
pyleak-bpf types --pid=| $pids
pyleak-bpf growth -d 5 -p _| $pids
pyleak-bpf --format=| text json !png !folded
pyleak-bpf backrefs --format=| text png svg !folded
pyleak-bpf backrefs --format=p| png !text
pyleak-bpf sites -t Message --format=| folded pprof !png
pyleak-bpf -d _| !run
pyleak-bpf -d 5 r| run
pyleak-bpf diff LICE| LICENSE
pyleak-bpf stat LICE| !LICENSE
pyleak-bpf snapshot -o LICE| LICENSE
pyleak-bpf run -d 5 -- pyth| python3
pyleak-bpf run -d 5 pyth| python3
"
failed=0
shell=

# check TEXT WORDS OFFERED, the last with a word per line
check()
{
	local word

	for word in $2; do
		case $word in
		!*) grep -qxF -- "${word#!}" <<<"$3" || continue ;;
		*) ! grep -qxF -- "$word" <<<"$3" || continue ;;
		esac
		echo "completion: $shell: '$1' and tab: $word? $(tr '\n' ' ' <<<"$3" | cut -c -200)"
		failed=1
	done
}

# As readline asks: words are split at "=", too; what the function leaves to readline is done here.
offer_bash()
{
	# shellcheck disable=SC2016
	bash --norc -c '
		source contrib/completion/pyleak-bpf.bash
		compopt() { default=$2; }
		default=
		read -r -a COMP_WORDS <<<"${1//=/ = }"
		[[ $1 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_pyleak_bpf
		printf "%s\n" "${COMPREPLY[@]}"
		[ "$default" != default ] || compgen -f -- "${COMP_WORDS[COMP_CWORD]}"
	' bash "$1"
}

# fish gives "--format=png", and a description behind a tab.
offer_fish()
{
	fish --no-config -c "source contrib/completion/pyleak-bpf.fish; complete -C '$1'" |
		sed 's/\t.*//; s/^--[a-z]*=\(.\)/\1/'
}

# zsh completes only on a terminal: what it lists there, a word per line.
offer_zsh()
{
	# shellcheck disable=SC2016
	TERM=dumb zsh -f -c '
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1=; stty columns 300 -echo; fpath=(\$PWD/contrib/completion \$fpath)"
		zpty -w z "autoload -U compinit; compinit -C -d $2; LISTMAX=10000"
		zpty -w z "list() { zle list-choices; zle -R; zle -I; print E\"\"ND }; zle -N list"
		zpty -w z "bindkey ^I list; print BE\"\"GIN"
		zpty -r -m z out "*BEGIN*"
		zpty -w -n z "$1"$'"'\t'"'
		zpty -r -m z out "*END*"
		print -r -- ${out%%END*}
	' zsh "$1" "$work/zcompdump" | tr -s "[:space:]" "\n" | grep -v '^--$'
}

for shell in bash fish zsh; do
	command -v "$shell" >/dev/null || { echo "SKIPPED: completion: no $shell"; continue; }
	while IFS='|' read -r text words; do
		[ -n "$text" ] || continue
		text=${text/%_/}
		check "$text" "$words" "$("offer_$shell" "$text" | sed 's/=$//')"
	done <<<"$cases"
done
[ "$failed" -eq 0 ] || exit 1
echo "completion: all offered"
