/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes censuses of one target, with whichever instrument fits what the target is doing. */
#ifndef PYLEAK_COLLECTOR_H
#define PYLEAK_COLLECTOR_H

#include "attach/gc_lists.h"
#include "attach/hooks.h"
#include "attach/python.h"
#include "attach/target.h"
#include "collect/sample.h"
#include "pyleak_wire.h"

/* Probes that are in before the runtime is: for a program that we start. */
struct early_watch {
	struct probes *probes;
	struct gc_hook hook;
};

/* Puts the probe at the start of collections of a process in which only the file of CPython is
 * known yet (python_find_file()). In a stripped file without USDT there is nothing to put it on
 * so early: then it follows in collector_open(). Logged; ends with collector_open(), which takes
 * it over, or early_watch_close(). */
int early_watch_open(const struct target *target, const struct python *file,
		     struct early_watch *out);
void early_watch_close(struct early_watch *early);

struct collector_options {
	double interval_s;
	double budget_pct; /* of one core */
	double max_pause_ms;
	bool pauses;		   /* measure collections from start to end */
	bool young;		   /* count the youngest generation between censuses */
	struct early_watch *early; /* NULL, or probes that are in already; taken over */
	bool no_census;		   /* samples have memory and GC counters only */
	bool scan;		   /* also look for containers that the GC does not track */
};

struct counts;
struct probes;
struct py_types;
struct collector;

/* Attaches. `target` and `python` stay the caller's and must outlive the collector. Logs one line
 * and returns -errno. */
int collector_open(struct target *target, const struct python *python,
		   const struct collector_options *options, struct collector **out);
void collector_close(struct collector *collector);

/* What censuses may spend from the next request on, in percent of one core. */
void collector_set_budget(struct collector *collector, double pct);
/* Asks for a census. */
int collector_begin(struct collector *collector);
/* To be called when collector_event_fd() is readable, and every COLLECTOR_TICK_MS while a census
 * is asked for: 1 = it is complete, 0 = not yet, or -errno. */
int collector_step(struct collector *collector);
#define COLLECTOR_TICK_MS 50
int collector_event_fd(struct collector *collector);
/* While the census takes long: makes a sample of what needs none (memory, GC counters). */
void collector_interim(struct collector *collector);
/* The same, and the census is no longer asked for. */
int collector_give_up(struct collector *collector);

/* The newest; valid until the next census is complete. */
const struct sample *collector_sample(const struct collector *collector);

/* What is known about the target and the work so far. */
const struct gc_lists *collector_lists(const struct collector *collector);
/* The names of types; shared, for the collector's own thread. */
struct py_types *collector_types(const struct collector *collector);
/* What the newest census counted, by address of the type. */
struct counts *collector_counts(const struct collector *collector);
const struct gc_hook *collector_hook(const struct collector *collector);
unsigned int collector_interpreters(const struct collector *collector);
const volatile struct pyleak_progress *collector_progress(const struct collector *collector);
/* What censuses and the traps of their hooks took from the target, in ns of CPU time. */
uint64_t collector_spent_ns(const struct collector *collector);
const volatile struct pyleak_pauses *collector_pauses(const struct collector *collector);
/* The number of complete censuses in the kernel, and the map that keeps it: for other programs. */
uint64_t collector_epoch(const struct collector *collector);
int collector_epoch_fd(const struct collector *collector);
/* Losses by reason, those of the kernel side and our own. */
void collector_losses(const struct collector *collector, uint64_t out[PYLEAK_LOSS_CNT]);

#endif
