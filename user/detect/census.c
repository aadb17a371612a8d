/* SPDX-License-Identifier: BSD-2-Clause */
/* The detector's tables: one series per type name and per container address. They are bounded
 * (TYPES_MAX, CONTAINERS_MAX); what does not fit is counted, never silently lost. A type that a
 * sample does not mention has no live object: 0. A container that it does not mention is
 * unknown (shorter than the collector reports, or gone), so its last length stands for a while,
 * without verdict. What a reader would get wrong: a container that falls to nothing stays the
 * same series, although another one may have got its address; the fall is what tells a list
 * that is emptied in batches from one that only grows. */
#include "detect/detector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 8192
#define CONTAINERS_MAX 4096
#define FORGET_SAMPLES 128 /* absent for so long: dropped */
#define FORGET_YOUNG 4	   /* ... a container seen in no more samples than this: at once */

static void entry_free(struct entry *entry)
{
	series_deinit(&entry->series);
	free(entry->name);
	free(entry->holds);
	free(entry);
}

static void table_free(struct entry **table)
{
	struct entry *entry, *next;

	HASH_ITER (hh, *table, entry, next) {
		HASH_DEL(*table, entry);
		entry_free(entry);
	}
}

void census_deinit(struct detector *detector)
{
	table_free(&detector->types);
	table_free(&detector->containers);
}

static struct entry *entry_create(struct detector *detector, const char *name, double value,
				  bool since_start)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->name = strdup(name);
	if (!entry->name) {
		free(entry);
		return NULL;
	}
	series_init(&entry->series, &detector->timeline, value, COUNT_GROWTH_MIN, since_start);
	return entry;
}

static int add_type(struct detector *detector, const struct type_count *type)
{
	struct entry *entry;

	HASH_FIND_STR(detector->types, type->name, entry);
	if (!entry) {
		bool first = detector->timeline.sample_cnt == 1;

		if (HASH_COUNT(detector->types) >= TYPES_MAX) {
			detector->dropped_series++;
			return 0;
		}
		entry = entry_create(detector, type->name, first ? (double)type->live : 0, true);
		if (!entry)
			return -ENOMEM;
		HASH_ADD_KEYPTR(hh, detector->types, entry->name, strlen(entry->name), entry);
	}
	entry->own = type->own;
	entry->live = type->live;
	entry->bytes = type->bytes;
	entry->seen_sample = detector->timeline.sample_cnt;
	entry->seen_cnt++;
	return 0;
}

static void forget_container(struct detector *detector, struct entry *entry)
{
	HASH_DEL(detector->containers, entry);
	entry_free(entry);
}

/* NULL and *err for no memory, NULL alone for a full table. */
static struct entry *open_container(struct detector *detector, const struct container *container,
				    int *err)
{
	struct entry *entry;

	if (HASH_COUNT(detector->containers) >= CONTAINERS_MAX) {
		detector->dropped_series++;
		return NULL;
	}
	entry = entry_create(detector, container->type_name, (double)container->len, false);
	if (!entry) {
		*err = -ENOMEM;
		return NULL;
	}
	entry->address = container->address;
	HASH_ADD(hh, detector->containers, address, sizeof(entry->address), entry);
	return entry;
}

static int entry_set_holds(struct entry *entry, const char *holds)
{
	char *copy;

	if (!holds || (entry->holds && !strcmp(entry->holds, holds)))
		return 0;
	copy = strdup(holds);
	if (!copy)
		return -ENOMEM;
	free(entry->holds);
	entry->holds = copy;
	return 0;
}

static int add_container(struct detector *detector, const struct container *container)
{
	struct entry *entry;
	int err = 0;

	HASH_FIND(hh, detector->containers, &container->address, sizeof(container->address), entry);
	if (entry && strcmp(entry->name, container->type_name)) {
		forget_container(detector, entry);
		entry = NULL;
	}
	if (!entry)
		entry = open_container(detector, container, &err);
	if (!entry)
		return err;
	entry->live = container->len;
	entry->bytes = container->bytes;
	entry->seen_sample = detector->timeline.sample_cnt;
	entry->seen_cnt++;
	return entry_set_holds(entry, container->holds);
}

/* A type that is gone, or was never seen again, makes room. */
static int feed_types(struct detector *detector)
{
	struct entry *entry, *next;
	uint64_t sample = detector->timeline.sample_cnt;
	int err = 0;

	HASH_ITER (hh, detector->types, entry, next) {
		if (entry->seen_sample != sample)
			entry->live = entry->bytes = 0;
		err = series_add(&entry->series, &detector->timeline, (double)entry->live) ?: err;
		if (sample - entry->seen_sample > FORGET_SAMPLES) {
			HASH_DEL(detector->types, entry);
			entry_free(entry);
		}
	}
	return err;
}

static int feed_containers(struct detector *detector)
{
	struct entry *entry, *next;
	uint64_t sample = detector->timeline.sample_cnt;
	int err = 0;

	HASH_ITER (hh, detector->containers, entry, next) {
		uint64_t absent = sample - entry->seen_sample;

		if (absent > FORGET_SAMPLES || (absent && entry->seen_cnt < FORGET_YOUNG)) {
			forget_container(detector, entry);
			continue;
		}
		err = series_add(&entry->series, &detector->timeline, (double)entry->live) ?: err;
	}
	return err;
}

int census_add(struct detector *detector, const struct sample *sample, const struct tick *tick)
{
	int err = 0;

	timeline_add(&detector->timeline, tick);
	for (size_t i = 0; i < sample->type_cnt; i++)
		err = add_type(detector, &sample->types[i]) ?: err;
	for (size_t i = 0; i < sample->container_cnt; i++)
		err = add_container(detector, &sample->containers[i]) ?: err;
	err = feed_types(detector) ?: err;
	return feed_containers(detector) ?: err;
}
