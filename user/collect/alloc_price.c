/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hit costs here and now: the real program, on instructions of our own amid some work, with
 * objects and types made up in our memory. */
#include "collect/alloc_probes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/proc_maps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* Of a breakpoint that is put in and taken out: each time the processors that run the target are
 * interrupted, and its next instructions are no longer in the caches. Measured on a target that
 * allocates all the time (make bench, part windows). */
#define PLACE_TRAPS 30
#define ROUNDS 15
#define HITS 256
#define WORK_BYTES 65536
#define OWN_FILE "/proc/self/exe"
#define TYPE_BYTES 0x200
#define TP_BASICSIZE 0x20
#define TP_FLAGS 0xa8
#define TYPE_SUBCLASS (1ULL << 31)

/* Py_ssize_t ob_refcnt, PyTypeObject *ob_type, Py_ssize_t ob_size. */
struct fake_object {
	uint64_t refcount;
	const void *type;
	uint64_t size;
};

union fake_type {
	struct fake_object object;
	uint64_t words[TYPE_BYTES / 8];
};

struct fake {
	union fake_type metatype, type;
	struct fake_object objects[2];
	int count;
};

/* What the probes are put on: one allocation, one free. The object is in the first register of the
 * calling convention. */
static void __attribute__((noinline, aligned(16))) probed_alloc(const void *object)
{
	__asm__ volatile("nop" ::"r"(object));
}

static void __attribute__((noinline, aligned(16))) probed_free(const void *object)
{
	__asm__ volatile("nop\n\tnop" ::"r"(object));
}

#if defined(__x86_64__)
#define CODE_ROOM 16
static size_t find_nop(const uint8_t *code)
{
	size_t at = 0;

	while (at < CODE_ROOM && code[at] != 0x90)
		at++;
	return at;
}
#else
#define CODE_ROOM 16
static size_t find_nop(const uint8_t *code)
{
	static const uint8_t nop[] = { 0x1f, 0x20, 0x03, 0xd5 };
	size_t at = 0;

	while (at < CODE_ROOM && memcmp(code + at, nop, sizeof(nop)) != 0)
		at += sizeof(nop);
	return at;
}
#endif

static void add_site(struct alloc_sites *sites, const struct mappings *maps, enum alloc_kind kind,
		     void (*function)(const void *object), const struct fake *fake)
{
	uintptr_t address = (uintptr_t)function;

	address += find_nop((const uint8_t *)address);
	for (size_t i = 0; i < maps->cnt; i++) {
		const struct mapping *mapping = &maps->items[i];

		if (address < mapping->start || address >= mapping->end)
			continue;
		sites->items[sites->cnt++] = (struct alloc_site){
			.kind = kind,
			.offset = address - mapping->start + mapping->offset,
			.object_reg = ALLOC_FIRST_ARGUMENT,
			.object_index = ALLOC_NO_REGISTER,
			.count_reg = ALLOC_NO_REGISTER,
			.count_offset = (uintptr_t)&fake->count,
		};
		return;
	}
}

static int find_sites(const struct fake *fake, struct alloc_sites *out)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/maps", "re");
	struct mappings maps;
	int err = file ? mappings_parse(file, &maps) : -errno;

	if (err)
		return err;
	add_site(out, &maps, ALLOC_NEW, probed_alloc, fake);
	add_site(out, &maps, ALLOC_FREE, probed_free, fake);
	mappings_deinit(&maps);
	return out->cnt == 2 ? 0 : -ENOENT;
}

/* What programs do between hits: code with branches and calls, and memory that wanders. A trap
 * takes from the caches what this needs, which in a loop of hits alone would cost nothing. */
static unsigned int __attribute__((noinline)) work(unsigned int turn)
{
	static unsigned char table[WORK_BYTES];
	char text[64];
	unsigned int sum;

	snprintf(text, sizeof(text), "%u %x %s", turn, turn * 77, "request");
	sum = strtoul(text, NULL, 10);
	for (unsigned int i = 0; i < 16; i++)
		sum += table[(turn * 4099 + i * 1031) % WORK_BYTES]++;
	return sum;
}

static int compare(const void *a, const void *b)
{
	const int64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* Of one round of work with hits, against the same without. */
static int64_t time_round(const struct fake *fake)
{
	static volatile unsigned int sum; /* so that the work is done */
	uint64_t begin_ns = clock_now_ns(), middle_ns;

	for (unsigned int i = 0; i < HITS; i++)
		sum += work(i);
	middle_ns = clock_now_ns();
	/* Not freed right away: that is cheaper than most. */
	for (unsigned int i = 0; i < HITS; i++) {
		sum += work(i);
		if (i & 2)
			probed_free(&fake->objects[i & 1]);
		else
			probed_alloc(&fake->objects[i & 1]);
	}
	return (int64_t)(clock_now_ns() - middle_ns) - (int64_t)(middle_ns - begin_ns);
}

static uint64_t time_hit(const struct fake *fake)
{
	int64_t rounds_ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++)
		rounds_ns[round] = time_round(fake);
	qsort(rounds_ns, ROUNDS, sizeof(rounds_ns[0]), compare);
	return rounds_ns[ROUNDS / 2] > 0 ? (uint64_t)rounds_ns[ROUNDS / 2] / HITS : 0;
}

static int measure(const struct alloc_probes_options *options, const struct fake *fake,
		   struct alloc_price *out)
{
	struct alloc_probes *probes;
	struct alloc_price price = {};
	uint64_t counted;
	int err = alloc_probes_open(options, &probes);

	if (err)
		return err;
	err = alloc_probes_attach(probes);
	if (!err) {
		price.trap_ns = time_hit(fake);
		err = alloc_probes_arm(probes, 0, false);
	}
	if (!err)
		price.hit_ns = time_hit(fake);
	counted = alloc_probes_progress(probes)->hits;
	alloc_probes_close(probes);
	if (!err && counted != ROUNDS * HITS)
		err = -ENODATA;
	if (!err)
		*out = price;
	return err;
}

struct made_up {
	struct fake fake;
	struct alloc_sites sites;
	struct gc_lists lists;
	struct python python;
};

static void make_up(struct made_up *made)
{
	struct fake *fake = &made->fake;
	raddr_t count = (uintptr_t)&fake->count;

	fake->metatype.object.type = &fake->metatype;
	fake->metatype.words[TP_FLAGS / 8] = TYPE_SUBCLASS;
	fake->metatype.words[TP_BASICSIZE / 8] = TYPE_BYTES;
	fake->type.object.type = &fake->metatype;
	fake->type.words[TP_BASICSIZE / 8] = sizeof(struct fake_object);
	for (size_t i = 0; i < ARRAY_SIZE(fake->objects); i++)
		fake->objects[i].type = &fake->type;
	made->lists.cnt = 1;
	made->lists.head_bytes = 16;
	made->lists.interpreters[0].heads[PYLEAK_YOUNG_LIST] = count - made->lists.head_bytes - 4;
	made->python.minor = 12;
	strcpy(made->python.open_path, OWN_FILE);
}

uint64_t alloc_price_window(const struct alloc_price *price, size_t places)
{
	return places * PLACE_TRAPS * price->trap_ns;
}

int alloc_price(struct alloc_price *out)
{
	_cleanup_free_ struct made_up *made = calloc(1, sizeof(*made));
	struct alloc_probes_options options = { .pid = getpid(),
						.mode = ALLOC_COUNT,
						.epoch_fd = -1 };
	int err;

	if (!made)
		return -ENOMEM;
	make_up(made);
	options.python = &made->python;
	options.sites = &made->sites;
	options.lists = &made->lists;
	err = find_sites(&made->fake, &made->sites);
	if (!err)
		err = measure(&options, &made->fake, out);
	if (err)
		pr_error("allocation probes: what a hit costs cannot be measured: %s",
			 strerror(-err));
	else
		pr_debug("allocation probes: a hit costs %llu ns, of it the trap %llu",
			 (unsigned long long)out->hit_ns, (unsigned long long)out->trap_ns);
	return err;
}
