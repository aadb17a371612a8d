/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch that the golden files show: the session of the project's users, a Message held by a
 * Channel in a cycle with its connection. Changing a number here changes golden files: run the
 * tests once with GOLDEN_UPDATE=1 and read the difference.
 */
#ifndef PYLEAK_REPORT_FIXTURE_H
#define PYLEAK_REPORT_FIXTURE_H

#include "base/cleanup.h"
#include "report/report.h"

#define FIXTURE_TIME 1700000000.25

static const struct type_count fixture_types[] = {
	{ "dict", false, 61204, 14100480, 22 },
	{ "mq.Message", true, 48129, 2695224, 310 },
	{ "mq.Channel", true, 31876, 1785056, 200 },
	{ "mq.NonBlockingConnection", true, 31876, 1785056, 201 },
	{ "collections.deque", false, 31880, 19893120, 0 },
	{ "function", false, 8123, 1169712, 0 },
	{ "gone.Type", true, 0, 0, 12 },
	{ "a.package.with.a.very.long.name.of.modules.inside.it.AndAClassNameThatGoesOnForEver",
	  true, 7, 392, 0 },
};

static const struct container fixture_containers[] = {
	{ 0x7f12ab34cd00, "list", "str", true, 15930, 131072 },
	{ 0x7f12ab34ce40, "dict", "str -> int", false, 4000, 147544 },
};

static const struct sample fixture_sample = {
	.time_s = 30.004,
	.instrument = INSTRUMENT_GC,
	.objects = 1204331,
	.bytes = 181931004,
	.types = fixture_types,
	.type_cnt = ARRAY_SIZE(fixture_types),
	.containers = fixture_containers,
	.container_cnt = ARRAY_SIZE(fixture_containers),
	.gc = { { 1204, 109, 9 }, { 50211, 12, 3 }, true, true },
	.memory = { 274096128, 125934592, 137363456, 42152755, true },
};

static const struct sample fixture_first_sample = {
	.time_s = 1.0,
	.instrument = INSTRUMENT_SAFEPOINT,
	.objects = 1110000,
	.bytes = 170000000,
	.types = fixture_types,
	.type_cnt = ARRAY_SIZE(fixture_types),
	.memory = { 261408358, 120000000, 130000000, 41000000, true },
};

static const struct verdict fixture_verdicts[] = {
	{ .kind = VERDICT_LEAK,
	  .subject = SUBJECT_TYPE,
	  .name = "mq.Message",
	  .confidence = 0.97,
	  .live = 48129,
	  .bytes = 2695224,
	  .slope_per_s = 53.1,
	  .slope_lo = 50.2,
	  .slope_hi = 55.9,
	  .growth = 1593,
	  .evidence_s = 30,
	  .first_growth_s = 1.2,
	  .rss_per_unit = 1228.8,
	  .group = 1,
	  .head = true,
	  .why = "the lower envelope rose in 28 of 29 windows, through 9 full collections" },
	{ .kind = VERDICT_LEAK,
	  .subject = SUBJECT_TYPE,
	  .name = "mq.Channel",
	  .confidence = 0.96,
	  .live = 31876,
	  .bytes = 1785056,
	  .slope_per_s = 35.2,
	  .slope_lo = 33,
	  .slope_hi = 37,
	  .growth = 1056,
	  .evidence_s = 30,
	  .first_growth_s = 1.2,
	  .group = 1,
	  .why = "grows with mq.Message" },
	{ .kind = VERDICT_LEAK,
	  .subject = SUBJECT_TYPE,
	  .name = "mq.NonBlockingConnection",
	  .confidence = 0.96,
	  .live = 31876,
	  .bytes = 1785056,
	  .slope_per_s = 35.2,
	  .slope_lo = 33,
	  .slope_hi = 37,
	  .growth = 1056,
	  .evidence_s = 30,
	  .first_growth_s = 1.2,
	  .group = 1,
	  .why = "grows with mq.Message" },
	{ .kind = VERDICT_LEAK,
	  .subject = SUBJECT_CONTAINER,
	  .name = "list",
	  .holds = "str",
	  .address = 0x7f12ab34cd00,
	  .confidence = 0.99,
	  .live = 15930,
	  .bytes = 131072,
	  .slope_per_s = 531,
	  .slope_lo = 529.5,
	  .slope_hi = 532.25,
	  .growth = 15930,
	  .evidence_s = 30,
	  .first_growth_s = 0.5,
	  .group = 0,
	  .head = true,
	  .why = "never shrank, and grew in each of 29 windows" },
	{ .kind = VERDICT_NATIVE,
	  .subject = SUBJECT_MEMORY,
	  .name = "memory",
	  .confidence = 0.91,
	  .live = 94580000,
	  .slope_per_s = 104857.6,
	  .slope_lo = 99000,
	  .slope_hi = 110000,
	  .growth = 3145728,
	  .evidence_s = 30,
	  .first_growth_s = 2,
	  .why = "RSS grew by 3.0 MiB that objects, pools and tables do not explain" },
	{ .kind = VERDICT_SUSPECT,
	  .subject = SUBJECT_TYPE,
	  .name = "a.package.with.a.very.long.name.of.modules.inside.it."
		  "AndAClassNameThatGoesOnForEver",
	  .confidence = 0.6,
	  .live = 7,
	  .bytes = 392,
	  .slope_per_s = 0.013,
	  .slope_lo = -0.001,
	  .slope_hi = 0.02,
	  .growth = 1,
	  .evidence_s = 12,
	  .first_growth_s = 18,
	  .head = true,
	  .why = "grows, but only 4 windows were seen" },
	{ .kind = VERDICT_SATURATING,
	  .subject = SUBJECT_CONTAINER,
	  .name = "dict",
	  .holds = "str -> int",
	  .address = 0x7f12ab34ce40,
	  .confidence = 0.88,
	  .live = 4000,
	  .bytes = 147544,
	  .slope_per_s = 3.5,
	  .slope_lo = 1,
	  .slope_hi = 6,
	  .growth = 400,
	  .evidence_s = 30,
	  .first_growth_s = 0,
	  .head = true,
	  .why = "each window grew less than the one before" },
	{ .kind = VERDICT_GC_LAG,
	  .subject = SUBJECT_TYPE,
	  .name = "dict",
	  .confidence = 0.8,
	  .live = 61204,
	  .bytes = 14100480,
	  .slope_per_s = 12,
	  .slope_lo = 1,
	  .slope_hi = 30,
	  .growth = 700,
	  .evidence_s = 30,
	  .first_growth_s = 4,
	  .head = true,
	  .why = "fell back at each of 3 full collections" },
	{ .kind = VERDICT_STABLE, .subject = SUBJECT_TYPE, .name = "function", .head = true },
};

static const struct loss fixture_losses[] = {
	{ "READ_FAULT", "memory of the target was not readable", 12 },
	{ "TYPES_FULL", "the table of types was full", 1 },
};

#define FIXTURE_COST                                                                               \
	{                                                                                          \
		.elapsed_s = 30.1, .target_share = 0.0031, .longest_pause_s = 0.0031,              \
		.tool_share = 0.004, .tool_rss = 22334668, .ns_per_object = 41.25,                 \
		.gc_hits = 1322, .safepoint_hits = 2,                                              \
	}

static const struct status fixture_status = {
	.sample = &fixture_sample,
	.verdicts = fixture_verdicts,
	.verdict_cnt = ARRAY_SIZE(fixture_verdicts),
	.cost = FIXTURE_COST,
	.losses = fixture_losses,
	.loss_cnt = ARRAY_SIZE(fixture_losses),
};

/* Early: nothing but a suspicion. */
static const struct status fixture_first_status = {
	.sample = &fixture_first_sample,
	.verdicts = &fixture_verdicts[5],
	.verdict_cnt = 1,
	.cost = { .elapsed_s = 1, .target_share = 0.00004 },
};

static const struct target_info fixture_target = {
	.pid = 4242,
	.program = "python3 app.py --port 80",
	.version = "3.11.2",
	.python_file = "/usr/bin/python3.11",
	.hook = "USDT gc__start",
	.interpreters = 1,
	.interval_s = 1,
	.budget_pct = 1,
	.max_pause_ms = 10,
};

static const struct summary fixture_summary = {
	.status =
		{
			.sample = &fixture_sample,
			.verdicts = fixture_verdicts,
			.verdict_cnt = ARRAY_SIZE(fixture_verdicts),
			.cost = FIXTURE_COST,
			.losses = fixture_losses,
			.loss_cnt = ARRAY_SIZE(fixture_losses),
		},
	.end = END_DURATION,
	.censuses = 30,
	.censuses_by = {0, 26, 2, 1, 1},
	.children = 3,
};

static const struct summary fixture_healthy_summary = {
	.status = { .sample = &fixture_first_sample, .cost = FIXTURE_COST },
	.end = END_INTERRUPTED,
	.censuses = 30,
	.censuses_by = { 0, 30, 0, 0, 0 },
};

static const struct type_growth fixture_growth[] = {
	{ "mq.Message", 48129, 1593, 2695224, 89208 },
	{ "mq.Channel", 31876, 1056, 1785056, 59136 },
	{ "mq.NonBlockingConnection", 31876, 1056, 1785056, 59136 },
	{ "function", 8123, 0, 1169712, 0 },
	{ "frame", 12, -4, 5000, -1600 },
};

static const struct gc_stat fixture_gc_stat = {
	.elapsed_s = 10,
	.collections = {1204, 109, 9},
	.collected = {50211, 12, 3},
	.pauses = {1204, 109, 9},
	.pause_total_s = {0.31, 0.12, 0.63},
	.pause_longest_s = {0.0011, 0.0042, 0.0812},
	.log2_us =
		{
			{2, 0, 0, 0, 0, 0, 90, 1012, 99, 0, 1},
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 70, 30, 8, 1},
			{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 6},
		},
	.promoted_known = true,
	.promoted_per_s = 812.4,
	.unknown_pauses = 2,
};

static const struct check fixture_checks[] = {
	{ CHECK_OK, "kernel", "6.18.0 x86_64", "" },
	{ CHECK_NOTE, "BTF", "no /sys/kernel/btf/vmlinux",
	  "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, or name a BTF file with --btf" },
	{ CHECK_BAD, "hook", "no place to see collections was found",
	  "run as root; if you are root, send the output of `pyleak-bpf doctor -v -p PID`" },
};

#endif
