/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: the kernel, its settings, and what we are allowed. Whether the BPF programs load
 * decides in the end; the other checks are there to tell why they do not. */
#include "cli/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/alloc_link.h"
#include "collect/probes.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define UPROBE_PATH "/sys/bus/event_source/devices/uprobe/type"
/* PROC_USER_INIT_INO of the kernel: capabilities count for BPF in this one only. */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU

static void check_kernel(struct checks *checks)
{
	struct utsname name;

	uname(&name);
	checks_add(checks, CHECK_OK, "kernel", "%.80s %.40s", name.release, name.machine);
}

static void check_btf(struct checks *checks)
{
	struct stat status;
	struct check *check;
	int err = access(BTF_PATH, R_OK) || stat(BTF_PATH, &status) ? errno : 0;

	if (!err) {
		checks_add(checks, CHECK_OK, "BTF", "%s, %lld KB", BTF_PATH,
			   (long long)status.st_size / 1024);
		return;
	}
	check = checks_add(checks, CHECK_NOTE, "BTF", "cannot read %s: %s", BTF_PATH,
			   strerror(err));
	if (err == ENOENT)
		check_advise(check, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; in a container, "
				    "mount /sys");
	else
		check_advise(check, "run as root");
}

static bool check_uprobes(struct checks *checks, double *hit_s)
{
	char type[32];
	struct check *check;
	ssize_t len = doctor_read(UPROBE_PATH, type, sizeof(type));
	int err;

	if (len <= 0) {
		check = checks_add(checks, CHECK_BAD, "uprobes", "cannot read %s: %s", UPROBE_PATH,
				   strerror(len < 0 ? (int)-len : EIO));
		check_advise(check, "boot a kernel with CONFIG_UPROBE_EVENTS=y; in a container, "
				    "mount /sys");
		return false;
	}
	err = doctor_try_uprobe((unsigned int)strtoul(type, NULL, 10), hit_s);
	if (!err) {
		checks_add(checks, CHECK_OK, "uprobes",
			   "PMU type %s; tried on ourselves: a hit costs %.1f us", type,
			   *hit_s * 1e6);
		return true;
	}
	check = checks_add(checks, CHECK_BAD, "uprobes", "PMU type %s; tried on ourselves: %s",
			   type, err == -ENODATA ? "it is never hit" : strerror(-err));
	if (err == -EPERM || err == -EACCES)
		check_advise(check, "run as root: kernels since July 2025 (6.16, 6.12.39, 6.1.146) "
				    "want CAP_SYS_ADMIN for uprobes");
	return false;
}

/* What the probes on allocations hang on. */
static void check_links(struct checks *checks)
{
	struct check *check;

	if (alloc_link_can_multi()) {
		checks_add(checks, CHECK_OK, "uprobe links", "many at once: out in milliseconds");
		return;
	}
	check = checks_add(checks, CHECK_NOTE, "uprobe links",
			   "one by one, as before Linux 6.11: out in seconds");
	check_advise(check,
		     "boot Linux 6.11 or later for allocation sites in short windows; before "
		     "that the watch names no makers, --exact does");
}

static bool in_user_namespace(void)
{
	struct stat status;

	return !stat("/proc/self/ns/user", &status) && status.st_ino != INITIAL_USER_NAMESPACE;
}

static void check_caps(struct checks *checks, uint64_t caps)
{
	uint64_t missing = doctor_caps_missing(caps);
	char have[120], lack[120];
	struct check *check;

	doctor_caps_words(caps, have, sizeof(have));
	doctor_caps_words(missing, lack, sizeof(lack));
	check = checks_add(checks, CHECK_OK, "capabilities", "%s", have);
	if (in_user_namespace()) {
		check->state = CHECK_BAD;
		check_advise(check, "leave the user namespace (rootless container, unshare -U): "
				    "inside it they do not count for BPF");
	} else if (missing && !(missing & ~DOCTOR_CAPS_OTHERS)) {
		check->state = CHECK_NOTE;
		check_advise(check, "to watch processes of other users, add %s", lack);
	} else if (missing) {
		check->state = CHECK_BAD;
		check_advise(check,
			     "run as root (in a container: --privileged --pid=host); "
			     "missing: %s",
			     lack);
	}
}

static void check_lockdown(struct checks *checks)
{
	char line[100], mode[40];
	struct check *check;
	ssize_t len = doctor_read("/sys/kernel/security/lockdown", line, sizeof(line));

	if (len == -ENOENT) {
		checks_add(checks, CHECK_OK, "lockdown",
			   "this kernel has none, or securityfs is "
			   "not mounted");
		return;
	}
	if (len < 0 || !doctor_parse_lockdown(line, mode, sizeof(mode))) {
		checks_add(checks, CHECK_NOTE, "lockdown", "not known: %s",
			   len < 0 ? strerror((int)-len) : line);
		return;
	}
	check = checks_add(checks, CHECK_OK, "lockdown", "%s", mode);
	if (!strcmp(mode, "confidentiality")) {
		check->state = CHECK_NOTE;
		check_advise(check, "boot with lockdown=integrity: in this mode the BPF programs "
				    "do not load");
	}
}

static void check_paranoid(struct checks *checks, uint64_t caps)
{
	uint64_t enough = DOCTOR_CAP(DOCTOR_CAP_PERFMON) | DOCTOR_CAP(DOCTOR_CAP_SYS_ADMIN);
	char value[32];
	struct check *check;

	if (doctor_read("/proc/sys/kernel/perf_event_paranoid", value, sizeof(value)) <= 0) {
		check = checks_add(checks, CHECK_BAD, "perf events", "not in this kernel");
		check_advise(check, "boot a kernel with CONFIG_PERF_EVENTS=y");
		return;
	}
	if (caps & enough) {
		checks_add(checks, CHECK_OK, "perf events",
			   "perf_event_paranoid is %s, which "
			   "CAP_PERFMON passes",
			   value);
		return;
	}
	check = checks_add(checks, CHECK_NOTE, "perf events", "perf_event_paranoid is %s", value);
	check_advise(check, "run as root: no value lets a user without CAP_PERFMON set uprobes");
}

static void check_ptrace(struct checks *checks, uint64_t caps)
{
	bool allowed = caps & DOCTOR_CAP(DOCTOR_CAP_SYS_PTRACE);
	struct check *check;
	char value[32];

	if (doctor_read("/proc/sys/kernel/yama/ptrace_scope", value, sizeof(value)) <= 0) {
		checks_add(checks, CHECK_NOTE, "ptrace_scope",
			   "no Yama in this kernel: it forbids "
			   "nothing");
		return;
	}
	check = checks_add(checks, CHECK_OK, "ptrace_scope", "%s", value);
	if (value[0] == '3') {
		check->state = CHECK_BAD;
		check_advise(check, "boot with another kernel.yama.ptrace_scope: 3 forbids even "
				    "root to read a process, until the next boot");
	} else if (value[0] != '0' && !allowed) {
		check->state = CHECK_NOTE;
		check_advise(check, "run as root, or set kernel.yama.ptrace_scope=0");
	}
}

static void check_bpf_settings(struct checks *checks, uint64_t caps)
{
	uint64_t enough = DOCTOR_CAP(DOCTOR_CAP_BPF) | DOCTOR_CAP(DOCTOR_CAP_SYS_ADMIN);
	char value[32];
	struct check *check;
	ssize_t len;

	len = doctor_read("/proc/sys/kernel/unprivileged_bpf_disabled", value, sizeof(value));
	check = checks_add(checks, caps & enough ? CHECK_OK : CHECK_NOTE, "BPF for users",
			   "unprivileged_bpf_disabled is %s%s", len > 0 ? value : "not known",
			   caps & enough ? ", which CAP_BPF passes" : "");
	if (!(caps & enough))
		check_advise(check, "run as root: no value lets a user without CAP_BPF load these "
				    "programs");
	len = doctor_read("/proc/sys/net/core/bpf_jit_enable", value, sizeof(value));
	if (len > 0 && value[0] != '0') {
		checks_add(checks, CHECK_OK, "BPF JIT", "on");
	} else if (len > 0) {
		check = checks_add(checks, CHECK_NOTE, "BPF JIT",
				   "off: a census takes several "
				   "times as long");
		check_advise(check, "sysctl net.core.bpf_jit_enable=1");
	} else {
		/* Only root may read it, and only in the initial network namespace. */
		checks_add(checks, CHECK_NOTE, "BPF JIT", "not known: bpf_jit_enable: %s",
			   strerror((int)-len));
	}
}

static void check_cpus(struct checks *checks)
{
	long cnt = sysconf(_SC_NPROCESSORS_ONLN);
	struct check *check = checks_add(checks, CHECK_OK, "CPUs", "%ld online", cnt);

	if (cnt == 1) {
		check->state = CHECK_NOTE;
		check_advise(check, "the tool's own work takes time from the target: use a longer "
				    "--interval");
	}
}

static enum doctor_probes check_programs(struct checks *checks)
{
	struct probes *probes;
	struct timespec begin, end;
	struct check *check;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	err = probes_open(true, &probes);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!err) {
		probes_close(probes);
		checks_add(checks, CHECK_OK, "BPF programs",
			   "load and pass the verifier in %.0f ms",
			   (double)(end.tv_sec - begin.tv_sec) * 1e3 +
				   (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
		return DOCTOR_PROBES_WORK;
	}
	check = checks_add_logged(checks, "BPF programs", strerror(-err));
	if (err == -EOPNOTSUPP) {
		check->state = CHECK_NOTE;
		check_advise(check, "boot one that has it: till then censuses are read from "
				    "outside; without bpf_loop() sites and --exact do not work");
		return DOCTOR_PROBES_LACKING;
	}
	/* The message sends its reader here. */
	if (err != -EPERM && err != -EACCES)
		check_advise(check, "see what is BAD above; pyleak-bpf -vv doctor prints what "
				    "libbpf and the verifier say");
	return DOCTOR_PROBES_REFUSED;
}

enum doctor_probes doctor_check_machine(struct checks *checks, double *hit_s)
{
	uint64_t caps = doctor_own_caps();
	enum doctor_probes programs;
	bool uprobes_work;

	check_kernel(checks);
	check_btf(checks);
	check_caps(checks, caps);
	uprobes_work = check_uprobes(checks, hit_s);
	if (uprobes_work)
		check_links(checks);
	check_lockdown(checks);
	check_paranoid(checks, caps);
	check_ptrace(checks, caps);
	check_bpf_settings(checks, caps);
	check_cpus(checks);
	checks_add(checks, CHECK_OK, "libbpf", "%s", probes_libbpf_version());
	programs = check_programs(checks);
	return programs == DOCTOR_PROBES_WORK && !uprobes_work ? DOCTOR_PROBES_REFUSED : programs;
}
