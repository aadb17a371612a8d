# SPDX-License-Identifier: BSD-2-Clause
# Completion for fish.

# Processes that look like Python: by the first word of the command line, which everyone may read,
# and by what is mapped, which finds Python in other programs and needs root.
function __pyleak_bpf_pids
    begin
        sed -Ezsn '1{\#(^|/)python[^/]*$#F}' /proc/*/cmdline | tr '\0' '\n'
        grep -lE ' r-xp .*/(lib)?python[23][^/]*$' /proc/*/maps
    end 2>/dev/null | string match -rg '^/proc/([0-9]+)/' | sort -un | while read -l pid
        printf '%s\t%s\n' $pid (cat /proc/$pid/cmdline 2>/dev/null | tr '\0' ' ' | cut -c -60)
    end
end

set -l verbs run types growth backrefs cycles sites snapshot diff stat doctor
set -l verb "__fish_seen_subcommand_from"
set -l complete complete -c pyleak-bpf

$complete -f
$complete -n "not $verb $verbs" -a run -d 'Watch a program that it starts'
$complete -n "not $verb $verbs" -a types -d 'The most common types, once'
$complete -n "not $verb $verbs" -a growth -d 'How the types grew over the duration'
$complete -n "not $verb $verbs" -a backrefs -d 'Who holds the objects of a type'
$complete -n "not $verb $verbs" -a cycles -d 'Reference cycles, and where to cut them'
$complete -n "not $verb $verbs" -a sites -d 'Who allocates the objects of a type'
$complete -n "not $verb $verbs" -a snapshot -d 'Save the graph of the heap'
$complete -n "not $verb $verbs" -a diff -d 'What changed between two snapshots'
$complete -n "not $verb $verbs" -a stat -d 'Collections, pauses and promoted objects'
$complete -n "not $verb $verbs" -a doctor -d 'What works here, and what to do about the rest'

# Saved snapshots; the command of run.
$complete -n "$verb backrefs cycles types diff" -F
$complete -n "$verb run" -xa '(__fish_complete_subcommand --fcs-skip=2 -i -d -n -o --interval \
    --duration --limit --output --format --max-memory --budget --max-pause)'

$complete -s p -l pid -xka '(__pyleak_bpf_pids)' -d 'The process to watch'
$complete -s i -l interval -x -d 'Seconds between censuses'
$complete -s d -l duration -x -d 'Stop after so many seconds'
$complete -s n -l limit -x -d 'Rows to show'
$complete -s t -l type -x -d 'The type, with or without its module'
$complete -s o -l output -r -F -d 'The file, or the folder for pictures'
$complete -l format -xa 'text json' -d 'How to print'
$complete -n "$verb backrefs" -l format -xa 'dot png svg'
$complete -n "$verb sites" -l format -xa 'folded pprof'
$complete -l address -x -d 'The object at this address alone'
$complete -l depth -x -d 'Levels of a picture'
$complete -l all -d 'Also what the GC does not track'
$complete -l no-pause -d 'Copy the memory without stopping the process'
$complete -l max-memory -x -d 'Most memory for a snapshot, as 800M or 4G'
$complete -l budget -x -d 'What watching may cost, in percent of one core'
$complete -l max-pause -x -d 'Longest time to hold a thread at once, in ms'
$complete -l fail-on-leak -d 'Exit with status 3 when a leak was found'
$complete -l exact -d 'Probes on every allocation'
$complete -s v -l verbose -d 'Say more'
$complete -s '?' -l help -d 'Print a list of the options'
$complete -l usage -d 'Print a short usage message'
$complete -s V -l version -d 'Print the version'
