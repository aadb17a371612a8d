/* SPDX-License-Identifier: BSD-2-Clause */
/* What `doctor` is made of: a list of checks, those of the machine, those of one process, and
 * the readings of kernel files behind them, which are pure functions. */
#ifndef PYLEAK_DOCTOR_H
#define PYLEAK_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/gc_lists.h"
#include "attach/python.h"
#include "attach/target.h"
#include "report/report.h"

#define DOCTOR_MAX_CHECKS 32

struct checks {
	struct check items[DOCTOR_MAX_CHECKS];
	size_t cnt;
};

/* Appends a check; `what` must live on. The result is never NULL. */
struct check *checks_add(struct checks *checks, enum check_state state, const char *what,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));
void check_advise(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A BAD check that says what a lower layer logged since the last call; `otherwise` when it
 * logged nothing. */
struct check *checks_add_logged(struct checks *checks, const char *what, const char *otherwise);

/* Reads a small file of /proc or /sys without its trailing newlines. Its length, or -errno. */
ssize_t doctor_read(const char *path, char *to, size_t size);
/* The capabilities that we have; 0 when they cannot be read. */
uint64_t doctor_own_caps(void);

/* Puts a uprobe of the kernel's PMU `pmu_type` on ourselves and takes it out again: what a hit
 * costs. -ENODATA: it was accepted and does not work; other -errno from the kernel. */
int doctor_try_uprobe(unsigned int pmu_type, double *hit_s);

enum doctor_probes {
	DOCTOR_PROBES_REFUSED, /* the kernel does not accept the BPF programs or uprobes from us */
	DOCTOR_PROBES_LACKING, /* it lacks what they need: all is read from outside */
	DOCTOR_PROBES_WORK,
};

/* `hit_s`: what a hit costs, 0 = not known. */
enum doctor_probes doctor_check_machine(struct checks *checks, double *hit_s);
/* `exact`: as doctor_check_allocs() does it. */
void doctor_check_process(struct checks *checks, pid_t pid, enum doctor_probes probes, bool exact,
			  double hit_s);
/* Where the process allocates; with `try_them`, probes are put there for 0.3 s, to see that these
 * are all. Taking them out lasts seconds, and the process pays for each hit until then. `hit_s`: 0
 * = not known. */
void doctor_check_allocs(struct checks *checks, const struct target *target,
			 const struct python *python, const struct gc_lists *lists, bool try_them,
			 double hit_s);

/* ---- readings */

/* The value of "Key:\tvalue" in the text of /proc/PID/status; NULL = there is none. */
const char *doctor_field(const char *text, const char *key);
/* The last number of a list: of NSpid, the number that the process itself sees. 0 = none. */
long doctor_last_number(const char *list);

enum doctor_cap {
	DOCTOR_CAP_DAC_OVERRIDE = 1,
	DOCTOR_CAP_DAC_READ_SEARCH = 2,
	DOCTOR_CAP_SYS_PTRACE = 19,
	DOCTOR_CAP_SYS_ADMIN = 21,
	DOCTOR_CAP_PERFMON = 38,
	DOCTOR_CAP_BPF = 39,
	DOCTOR_CAP_CHECKPOINT_RESTORE = 40,
};
#define DOCTOR_CAP(cap) (1ULL << (cap))
/* These are needed for processes of other users only. */
#define DOCTOR_CAPS_OTHERS                                                                         \
	(DOCTOR_CAP(DOCTOR_CAP_SYS_PTRACE) | DOCTOR_CAP(DOCTOR_CAP_DAC_READ_SEARCH))

/* The names of those of `caps` that the tool has a use for: "CAP_SYS_ADMIN, CAP_BPF"; "none". */
void doctor_caps_words(uint64_t caps, char *words, size_t size);
/* Those that are missing; CAP_SYS_ADMIN and CAP_DAC_OVERRIDE stand for what they include. */
uint64_t doctor_caps_missing(uint64_t caps);

/* The mode in brackets of "none [integrity] confidentiality"; false: there is none. */
bool doctor_parse_lockdown(const char *line, char *mode, size_t size);
/* Whose container the text of /proc/PID/cgroup tells of, "Docker"; NULL: none that is known. */
const char *doctor_container_kind(const char *cgroups);
/* The longest path in the text of /proc/PID/cgroup. */
void doctor_cgroup_path(const char *cgroups, char *path, size_t size);
/* "module: what failed; what to do" -> the two halves. `advice` is "" when it holds none. */
void doctor_split_message(const char *line, char *found, size_t found_size, char *advice,
			  size_t advice_size);

#endif
