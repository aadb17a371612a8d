/* SPDX-License-Identifier: BSD-2-Clause */
/* A profile in pprof's format (profile.proto). Windows see a part of the time, so the values are
 * what was seen and no estimate for all of it; a comment says for how long was looked.
 */
#include "report/pprof.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "report/pprof_tables.h"
#include "report/stack_words.h"

#define VALUES 4
/* deflateInit2(): the largest window, and gzip's header. */
#define GZIP_WINDOW_BITS (15 + 16)

struct sample_parts {
	Pyleak__Sample message;
	Pyleak__Label label;
	Pyleak__Label *labels[1];
	int64_t values[VALUES];
};

struct writer {
	Pyleak__Profile profile;
	Pyleak__ValueType types[VALUES], period;
	Pyleak__ValueType *type_list[VALUES];
	int64_t comment;
	struct pprof_tables tables;
	struct sample_parts *parts;
	Pyleak__Sample **samples;
	uint64_t *locations; /* of all samples */
	size_t location_cnt;
};

static void writer_deinit(struct writer *w)
{
	pprof_tables_deinit(&w->tables, &w->profile);
	free(w->parts);
	free(w->samples);
	free(w->locations);
}

static void set_type(struct writer *w, Pyleak__ValueType *type, const char *name, const char *unit)
{
	pyleak__value_type__init(type);
	type->type = pprof_tables_string(&w->tables, name);
	type->unit = pprof_tables_string(&w->tables, unit);
}

static int64_t to_ns(double s)
{
	return s > 0 && s < 9e9 ? (int64_t)(s * 1e9) : 0;
}

static void set_head(struct writer *w, const struct alloc_stacks *stacks)
{
	static const char *const names[VALUES][2] = {
		{ "alloc_objects", "count" },
		{ "alloc_space", "bytes" },
		{ "inuse_objects", "count" },
		{ "inuse_space", "bytes" },
	};
	char windows[STACK_WINDOWS_BYTES], comment[STACK_WINDOWS_BYTES + 80];
	struct timespec now;

	for (size_t i = 0; i < VALUES; i++) {
		set_type(w, &w->types[i], names[i][0], names[i][1]);
		w->type_list[i] = &w->types[i];
	}
	w->profile.sample_type = w->type_list;
	w->profile.n_sample_type = VALUES;
	w->profile.default_sample_type = w->types[0].type;
	/* Within a window each of them is seen. */
	set_type(w, &w->period, "allocations", "count");
	w->profile.period_type = &w->period;
	w->profile.period = 1;
	clock_gettime(CLOCK_REALTIME, &now);
	w->profile.duration_nanos = to_ns(stacks->elapsed_s);
	w->profile.time_nanos = now.tv_sec * 1000000000LL + now.tv_nsec - w->profile.duration_nanos;
	snprintf(comment, sizeof(comment), "pyleak-bpf: allocations seen %s; values are not scaled",
		 stack_windows_words(windows, sizeof(windows), stacks));
	w->comment = pprof_tables_string(&w->tables, comment);
	w->profile.comment = &w->comment;
	w->profile.n_comment = 1;
}

static uint64_t *add_locations(struct writer *w, const struct alloc_stack *stack, size_t *out_cnt)
{
	static const struct stack_frame none = { .function = FRAME_NONE };
	static const struct stack_frame more = { .function = FRAME_MORE };
	uint64_t *first = &w->locations[w->location_cnt], *at = first;

	for (size_t i = 0; i < stack->frame_cnt; i++)
		*at++ = pprof_tables_location(&w->tables, &stack->frames[i]);
	if (stack->frame_cnt == 0)
		*at++ = pprof_tables_location(&w->tables, &none);
	if (stack->is_cut)
		*at++ = pprof_tables_location(&w->tables, &more);
	*out_cnt = (size_t)(at - first);
	w->location_cnt += *out_cnt;
	return first;
}

static void add_sample(struct writer *w, const struct alloc_stack *stack)
{
	const uint64_t values[VALUES] = { stack->allocs, stack->bytes, stack->alive,
					  stack->alive_bytes };
	struct sample_parts *parts = &w->parts[w->profile.n_sample];

	pyleak__sample__init(&parts->message);
	parts->message.location_id = add_locations(w, stack, &parts->message.n_location_id);
	for (size_t i = 0; i < VALUES; i++)
		parts->values[i] = values[i] > INT64_MAX ? INT64_MAX : (int64_t)values[i];
	parts->message.value = parts->values;
	parts->message.n_value = VALUES;
	pyleak__label__init(&parts->label);
	parts->label.key = pprof_tables_string(&w->tables, "type");
	parts->label.str =
		pprof_tables_string(&w->tables, stack->type && *stack->type ? stack->type : "?");
	parts->labels[0] = &parts->label;
	parts->message.label = parts->labels;
	parts->message.n_label = 1;
	w->samples[w->profile.n_sample++] = &parts->message;
}

static int set_samples(struct writer *w, const struct alloc_stacks *stacks)
{
	size_t frames = 0;

	/* Two more for each: no frame, and more frames. */
	for (size_t i = 0; i < stacks->cnt; i++)
		frames += stacks->items[i].frame_cnt + 2;
	w->parts = calloc(stacks->cnt + 1, sizeof(*w->parts));
	w->samples = calloc(stacks->cnt + 1, sizeof(*w->samples));
	w->locations = calloc(frames + 1, sizeof(*w->locations));
	if (!w->parts || !w->samples || !w->locations)
		return -ENOMEM;
	w->profile.sample = w->samples;
	for (size_t i = 0; i < stacks->cnt; i++)
		add_sample(w, &stacks->items[i]);
	return 0;
}

static int write_gzip(FILE *out, uint8_t *data, size_t len)
{
	_cleanup_free_ uint8_t *packed = NULL;
	z_stream z = {};
	size_t room;
	int err;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&z, len);
	packed = len <= UINT_MAX && room <= UINT_MAX ? malloc(room) : NULL;
	if (!packed) {
		deflateEnd(&z);
		return -ENOMEM;
	}
	z.next_in = data;
	z.avail_in = (uInt)len;
	z.next_out = packed;
	z.avail_out = (uInt)room;
	err = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	deflateEnd(&z);
	if (!err)
		fwrite(packed, 1, z.total_out, out);
	return err ? err : fflush(out) || ferror(out) ? -EIO : 0;
}

int pprof_write(FILE *out, const struct alloc_stacks *stacks)
{
	_cleanup_(writer_deinit) struct writer w = { .profile = PYLEAK__PROFILE__INIT };
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int err;

	set_head(&w, stacks);
	err = set_samples(&w, stacks);
	if (!err)
		err = pprof_tables_fill(&w.tables, &w.profile);
	if (err)
		return err;
	len = pyleak__profile__get_packed_size(&w.profile);
	data = malloc(len);
	if (!data)
		return -ENOMEM;
	pyleak__profile__pack(&w.profile, data);
	return write_gzip(out, data, len);
}
