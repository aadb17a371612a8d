/* SPDX-License-Identifier: BSD-2-Clause */
/* Judges growth: samples in, verdicts out. Pure arithmetic: no I/O, no clock, no BPF. */
#ifndef PYLEAK_DETECT_H
#define PYLEAK_DETECT_H

#include "collect/sample.h"
#include "detect/verdict.h"

struct detector;

/* `interval_s`: the time between samples that the user asked for; windows scale with it.
 * 0 or -ENOMEM / -EINVAL. The caller owns *out and ends it with detector_destroy(). */
int detector_create(double interval_s, struct detector **out);
void detector_destroy(struct detector *detector);

/* Takes a copy of what it needs. Samples come in order of time; one that is not newer than the
 * last is refused with -EINVAL. -ENOMEM leaves the detector usable. */
int detector_add(struct detector *detector, const struct sample *sample);

/* Everything that is not stable, the gravest first; members of a group follow their head.
 * The array and its strings belong to the detector and live until the next detector_ call. */
int detector_judge(struct detector *detector, const struct verdict **out, size_t *out_cnt);

/* Series that could not be followed because the table of series was full (see census.c). */
uint64_t detector_dropped_series(const struct detector *detector);

#endif
