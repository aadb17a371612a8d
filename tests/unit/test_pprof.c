/* SPDX-License-Identifier: BSD-2-Clause */
/* The profile for pprof, read again: every value of it, by the numbers it refers with. */
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "../golden/alloc_fixture.h"
#include "golden.h"
#include "hostile.h"
#include "profile.pb-c.h"
#include "report/pprof.h"
#include "report/utf8.h"

#define MAX_PROFILE (1 << 20)

/* Written into memory, decompressed, decoded. The caller frees it. */
static Pyleak__Profile *write_and_read(const struct alloc_stacks *stacks)
{
	static uint8_t data[MAX_PROFILE];
	z_stream z = { .next_out = data, .avail_out = sizeof(data) };
	_cleanup_free_ char *bytes = NULL;
	Pyleak__Profile *profile;
	size_t len;
	FILE *out = open_memstream(&bytes, &len);

	cr_assert_eq(pprof_write(out, stacks), 0);
	fclose(out);
	cr_assert(len > 2 && !memcmp(bytes, "\x1f\x8b", 2), "no gzip");
	z.next_in = (uint8_t *)bytes;
	z.avail_in = (uInt)len;
	cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(z.avail_in, 0, "bytes behind the end");
	inflateEnd(&z);
	profile = pyleak__profile__unpack(NULL, z.total_out, data);
	cr_assert_not_null(profile);
	return profile;
}

static const char *string_at(const Pyleak__Profile *profile, int64_t at)
{
	cr_assert(at >= 0 && at < (int64_t)profile->n_string_table, "no string %" PRId64, at);
	return profile->string_table[at];
}

static const Pyleak__Function *function_at(const Pyleak__Profile *profile, uint64_t id)
{
	for (size_t i = 0; i < profile->n_function; i++)
		if (profile->function[i]->id == id)
			return profile->function[i];
	cr_assert_fail("no function %" PRIu64, id);
	return NULL;
}

static const Pyleak__Line *line_at(const Pyleak__Profile *profile, uint64_t location)
{
	for (size_t i = 0; i < profile->n_location; i++) {
		if (profile->location[i]->id != location)
			continue;
		cr_assert_eq(profile->location[i]->n_line, 1);
		return profile->location[i]->line[0];
	}
	cr_assert_fail("no location %" PRIu64, location);
	return NULL;
}

static void dump_types(FILE *out, const Pyleak__Profile *profile)
{
	for (size_t i = 0; i < profile->n_sample_type; i++)
		fprintf(out, "%s/%s ", string_at(profile, profile->sample_type[i]->type),
			string_at(profile, profile->sample_type[i]->unit));
	fprintf(out, "default %s, period %" PRId64 " %s/%s\n",
		string_at(profile, profile->default_sample_type), profile->period,
		string_at(profile, profile->period_type->type),
		string_at(profile, profile->period_type->unit));
	for (size_t i = 0; i < profile->n_comment; i++)
		fprintf(out, "%s\n", string_at(profile, profile->comment[i]));
	fprintf(out, "duration %" PRId64 " ns\n", profile->duration_nanos);
}

static void dump_sample(FILE *out, const Pyleak__Profile *profile, const Pyleak__Sample *sample)
{
	for (size_t i = 0; i < sample->n_value; i++)
		fprintf(out, "%" PRId64 " ", sample->value[i]);
	for (size_t i = 0; i < sample->n_label; i++)
		fprintf(out, "%s=%s\n", string_at(profile, sample->label[i]->key),
			string_at(profile, sample->label[i]->str));
	for (size_t i = 0; i < sample->n_location_id; i++) {
		const Pyleak__Line *line = line_at(profile, sample->location_id[i]);
		const Pyleak__Function *function = function_at(profile, line->function_id);

		fprintf(out, "\t%s, begins at %s:%" PRId64 ", line %" PRId64 "\n",
			string_at(profile, function->name), string_at(profile, function->filename),
			function->start_line, line->line);
		cr_assert_eq(function->system_name, 0, "pprof would take it for C++");
	}
}

/* Everything but the time. The caller frees it. */
static char *dump(const Pyleak__Profile *profile)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	dump_types(out, profile);
	for (size_t i = 0; i < profile->n_sample; i++)
		dump_sample(out, profile, profile->sample[i]);
	fclose(out);
	return text;
}

Test(pprof, every_value_is_read_again)
{
	struct alloc_fixture fixture;
	_cleanup_free_ char *text = NULL;
	Pyleak__Profile *profile;

	alloc_fixture_make(&fixture, NULL);
	profile = write_and_read(&fixture.stacks);
	text = dump(profile);
	golden_assert("allocs.pprof.txt", text);
	pyleak__profile__free_unpacked(profile, NULL);
}

Test(pprof, nothing_is_in_a_table_twice)
{
	struct alloc_fixture fixture;
	Pyleak__Profile *p;

	alloc_fixture_make(&fixture, NULL);
	p = write_and_read(&fixture.stacks);
	cr_assert_str_eq(p->string_table[0], "");
	for (size_t i = 0; i < p->n_string_table; i++)
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(p->string_table[i], p->string_table[k]);
	for (size_t i = 0; i < p->n_function; i++) {
		cr_assert_eq(p->function[i]->id, i + 1);
		for (size_t k = 0; k < i; k++)
			cr_assert(p->function[i]->name != p->function[k]->name ||
				  p->function[i]->filename != p->function[k]->filename ||
				  p->function[i]->start_line != p->function[k]->start_line);
	}
	for (size_t i = 0; i < p->n_location; i++) {
		cr_assert_eq(p->location[i]->id, i + 1);
		for (size_t k = 0; k < i; k++)
			cr_assert(p->location[i]->line[0]->function_id !=
					  p->location[k]->line[0]->function_id ||
				  p->location[i]->line[0]->line != p->location[k]->line[0]->line);
	}
	pyleak__profile__free_unpacked(p, NULL);
}

Test(pprof, it_began_as_long_ago_as_it_lasted)
{
	struct alloc_fixture fixture;
	Pyleak__Profile *profile;
	int64_t end_s;

	alloc_fixture_make(&fixture, NULL);
	profile = write_and_read(&fixture.stacks);
	end_s = (profile->time_nanos + profile->duration_nanos) / 1000000000;
	cr_assert(end_s <= time(NULL) && end_s > time(NULL) - 60);
	cr_assert_eq(profile->duration_nanos, 10000000000);
	pyleak__profile__free_unpacked(profile, NULL);
}

Test(pprof, no_stack_is_a_profile_without_samples)
{
	const struct alloc_stacks none = { .elapsed_s = 0.0 / 0.0 };
	Pyleak__Profile *profile = write_and_read(&none);

	cr_assert_eq(profile->n_sample, 0);
	cr_assert_eq(profile->n_sample_type, 4);
	cr_assert_eq(profile->duration_nanos, 0);
	pyleak__profile__free_unpacked(profile, NULL);
}

Test(pprof, hostile_names_are_safe_and_values_fit)
{
	for (size_t i = 0; i < hostile_cnt; i++) {
		struct alloc_fixture fixture;
		Pyleak__Profile *profile;

		alloc_fixture_make(&fixture, hostile_name(i));
		fixture.items[0].bytes = UINT64_MAX;
		profile = write_and_read(&fixture.stacks);
		cr_assert_eq(profile->n_sample, ALLOC_STACKS);
		cr_assert_eq(profile->sample[0]->value[1], INT64_MAX);
		for (size_t s = 0; s < profile->n_string_table; s++) {
			for (const char *p = profile->string_table[s]; *p;) {
				uint32_t cp;

				p += utf8_decode(p, &cp);
				cr_assert(cp != UTF8_INVALID && utf8_is_printable(cp));
			}
		}
		free(dump(profile));
		pyleak__profile__free_unpacked(profile, NULL);
	}
}

Test(pprof, a_full_disk_is_told)
{
	struct alloc_fixture fixture;
	FILE *out = fopen("/dev/full", "w");

	alloc_fixture_make(&fixture, NULL);
	cr_assert_eq(pprof_write(out, &fixture.stacks), -EIO);
	fclose(out);
}
