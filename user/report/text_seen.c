/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts a log has shown already. Known by a hash of what they are about, so two names
 * of the same hash would be taken for one: with 64 bits and hundreds of names that does not
 * happen by chance, and a target that makes it happen hides its own line from a log only. The
 * summary shows it still.
 */
#include "report/text_seen.h"

#include <stdlib.h>
#include <string.h>

/* A log that has told this many verdicts is not helped by remembering more. */
#define SEEN_MAX 4096

/* FNV-1a, 64 bits (public domain; constants from its authors' draft). */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ull;
	return hash;
}

static uint64_t verdict_key(const struct verdict *v)
{
	const unsigned char subject = (unsigned char)v->subject;
	uint64_t hash = hash_bytes(0xcbf29ce484222325ull, &subject, 1);

	hash = hash_bytes(hash, &v->address, sizeof(v->address));
	return v->name ? hash_bytes(hash, v->name, strlen(v->name)) : hash;
}

static struct seen_entry *seen_find(const struct seen *seen, uint64_t key)
{
	for (size_t i = 0; i < seen->cnt; i++)
		if (seen->entries[i].key == key)
			return &seen->entries[i];
	return NULL;
}

static void seen_add(struct seen *seen, const struct seen_entry *entry, const char *label)
{
	if (seen->cnt == SEEN_MAX)
		return;
	if (seen->cnt == seen->room) {
		size_t room = seen->room ? 2 * seen->room : 16;
		struct seen_entry *grown = realloc(seen->entries, room * sizeof(*grown));

		/* Forgotten, it is shown again next time: more lines, nothing wrong. */
		if (!grown)
			return;
		seen->entries = grown;
		seen->room = room;
	}
	seen->entries[seen->cnt] = *entry;
	seen->entries[seen->cnt].label = strdup(label);
	seen->cnt++;
}

void seen_deinit(struct seen *seen)
{
	for (size_t i = 0; i < seen->cnt; i++)
		free(seen->entries[i].label);
	free(seen->entries);
	*seen = (struct seen){ 0 };
}

void seen_begin(struct seen *seen)
{
	seen->round++;
}

enum seen_change seen_mark(struct seen *seen, const struct verdict *verdict, const char *label,
			   enum verdict_kind *out_before)
{
	struct seen_entry fresh = {
		.key = verdict_key(verdict),
		.kind = verdict->kind,
		.round = seen->round,
	};
	struct seen_entry *entry = seen_find(seen, fresh.key);

	if (!entry) {
		seen_add(seen, &fresh, label);
		return SEEN_NEW;
	}
	entry->round = seen->round;
	if (entry->kind == verdict->kind)
		return SEEN_SAME;
	*out_before = entry->kind;
	entry->kind = verdict->kind;
	return SEEN_CHANGED;
}

void seen_touch(struct seen *seen, const struct verdict *verdict)
{
	struct seen_entry *entry = seen_find(seen, verdict_key(verdict));

	if (entry)
		entry->round = seen->round;
}

bool seen_pop_gone(struct seen *seen, struct seen_entry *out)
{
	for (size_t i = 0; i < seen->cnt; i++) {
		struct seen_entry *entry = &seen->entries[i];

		if (entry->round == seen->round)
			continue;
		*out = *entry;
		*entry = seen->entries[--seen->cnt];
		return true;
	}
	return false;
}
