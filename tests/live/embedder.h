/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts tests/programs/embedder.c, compiled anew, with the libpython of an interpreter. */
#ifndef PYLEAK_EMBEDDER_H
#define PYLEAK_EMBEDDER_H

#include "live/harness.h"

struct embedded {
	char library[300], home[256];
};

struct embedder {
	struct program program;
	char path[64]; /* of the executable */
};

/* The libraries of live_pythons() that have one beside them. */
struct criterion_test_params embedder_libraries(void);
/* `mode` as embedder.c has it, or NULL. */
void embedder_start(struct embedder *embedder, const struct embedded *embedded, const char *mode);
/* Fails the test unless the answer to `command` is this one. */
void embedder_say(struct embedder *embedder, const char *command, const char *answer);
/* Fails the test unless it ends well. */
void embedder_stop(struct embedder *embedder);

#endif
