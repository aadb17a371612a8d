/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts a log has shown already, so that it tells only what is new. */
#ifndef PYLEAK_TEXT_SEEN_H
#define PYLEAK_TEXT_SEEN_H

#include "detect/verdict.h"

struct seen_entry {
	uint64_t key;
	enum verdict_kind kind;
	unsigned int round; /* the newest in which it was there */
	char *label;	    /* safe to print */
};

struct seen {
	struct seen_entry *entries;
	size_t cnt, room;
	unsigned int round;
};

enum seen_change { SEEN_SAME, SEEN_NEW, SEEN_CHANGED };

void seen_deinit(struct seen *seen);
/* Before the verdicts of a status. */
void seen_begin(struct seen *seen);
/* A verdict that is shown. *out_before: the kind shown before, when it changed. */
enum seen_change seen_mark(struct seen *seen, const struct verdict *verdict, const char *label,
			   enum verdict_kind *out_before);
/* A verdict that is there and not shown by itself: a member of a group. */
void seen_touch(struct seen *seen, const struct verdict *verdict);
/* Removes one that was shown and is not there any more into *out, whose label the caller frees;
 * false: no more. After all verdicts of a status. */
bool seen_pop_gone(struct seen *seen, struct seen_entry *out);

#endif
