/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

/* The command line is not linked into the unit tests; these readings need nothing of it. */
#include "cli/doctor_parse.c"

TestSuite(doctor);

static const char status[] = "Name:\tpython3\n"
			     "State:\tT (stopped)\n"
			     "NSpid:\t8721\t40\t7\n"
			     "NoNewPrivs:\t0\n"
			     "Seccomp:\t2\n"
			     "Seccomp_filters:\t1";

Test(doctor, fields_of_a_status_file)
{
	cr_expect_eq(*doctor_field(status, "State"), 'T');
	cr_expect_eq(*doctor_field(status, "Seccomp"), '2');
	cr_expect_eq(*doctor_field(status, "Seccomp_filters"), '1');
	cr_expect_null(doctor_field(status, "NewPrivs"));
	cr_expect_null(doctor_field(status, "Seccomp_filter"));
	cr_expect_null(doctor_field("", "State"));
}

Test(doctor, the_last_number_is_the_innermost)
{
	cr_expect_eq(doctor_last_number(doctor_field(status, "NSpid")), 7);
	cr_expect_eq(doctor_last_number("31573"), 31573);
	cr_expect_eq(doctor_last_number("5 x 6"), 5);
	cr_expect_eq(doctor_last_number(""), 0);
}

Test(doctor, names_of_capabilities)
{
	char words[200], few[20];

	doctor_caps_words(0, words, sizeof(words));
	cr_expect_str_eq(words, "none");
	/* CAP_CHOWN and others are of no use to the tool. */
	doctor_caps_words(1, words, sizeof(words));
	cr_expect_str_eq(words, "none");
	doctor_caps_words(0x1fffeffffffULL, words, sizeof(words));
	cr_expect_str_eq(words, "CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, "
				"CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH");
	doctor_caps_words(0x1fffeffffffULL, few, sizeof(few));
	cr_expect_str_eq(few, "CAP_SYS_ADMIN, CAP_");
}

Test(doctor, missing_capabilities)
{
	uint64_t admin = DOCTOR_CAP(DOCTOR_CAP_SYS_ADMIN), modern;
	char words[200];

	modern = DOCTOR_CAP(DOCTOR_CAP_BPF) | DOCTOR_CAP(DOCTOR_CAP_PERFMON) |
		 DOCTOR_CAP(DOCTOR_CAP_CHECKPOINT_RESTORE);
	cr_expect_eq(doctor_caps_missing(0x1fffeffffffULL), 0);
	cr_expect_eq(doctor_caps_missing(0), modern | DOCTOR_CAPS_OTHERS);
	cr_expect_eq(doctor_caps_missing(modern), DOCTOR_CAPS_OTHERS);
	cr_expect_eq(doctor_caps_missing(admin), DOCTOR_CAPS_OTHERS);
	cr_expect_eq(doctor_caps_missing(admin | DOCTOR_CAP(DOCTOR_CAP_DAC_OVERRIDE)),
		     DOCTOR_CAP(DOCTOR_CAP_SYS_PTRACE));
	doctor_caps_words(doctor_caps_missing(DOCTOR_CAPS_OTHERS | DOCTOR_CAP(DOCTOR_CAP_BPF)),
			  words, sizeof(words));
	cr_expect_str_eq(words, "CAP_PERFMON, CAP_CHECKPOINT_RESTORE");
}

Test(doctor, lockdown_mode_in_brackets)
{
	char mode[40] = "before";

	cr_expect(doctor_parse_lockdown("none [integrity] confidentiality", mode, sizeof(mode)));
	cr_expect_str_eq(mode, "integrity");
	cr_expect(doctor_parse_lockdown("none integrity [confidentiality]", mode, sizeof(mode)));
	cr_expect_str_eq(mode, "confidentiality");
	cr_expect_not(doctor_parse_lockdown("none integrity", mode, sizeof(mode)));
	cr_expect_not(doctor_parse_lockdown("]none[", mode, sizeof(mode)));
	cr_expect_not(doctor_parse_lockdown("[]", mode, sizeof(mode)));
	cr_expect_str_eq(mode, "confidentiality");
	cr_expect(doctor_parse_lockdown("[none] integrity", mode, 3));
	cr_expect_str_eq(mode, "no");
}

Test(doctor, containers_by_their_control_group)
{
	static const struct {
		const char *cgroups, *kind;
	} cases[] = {
		{ "0::/user.slice/user-1000.slice/session-3.scope", NULL },
		{ "0::/system.slice/docker.service", NULL },
		{ "0::/system.slice/containerd.service", NULL },
		{ "0::/lxc.monitor.web", NULL },
		{ "", NULL },
		{ "0::/system.slice/docker-6f1c.scope", "Docker" },
		{ "9:name=systemd:/docker/6f1c\n0::/", "Docker" },
		{ "0::/kubepods.slice/kubepods-pod1.slice/docker-6f1c.scope", "Kubernetes" },
		{ "0::/user.slice/user@1000.service/user.slice/libpod-6f1c.scope", "Podman" },
		{ "0::/lxc.payload.web/init.scope", "LXC" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *kind = doctor_container_kind(cases[i].cgroups);

		cr_expect(kind == cases[i].kind ||
				  (kind && cases[i].kind && !strcmp(kind, cases[i].kind)),
			  "%s: %s", cases[i].cgroups, kind ? kind : "none");
	}
}

Test(doctor, the_longest_control_group_is_the_one_that_tells)
{
	char path[100];

	doctor_cgroup_path("9:name=systemd:/\n4:memory:/api/69:9e\n1:cpu:/a\n0::/", path,
			   sizeof(path));
	cr_expect_str_eq(path, "/api/69:9e");
	doctor_cgroup_path("0::/", path, sizeof(path));
	cr_expect_str_eq(path, "/");
	doctor_cgroup_path("nonsense\n1:\n\n", path, sizeof(path));
	cr_expect_str_eq(path, "");
	doctor_cgroup_path("0::/abcdef", path, 4);
	cr_expect_str_eq(path, "/ab");
}

static void expect_split(const char *line, const char *found, const char *advice)
{
	char first[160], second[200];

	doctor_split_message(line, first, sizeof(first), second, sizeof(second));
	cr_expect_str_eq(first, found);
	cr_expect_str_eq(second, advice);
}

Test(doctor, a_message_becomes_a_finding_and_an_advice)
{
	expect_split("target: no process 9: check the number with pgrep -a python", "no process 9",
		     "check the number with pgrep -a python");
	expect_split("probes: the kernel refused: not permitted; run as root, or so",
		     "the kernel refused: not permitted", "run as root, or so");
	expect_split("python: process 9 (x -c a; b) is not CPython; name another",
		     "process 9 (x -c a; b) is not CPython", "name another");
	expect_split("target: cannot open process 9: Too many open files",
		     "cannot open process 9: Too many open files", "");
	expect_split("Permission denied", "Permission denied", "");
	expect_split("", "", "");
}

Test(doctor, long_messages_are_cut)
{
	char line[600], first[10], second[5];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line + 100, "; ", 2);
	doctor_split_message(line, first, sizeof(first), second, sizeof(second));
	cr_expect_str_eq(first, "xxxxxxxxx");
	cr_expect_str_eq(second, "xxxx");
}
