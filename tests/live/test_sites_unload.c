/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that embeds Python, and unloads it while probes are in it. */
#include "live/embedder.h"
#include "live/sites_truth.h"

#define SCRIPT "run exec(\"class Marked: pass\\nkept = []\\n\")"
#define ALLOCATE "run exec(\"for _ in range(1000): kept.append(Marked())\")"

ParameterizedTestParameters(sites_unload, it_goes_on)
{
	return embedder_libraries();
}

ParameterizedTest(struct embedded *param, sites_unload, it_goes_on, .timeout = 60)
{
	struct embedder embedder;
	struct tool tool;
	pid_t pid;

	live_needs_root();
	embedder_start(&embedder, param, NULL);
	pid = embedder.program.pid;
	embedder_say(&embedder, SCRIPT, "ok");
	sites_start(&tool, &embedder.program, "__main__.Marked", "--exact");
	embedder_say(&embedder, ALLOCATE, "ok");
	cr_expect(sites_has_breakpoints(pid), "no probes were in");
	embedder_say(&embedder, "unload", "GONE");
	/* The kernel puts the breakpoints into the new mapping as well. */
	embedder_say(&embedder, "load", "ok");
	embedder_say(&embedder, SCRIPT, "ok");
	embedder_say(&embedder, ALLOCATE, "ok");
	sites_end(&tool);
	cr_expect(tool.status == 0 || tool.status == 1, "%s: status %d: %s", param->library,
		  tool.status, tool.errors);
	embedder_say(&embedder, ALLOCATE, "ok");
	sites_wait_no_breakpoints(pid);
	embedder_say(&embedder, "unload", "GONE");
	embedder_stop(&embedder);
	tool_free(&tool);
}
