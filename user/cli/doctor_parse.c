/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernel files and log lines say. Pure: no file is opened here. */
#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *doctor_field(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len) && text[len] == ':')
			return text + len + 1 + strspn(text + len + 1, " \t");
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

long doctor_last_number(const char *list)
{
	long last = 0;

	while (*list && *list != '\n') {
		char *end;
		long number = strtol(list, &end, 10);

		if (end == list)
			break;
		last = number;
		list = end + strspn(end, " \t");
	}
	return last;
}

/* The first three for probes, CAP_CHECKPOINT_RESTORE to open /proc/PID/map_files, the others to
 * read memory and enter map_files of a process that is not ours. */
static const struct {
	enum doctor_cap cap;
	const char *name;
} cap_names[] = {
	{ DOCTOR_CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	{ DOCTOR_CAP_BPF, "CAP_BPF" },
	{ DOCTOR_CAP_PERFMON, "CAP_PERFMON" },
	{ DOCTOR_CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ DOCTOR_CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE" },
	{ DOCTOR_CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};

void doctor_caps_words(uint64_t caps, char *words, size_t size)
{
	size_t len = 0;

	snprintf(words, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(cap_names) && len < size; i++) {
		if (caps & DOCTOR_CAP(cap_names[i].cap))
			len += (size_t)snprintf(words + len, size - len, "%s%s", len ? ", " : "",
						cap_names[i].name);
	}
}

uint64_t doctor_caps_missing(uint64_t caps)
{
	uint64_t needed = DOCTOR_CAPS_OTHERS;

	if (caps & DOCTOR_CAP(DOCTOR_CAP_DAC_OVERRIDE))
		needed &= ~DOCTOR_CAP(DOCTOR_CAP_DAC_READ_SEARCH);
	if (!(caps & DOCTOR_CAP(DOCTOR_CAP_SYS_ADMIN)))
		needed |= DOCTOR_CAP(DOCTOR_CAP_BPF) | DOCTOR_CAP(DOCTOR_CAP_PERFMON) |
			  DOCTOR_CAP(DOCTOR_CAP_CHECKPOINT_RESTORE);
	return needed & ~caps;
}

bool doctor_parse_lockdown(const char *line, char *mode, size_t size)
{
	const char *open = strchr(line, '['), *end = open ? strchr(open, ']') : NULL;

	if (!end || end == open + 1)
		return false;
	snprintf(mode, size, "%.*s", (int)(end - open - 1), open + 1);
	return true;
}

const char *doctor_container_kind(const char *cgroups)
{
	/* Kubernetes first: its pods are made by one of the others. docker.service and the like
	 * make containers and are in none. */
	static const struct {
		const char *part, *maker;
	} kinds[] = {
		{ "/kubepods", "Kubernetes" },
		{ "/docker/", "Docker" },
		{ "/docker-", "Docker" },
		{ "/libpod-", "Podman" },
		{ "/libpod_", "Podman" },
		{ "/crio-", "CRI-O" },
		{ "/cri-containerd-", "containerd" },
		{ "/lxc/", "LXC" },
		{ "/lxc.payload", "LXC" },
		{ "/machine-", "systemd-nspawn" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strstr(cgroups, kinds[i].part))
			return kinds[i].maker;
	}
	return NULL;
}

void doctor_cgroup_path(const char *cgroups, char *path, size_t size)
{
	size_t longest = 0;

	snprintf(path, size, "%s", "");
	while (cgroups && *cgroups) {
		/* "4:memory:/path"; the controllers may hold "name=systemd", the path colons. */
		const char *colon = strchr(cgroups, ':'), *end = strchrnul(cgroups, '\n');

		colon = colon && colon < end ? strchr(colon + 1, ':') : NULL;
		if (colon && colon < end && (size_t)(end - colon - 1) > longest) {
			longest = (size_t)(end - colon - 1);
			snprintf(path, size, "%.*s", (int)longest, colon + 1);
		}
		cgroups = *end ? end + 1 : NULL;
	}
}

/* Where the advice begins in a message, and where what comes before it ends. */
static const char *find_advice(const char *message, const char **end)
{
	static const char *const verbs[] = { "run ", "check ", "use ", "try " };
	const char *at = message, *found = NULL;

	while ((at = strstr(at, "; "))) {
		*end = at;
		at += 2;
		found = at;
	}
	at = message;
	while (!found && (at = strstr(at, ": "))) {
		*end = at;
		at += 2;
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
			if (!strncmp(at, verbs[i], strlen(verbs[i])))
				found = at;
		}
	}
	return found;
}

void doctor_split_message(const char *line, char *found, size_t found_size, char *advice,
			  size_t advice_size)
{
	size_t module = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	const char *end = NULL, *words;

	if (module && !strncmp(line + module, ": ", 2))
		line += module + 2;
	words = find_advice(line, &end);
	if (!words)
		end = line + strlen(line);
	snprintf(found, found_size, "%.*s", (int)(end - line), line);
	snprintf(advice, advice_size, "%s", words ? words : "");
}
