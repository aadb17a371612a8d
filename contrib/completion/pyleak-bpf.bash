# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion for bash 4.4 and later. It needs nothing of the package bash-completion, but that is
# what finds it, and completes the command of `run`.

# Processes that look like Python: by the first word of the command line, which everyone may read,
# and by what is mapped, which finds Python in other programs and needs root.
_pyleak_bpf_pids()
{
	{
		sed -Ezsn '1{\#(^|/)python[^/]*$#F}' /proc/[0-9]*/cmdline | tr '\0' '\n'
		grep -lE ' r-xp .*/(lib)?python[23][^/]*$' /proc/[0-9]*/maps
	} 2>/dev/null | cut -d / -f 3 | sort -un
}

# Where the command of `run` begins: what follows belongs to it.
_pyleak_bpf_command()
{
	local function

	for function in _comp_command_offset _command_offset; do
		if declare -F "$function" >/dev/null; then
			"$function" "$1"
			return
		fi
	done
	compopt -o default
	[ "$COMP_CWORD" -ne "$1" ] || mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[$1]}")
}

_pyleak_bpf_takes_value()
{
	case $1 in
	-[pidnto] | --pid | --interval | --duration | --limit | --type | --output) ;;
	--format | --address | --depth | --max-memory | --budget | --max-pause) ;;
	*) return 1 ;;
	esac
}

# What may stand after an option; $1 is the option, $2 the verb, $3 what is there already.
_pyleak_bpf_value()
{
	local words=

	case $1 in
	-p | --pid) words=$(_pyleak_bpf_pids) ;;
	--format)
		case $2 in
		backrefs) words='text json dot png svg' ;;
		sites) words='text json folded pprof' ;;
		*) words='text json' ;;
		esac
		;;
	-o | --output)
		# A folder for the pictures while watching, a file else.
		case $2 in
		'' | run) compopt -o dirnames ;;
		*) compopt -o default ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$3")
}

_pyleak_bpf()
{
	local verbs='run types growth backrefs cycles sites snapshot diff stat doctor'
	local options='--pid= --interval= --duration= --limit= --type= --output= --format= --address=
		--depth= --all --no-pause --max-memory= --budget= --max-pause= --fail-on-leak --exact
		--verbose --help --usage --version'
	local current=${COMP_WORDS[COMP_CWORD]} verb='' at=$COMP_CWORD i

	COMPREPLY=()
	# "=" is a word of its own: --format = js. Let at be that of the option's value.
	if [ "$current" = = ]; then
		current=
	elif [ "${COMP_WORDS[at - 1]}" = = ]; then
		at=$((at - 1))
	fi
	for ((i = 1; i < at; i++)); do
		if _pyleak_bpf_takes_value "${COMP_WORDS[i]}"; then
			[ "${COMP_WORDS[i + 1]}" != = ] || [ $((i + 1)) -ge "$at" ] || i=$((i + 1))
			i=$((i + 1))
			continue
		fi
		case ${COMP_WORDS[i]} in
		--) [ "$verb" != run ] || { _pyleak_bpf_command $((i + 1)); return; } ;;
		-*) ;;
		*)
			[ "$verb" != run ] || { _pyleak_bpf_command "$i"; return; }
			verb=${verb:-${COMP_WORDS[i]}}
			;;
		esac
	done
	if _pyleak_bpf_takes_value "${COMP_WORDS[at - 1]}"; then
		_pyleak_bpf_value "${COMP_WORDS[at - 1]}" "$verb" "$current"
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
	else
		case $verb in
		'') mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current") ;;
		run) _pyleak_bpf_command "$COMP_CWORD" ;;
		backrefs | cycles | types | diff) compopt -o default ;; # saved snapshots
		esac
	fi
}

complete -F _pyleak_bpf pyleak-bpf
