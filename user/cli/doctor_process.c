/* SPDX-License-Identifier: BSD-2-Clause */
/* One process: from outside in, as far as it goes. The later checks stand on the earlier ones, so
 * the first that is BAD ends the list. */
#include "cli/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attach/gc_lists.h"
#include "attach/hooks.h"
#include "attach/python.h"
#include "attach/target.h"
#include "base/cleanup.h"
#include "collect/py_lists.h"

/* A collection that runs hides the lists: as patient as collect/collector.c. */
#define LISTS_PATIENCE_MS 1000
/* What single-stepping an instruction under a probe costs more than emulating it, measured. */
#define SINGLE_STEP_WORDS "some microseconds each time"

struct patient {
	struct checks *checks;
	struct target target;
	struct python python;
	struct gc_lists lists;
	struct gc_hook hook;
	struct probe_site safe_points[HOOK_MAX_SITES];
	size_t safe_point_cnt;
	bool collects; /* collections happen by themselves */
	char status[4096];
};

static void check_state(struct patient *patient)
{
	const char *state = doctor_field(patient->status, "State");
	const char *tracer = doctor_field(patient->status, "TracerPid");
	struct check *check = checks_add(patient->checks, CHECK_OK, "process", "%d: %s",
					 patient->target.pid, patient->target.program);

	if (state && (state[0] == 'T' || state[0] == 't')) {
		check->state = CHECK_NOTE;
		check_advise(check,
			     "it is stopped: nothing grows before it goes on (kill -CONT %d)",
			     patient->target.pid);
	}
	if (!tracer || atoi(tracer) <= 0)
		return;
	check = checks_add(patient->checks, CHECK_NOTE, "tracer", "process %d", atoi(tracer));
	check_advise(check, "it is counted; a snapshot, and what needs one, must wait until that "
			    "has ended");
}

/* -1: not known. */
static int same_namespace(pid_t pid, const char *name)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (stat(path, &ours))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	if (stat(path, &theirs))
		return -1;
	return ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static void check_namespaces(struct patient *patient)
{
	int pid_same = same_namespace(patient->target.pid, "pid");
	int mount_same = same_namespace(patient->target.pid, "mnt");
	const char *numbers = doctor_field(patient->status, "NSpid");
	char inner[80] = "";

	if (pid_same < 0 || mount_same < 0) {
		checks_add(patient->checks, CHECK_NOTE, "namespaces", "not known: not readable");
		return;
	}
	if (pid_same && mount_same) {
		checks_add(patient->checks, CHECK_OK, "namespaces", "the same as ours");
		return;
	}
	if (!pid_same)
		snprintf(inner, sizeof(inner), "its own for processes (it sees itself as %ld)%s",
			 numbers ? doctor_last_number(numbers) : 0, mount_same ? "" : "; ");
	checks_add(patient->checks, CHECK_NOTE, "namespaces", "%s%s", inner,
		   mount_same ? "" : "its own for files: they are opened through map_files");
}

static void check_container(struct patient *patient)
{
	char path[64], cgroups[4096], group[100];
	const char *kind;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", patient->target.pid);
	if (doctor_read(path, cgroups, sizeof(cgroups)) <= 0)
		return;
	kind = doctor_container_kind(cgroups);
	doctor_cgroup_path(cgroups, group, sizeof(group));
	checks_add(patient->checks, kind ? CHECK_NOTE : CHECK_OK, "container", "%s%s, cgroup %s",
		   kind ? "of " : "none that is known", kind ? kind : "", group);
}

static void check_protection(struct patient *patient)
{
	static const char *const modes[] = { "none", "strict", "filter" };
	const char *seccomp = doctor_field(patient->status, "Seccomp");
	const char *uids = doctor_field(patient->status, "Uid");
	unsigned long mode = seccomp ? strtoul(seccomp, NULL, 10) : 3;
	unsigned int effective;
	struct stat status;
	struct check *check;
	char path[64];

	if (mode < ARRAY_SIZE(modes))
		checks_add(patient->checks, CHECK_OK, "seccomp", "%s%s", modes[mode],
			   mode ? ": it binds the process, not the probes" : "");
	/* The kernel gives what is in /proc/PID to root when the process is not dumpable, but not
	 * the directory. That of root looks like any other. */
	snprintf(path, sizeof(path), "/proc/%d/stat", patient->target.pid);
	if (!uids || sscanf(uids, "%*u %u", &effective) != 1 || stat(path, &status) ||
	    status.st_uid == effective)
		return;
	check = checks_add(patient->checks, CHECK_NOTE, "dumpable",
			   "no (prctl, or it changed its "
			   "user)");
	check_advise(check, "run as root: reading it takes CAP_SYS_PTRACE");
}

static bool check_python(struct patient *patient)
{
	const struct python *python = &patient->python;
	int err = python_find(&patient->target, &patient->python);
	struct check *check;

	if (err == -EAGAIN)
		python_report_early(&patient->target);
	if (err) {
		checks_add_logged(patient->checks, "Python", strerror(-err));
		return false;
	}
	check = checks_add(patient->checks, CHECK_OK, "Python", "%s, %s", python->version,
			   python->file);
	if (strstr(python->file, " (deleted)")) {
		check->state = CHECK_NOTE;
		check_advise(check, "the file was replaced or removed since the start; it is read "
				    "as it was then");
	}
	checks_add(patient->checks, CHECK_OK, "symbols",
		   elf_file_has_symtab(python->elf) ? "all (not stripped)"
						    : "exported ones only (stripped)");
	return true;
}

static bool check_lists(struct patient *patient)
{
	const struct gc_lists *lists = &patient->lists;
	struct check *check;

	if (py_lists_open(&patient->python, &patient->target, LISTS_PATIENCE_MS, &patient->lists)) {
		checks_add_logged(patient->checks, "interpreters", "not where they should be");
		return false;
	}
	check = checks_add(patient->checks, CHECK_OK, "interpreters",
			   "%u, with a GC head of %u "
			   "bytes",
			   lists->total, lists->head_bytes);
	if (lists->total > lists->cnt) {
		check->state = CHECK_NOTE;
		check_advise(check, "only %u of them can be counted", lists->cnt);
	}
	return true;
}

/* gc.set_threshold(0) switches automatic collections off as gc.disable() does. */
static void check_gc(struct patient *patient)
{
	const struct gc_lists *lists = &patient->lists;
	raddr_t young = lists->interpreters[0].heads[PYLEAK_YOUNG_LIST];
	uint32_t threshold = remote_word32(patient->target.remote, young + lists->head_bytes);
	struct gc_totals totals;
	struct check *check;

	if (gc_lists_totals(lists, patient->python.minor, patient->target.remote, &totals)) {
		patient->collects = true;
		checks_add(patient->checks, CHECK_NOTE, "GC", "not known whether it is on");
		return;
	}
	patient->collects = totals.enabled && threshold;
	check = checks_add(patient->checks, CHECK_OK, "GC",
			   "%s; collections so far: %llu, %llu, "
			   "%llu",
			   !totals.enabled ? "disabled"
			   : !threshold	   ? "threshold 0: never by itself"
					   : "enabled",
			   (unsigned long long)totals.collections[0],
			   (unsigned long long)totals.collections[1],
			   (unsigned long long)totals.collections[2]);
	if (patient->collects)
		return;
	check->state = CHECK_NOTE;
	check_advise(check, "nothing to do: censuses run at safe points or from outside; cyclic "
			    "garbage stays, and counts as growth");
}

static void check_hook(struct patient *patient)
{
	const struct gc_hook *hook = &patient->hook;
	struct check *check;
	bool cheap = true;

	gc_hook_find(&patient->python, &patient->lists, &patient->hook);
	for (size_t i = 0; i < hook->start_cnt; i++)
		cheap &= hook->start[i].cheap;
	check = checks_add(patient->checks, CHECK_OK, "hook", "%s%s", hook->words,
			   hook->kind == GC_HOOK_NONE ? ""
			   : cheap		      ? ", cheap"
						      : "");
	if (hook->kind == GC_HOOK_NONE) {
		check->state = CHECK_NOTE;
		check_advise(check, "censuses run at safe points or from outside; a Python that is "
				    "not stripped, or built --with-dtrace, has a hook");
	} else if (!cheap) {
		check->state = CHECK_NOTE;
		check_advise(check, "it works; the kernel single-steps the instruction there, "
				    "at " SINGLE_STEP_WORDS);
	}
}

static void check_safe_points(struct patient *patient)
{
	char words[160] = "";
	size_t len = 0;
	struct check *check;

	patient->safe_point_cnt =
		safe_points_find(&patient->python, patient->safe_points, HOOK_MAX_SITES);
	for (size_t i = 0; i < patient->safe_point_cnt && len < sizeof(words); i++)
		len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s%s", len ? ", " : "",
					patient->safe_points[i].name,
					patient->safe_points[i].cheap ? "" : " (single-stepped)");
	if (patient->safe_point_cnt) {
		checks_add(patient->checks, CHECK_OK, "safe points", "%s", words);
		return;
	}
	check = checks_add(patient->checks, CHECK_NOTE, "safe points", "none found");
	check_advise(check, "between collections it is counted only while it hardly runs");
}

static void check_outlook(struct patient *patient, enum doctor_probes probes)
{
	bool hook = patient->hook.kind != GC_HOOK_NONE && patient->collects;
	bool points = patient->safe_point_cnt;
	const char *at_points = hook ? "at safe points when none comes; " : "at safe points; ";
	struct check *check;

	if (probes == DOCTOR_PROBES_LACKING) {
		check = checks_add(patient->checks, CHECK_NOTE, "censuses",
				   "from outside: exact while the process is idle");
		check_advise(check, "of a busy one they miss some of what is young; types --all "
				    "stops it for a moment and is exact");
		return;
	}
	if (probes == DOCTOR_PROBES_REFUSED) {
		check = checks_add(patient->checks, CHECK_BAD, "censuses",
				   "none: the kernel refuses the probes");
		check_advise(check, "see what is BAD above");
		return;
	}
	check = checks_add(patient->checks, hook || points ? CHECK_OK : CHECK_NOTE, "censuses",
			   "%s%s%s", hook ? "at collections; " : "", points ? at_points : "",
			   "from outside while the process is idle");
	if (!hook && !points)
		check_advise(check, "a process that is never idle cannot be counted");
}

static void check_inside(struct patient *patient, enum doctor_probes probes, bool exact,
			 double hit_s)
{
	if (!check_python(patient))
		return;
	if (check_lists(patient)) {
		check_gc(patient);
		check_hook(patient);
		check_safe_points(patient);
		check_outlook(patient, probes);
		doctor_check_allocs(patient->checks, &patient->target, &patient->python,
				    &patient->lists, probes == DOCTOR_PROBES_WORK && exact, hit_s);
	}
	python_close(&patient->python);
}

void doctor_check_process(struct checks *checks, pid_t pid, enum doctor_probes probes, bool exact,
			  double hit_s)
{
	_cleanup_free_ struct patient *patient = calloc(1, sizeof(*patient));
	char path[64];
	int err = patient ? target_open(pid, &patient->target) : -ENOMEM;

	if (err) {
		checks_add_logged(checks, "process", strerror(-err));
		return;
	}
	patient->checks = checks;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	doctor_read(path, patient->status, sizeof(patient->status));
	check_state(patient);
	check_namespaces(patient);
	check_container(patient);
	check_protection(patient);
	check_inside(patient, probes, exact, hit_s);
	target_close(&patient->target);
}
