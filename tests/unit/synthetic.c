/* SPDX-License-Identifier: BSD-2-Clause */
/* Made-up programs for the tests of detect. Every shape is drawn anew per series from a seeded
 * generator, so a failure repeats. What a reader would get wrong: the shapes are not the
 * detector's model of the world. They are what the acceptance programs do, with parameters
 * spread wider than those. */
#include "synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

double synthetic_uniform(struct synthetic_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double uniform_in(struct synthetic_rng *rng, double lo, double hi)
{
	return lo + (hi - lo) * synthetic_uniform(rng);
}

double synthetic_normal(struct synthetic_rng *rng)
{
	double radius = sqrt(-2 * log(1 - synthetic_uniform(rng)));

	return radius * cos(2 * M_PI * synthetic_uniform(rng));
}

double synthetic_poisson(struct synthetic_rng *rng, double mean)
{
	double limit = exp(-mean);
	double product = 1;
	double cnt = -1;

	if (mean > 200)
		return fmax(0, round(mean + sqrt(mean) * synthetic_normal(rng)));
	do {
		product *= synthetic_uniform(rng);
		cnt++;
	} while (product > limit);
	return cnt;
}

const char *synthetic_name(enum shape shape)
{
	static const char *const names[] = {
		[SHAPE_WALK] = "random walk",
		[SHAPE_COIN_WALK] = "coin walk",
		[SHAPE_WILD_WALK] = "wild walk",
		[SHAPE_QUEUE] = "queue",
		[SHAPE_AR_FAST] = "AR(1) 0.5",
		[SHAPE_AR_SLOW] = "AR(1) 0.95",
		[SHAPE_POISSON] = "poisson levels",
		[SHAPE_IN_FLIGHT] = "in flight",
		[SHAPE_STATIC_CHURN] = "static heap",
		[SHAPE_SINE] = "sine",
		[SHAPE_STEP] = "step",
		[SHAPE_SAWTOOTH] = "saw-tooth",
		[SHAPE_SAWTOOTH_RANDOM] = "random saw-tooth",
		[SHAPE_FILL] = "fill",
		[SHAPE_APPROACH] = "approach",
		[SHAPE_COUPONS] = "coupons",
		[SHAPE_TTL] = "ttl",
		[SHAPE_WARM_UP] = "warm-up",
		[SHAPE_POOL] = "pool",
		[SHAPE_LEAK_STEADY] = "steady leak",
		[SHAPE_LEAK_POISSON] = "poisson leak",
		[SHAPE_LEAK_QUIET] = "quiet slow leak",
		[SHAPE_LEAK_BUSY] = "busy slow leak",
		[SHAPE_LEAK_WARM] = "leak after warm-up",
		[SHAPE_LEAK_GARBAGE] = "leak under garbage",
		[SHAPE_LEAK_TWO_PACES] = "leak at two paces",
		[SHAPE_LEAK_PAUSE] = "leak that pauses",
		[SHAPE_LEAK_BURSTS] = "leak in bursts",
	};

	return names[shape];
}

/* Parameters that a series keeps for its life, and its state. */
struct draw {
	double a, b, c, x;
	double ring[16];
	size_t next;
};

static double next_noise(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double old;

	switch (shape) {
	case SHAPE_WALK:
		return 2000 + (d->x += 10 * synthetic_normal(rng));
	case SHAPE_COIN_WALK:
		return 500 + (d->x += synthetic_uniform(rng) < 0.5 ? 1 : -1);
	case SHAPE_WILD_WALK:
		d->x += 10 * synthetic_normal(rng) / (fabs(synthetic_normal(rng)) + 0.05);
		return 5000 + d->x;
	case SHAPE_QUEUE:
		return d->x = fmax(0, d->x + 10 * synthetic_normal(rng));
	case SHAPE_AR_FAST:
		return 500 + (d->x = 0.5 * d->x + 20 * synthetic_normal(rng));
	case SHAPE_AR_SLOW:
		return 500 + (d->x = 0.95 * d->x + 20 * synthetic_normal(rng));
	case SHAPE_POISSON:
		return synthetic_poisson(rng, 20 + 400 * d->a);
	case SHAPE_IN_FLIGHT:
		old = d->ring[i % 10];
		d->ring[i % 10] = synthetic_poisson(rng, 5 + 50 * d->a);
		return d->x += d->ring[i % 10] - old;
	default:
		return 1e6 + synthetic_poisson(rng, 30);
	}
}

static double next_tooth(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double period = 5 + floor(16 * d->a);

	if (shape == SHAPE_SAWTOOTH)
		return fmod((double)i + floor(20 * d->b), period) * (5 + 50 * d->c);
	if (!d->next--) {
		d->x = 0;
		d->next = (size_t)uniform_in(rng, 5, 20);
	}
	return d->x += 20;
}

static double next_bounded(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double rate = 5 + 95 * d->b;
	double tau = 10 + 35 * d->a;
	double old;

	switch (shape) {
	case SHAPE_FILL:
		return fmin((double)i, 2 + 10 * d->a) * rate;
	case SHAPE_APPROACH:
		return rate * tau * (1 - exp(-(double)i / tau));
	case SHAPE_COUPONS:
		for (double n = rate; n > 0; n--)
			d->x += synthetic_uniform(rng) * rate * tau > d->x;
		return d->x;
	case SHAPE_TTL:
		d->next = 5 + (size_t)(10 * d->a);
		old = d->ring[i % d->next];
		d->ring[i % d->next] = synthetic_poisson(rng, rate);
		return d->x += d->ring[i % d->next] - old;
	case SHAPE_WARM_UP:
		return d->x += synthetic_uniform(rng) < 0.7
				       ? rate * exp(-(double)i / 4) * synthetic_poisson(rng, 3)
				       : 0;
	default:
		d->x += synthetic_uniform(rng) < 0.5;
		return 10 + (d->x = fmin(d->x, 5 + 15 * d->a));
	}
}

static double next_leak(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double now = (double)i;

	switch (shape) {
	case SHAPE_LEAK_STEADY:
		return 100 + now * (2 + 98 * d->a);
	case SHAPE_LEAK_POISSON:
		return d->x += synthetic_poisson(rng, 10 + 90 * d->a);
	case SHAPE_LEAK_QUIET:
		return 300 + 5 * now + uniform_in(rng, -5, 5);
	case SHAPE_LEAK_BUSY:
		return 300 + 5 * now + uniform_in(rng, -10, 10);
	case SHAPE_LEAK_WARM:
		return 1000 * (1 - exp(-now / (1 + 3 * d->a))) + 20 * now;
	default:
		return 50 * now + (synthetic_uniform(rng) < 0.4 ? uniform_in(rng, 0, 200) : 0);
	}
}

/* Lists that only grow, exactly as fast as `b` says, or as it is drawn. */
static double next_uneven(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double turn = 40 + floor(40 * d->a);
	double pace = 10 + 50 * d->b;
	double now = (double)i;

	if (shape == SHAPE_LEAK_TWO_PACES)
		pace *= now < turn ? 1 : pow(3, 2 * d->c - 1);
	else if (shape == SHAPE_LEAK_PAUSE)
		pace *= now < turn || now >= turn + 5 + floor(8 * d->c);
	else if (i % 3 == 0)
		d->b = 60 * synthetic_uniform(rng);
	return d->x += shape == SHAPE_LEAK_BURSTS ? d->b : pace;
}

static double next_value(enum shape shape, struct synthetic_rng *rng, struct draw *d, size_t i)
{
	double now = (double)i;

	if (shape < SHAPE_SINE)
		return next_noise(shape, rng, d, i);
	if (shape == SHAPE_SINE)
		return 600 + 500 * sin(2 * M_PI * (now / (20 + 20 * d->a) + d->b)) +
		       (d->c < 0.5 ? 0 : 100 * (d->c - 0.5) * synthetic_normal(rng));
	if (shape == SHAPE_STEP)
		return (now < 10 + 100 * d->a ? 100 : 100 + 1000 * d->b) +
		       (d->c < 0.5 ? 0 : synthetic_poisson(rng, 20));
	if (shape == SHAPE_SAWTOOTH || shape == SHAPE_SAWTOOTH_RANDOM)
		return next_tooth(shape, rng, d, i);
	if (shape < SHAPE_HEALTHY_CNT)
		return next_bounded(shape, rng, d, i);
	return shape < SHAPE_LEAK_TWO_PACES ? next_leak(shape, rng, d, i)
					    : next_uneven(shape, rng, d, i);
}

void synthetic_fill(enum shape shape, struct synthetic_rng *rng, double *values, size_t cnt)
{
	struct draw d = { .a = synthetic_uniform(rng),
			  .b = synthetic_uniform(rng),
			  .c = synthetic_uniform(rng) };

	for (size_t i = 0; i < cnt; i++)
		values[i] = fmax(0, floor(next_value(shape, rng, &d, i)));
}

struct seen {
	size_t leak_sample;   /* first, from 1; 0 = never */
	size_t newest_sample; /* when it was called last */
	bool taken_back;
	bool suspect;
};

static void note_verdicts(const struct verdict *verdicts, size_t cnt, size_t sample,
			  const struct synthetic_case *synthetic, struct seen *seen,
			  struct synthetic_result *out)
{
	for (size_t i = 0; i < cnt; i++) {
		size_t series = (size_t)atol(verdicts[i].name + 1);

		if (verdicts[i].kind == VERDICT_SUSPECT) {
			seen[series].suspect = true;
			out->suspect_samples++;
		}
		if (verdicts[i].kind != VERDICT_LEAK)
			continue;
		out->leak_at_end += sample == synthetic->sample_cnt;
		if (!seen[series].leak_sample)
			seen[series].leak_sample = sample;
		seen[series].newest_sample = sample;
	}
	for (size_t i = 0; i < synthetic->series_cnt; i++)
		seen[i].taken_back |= seen[i].leak_sample && seen[i].newest_sample != sample;
}

static void count_seen(const struct synthetic_case *synthetic, const struct seen *seen,
		       struct synthetic_result *out)
{
	size_t by = 0;

	for (size_t i = 0; i < synthetic->series_cnt; i++) {
		out->leak_cnt += seen[i].leak_sample != 0;
		out->leak_by_26 += seen[i].leak_sample && seen[i].leak_sample <= 26;
		out->leak_by_48 += seen[i].leak_sample && seen[i].leak_sample <= 48;
		out->taken_back += seen[i].taken_back;
		out->suspect_cnt += seen[i].suspect;
	}
	while (out->leak_cnt && by * 2 < out->leak_cnt) {
		out->median_sample++;
		by = 0;
		for (size_t i = 0; i < synthetic->series_cnt; i++)
			by += seen[i].leak_sample && seen[i].leak_sample <= out->median_sample;
	}
}

static void cleanup_detector(struct detector **detector)
{
	detector_destroy(*detector);
}

int synthetic_watch(const struct synthetic_case *synthetic, struct synthetic_result *out)
{
	size_t cnt = synthetic->series_cnt;
	size_t samples = synthetic->sample_cnt;
	struct synthetic_rng rng = { synthetic->seed };
	_cleanup_free_ double *values = calloc(cnt * samples, sizeof(*values));
	_cleanup_free_ char(*names)[24] = calloc(cnt, sizeof(*names));
	_cleanup_free_ struct type_count *types = calloc(cnt, sizeof(*types));
	_cleanup_free_ struct seen *seen = calloc(cnt, sizeof(*seen));
	_cleanup_(cleanup_detector) struct detector *detector = NULL;
	int err = detector_create(1, &detector);

	*out = (struct synthetic_result){ 0 };
	for (size_t i = 0; i < cnt; i++) {
		snprintf(names[i], sizeof(names[i]), "T%zu", i);
		types[i] = (struct type_count){ .name = names[i], .own = true };
		synthetic_fill(synthetic->shape, &rng, values + i * samples, samples);
	}
	for (size_t s = 0; s < samples && !err; s++) {
		struct sample sample = { .time_s = 1 + (double)s, .types = types, .type_cnt = cnt };
		const struct verdict *verdicts = NULL;
		size_t verdict_cnt = 0;

		for (size_t i = 0; i < cnt; i++)
			types[i].live = (uint64_t)values[i * samples + s];
		err = detector_add(detector, &sample)
			      ?: detector_judge(detector, &verdicts, &verdict_cnt);
		note_verdicts(verdicts, verdict_cnt, s + 1, synthetic, seen, out);
	}
	count_seen(synthetic, seen, out);
	return err;
}
