/* SPDX-License-Identifier: BSD-2-Clause */
/* The count's place is known from the heads of the lists, which were found in memory: as a
 * displacement from the interpreter, or from _PyRuntime up to 3.8, where it may be addressed as
 * what it is too, a static; on 3.6 it always is. */
#include "attach/alloc_sites.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/alloc_scan.h"
#include "attach/hooks.h"
#include "base/cleanup.h"

const char *alloc_rejection_words(enum alloc_rejection why)
{
	static const char *const words[] = {
		[ALLOC_REJECTED_THRESHOLD] = "nothing near reads the threshold",
		[ALLOC_REJECTED_SOURCE] = "what it stores is not the count plus one",
		[ALLOC_REJECTED_PROBE] = "nothing behind it can be probed",
		[ALLOC_REJECTED_FULL] = "more places than there is room for",
	};

	return words[why];
}

static int describe_count(const struct python *python, const struct gc_lists *lists,
			  struct alloc_count *out)
{
	const struct pyleak_interpreter *interpreter = &lists->interpreters[0];
	raddr_t at = interpreter->heads[PYLEAK_YOUNG_LIST] + lists->head_bytes + 4;
	raddr_t base = python->layout.gc_is_global ? python->runtime : interpreter->address;
	struct elf_symbol symbol;

	memset(out, 0, sizeof(*out));
	out->head_bytes = lists->head_bytes;
	out->begins_with_head = python->minor <= 10;
	if (python->layout.gc_is_global)
		out->address = at - python->bias;
	/* A displacement of one byte is too common to mean anything, and is not looked for. */
	if (base && at - base >= 0x80 && at - base < INT32_MAX) {
		out->relative = true;
		out->displacement = (int32_t)(at - base);
	}
	if (!elf_file_symbol(python->elf, "PyObject_GC_Del", &symbol))
		out->freeing_function = symbol.value;
	return out->relative || out->address ? 0 : -ENOENT;
}

static int start_of_function(void *context, uint64_t address, uint64_t *out)
{
	return elf_file_function_start(context, address, out);
}

struct naming {
	struct alloc_sites *sites;
	uint64_t best[ALLOC_MAX_SITES]; /* where the symbol begins that the name is from */
};

static int name_sites(const struct elf_symbol *symbol, void *context)
{
	struct naming *naming = context;

	for (size_t i = 0; symbol->is_function && i < naming->sites->cnt; i++) {
		struct alloc_site *site = &naming->sites->items[i];

		if (site->address < symbol->value ||
		    site->address - symbol->value >= symbol->size ||
		    symbol->value < naming->best[i])
			continue;
		naming->best[i] = symbol->value;
		snprintf(site->function, sizeof(site->function), "%s", symbol->name);
	}
	return 0;
}

static void finish(const struct python *python, struct alloc_sites *sites)
{
	struct naming naming = { .sites = sites };
	struct probe_site resize;

	if (hook_find_function(python, "_PyObject_GC_Resize", &resize))
		sites->resize_offset = resize.offset;
	elf_file_each_symbol(python->elf, name_sites, &naming);
	for (size_t i = 0; i < sites->cnt; i++) {
		struct alloc_site *site = &sites->items[i];

		elf_file_offset(python->elf, site->address, &site->offset);
		if (site->count_reg == ALLOC_NO_REGISTER)
			site->count_offset += python->bias;
	}
}

int alloc_sites_find(const struct python *python, const struct gc_lists *lists,
		     struct alloc_sites *out)
{
	struct code_text text = { .function_start = start_of_function, .context = python->elf };
	int (*scan)(const struct code_text *, const struct alloc_count *, struct alloc_sites *) =
		elf_file_is_arm64(python->elf) ? alloc_scan_arm64 : alloc_scan_x86;
	struct alloc_count count;
	uint64_t offset, size;
	bool executable;
	int err = describe_count(python, lists, &count);

	memset(out, 0, sizeof(*out));
	out->head_bytes = lists->head_bytes;
	for (size_t i = 0;
	     !err && elf_file_segment(python->elf, i, &text.address, &offset, &size, &executable);
	     i++) {
		if (!executable)
			continue;
		text.bytes = elf_file_bytes(python->elf, text.address, &text.size);
		if (text.bytes)
			err = scan(&text, &count, out);
	}
	if (!err)
		finish(python, out);
	return err;
}

int alloc_sites_check(const struct alloc_sites *sites, struct alloc_summary *out)
{
	bool lacking = sites->rejected_cnt > ALLOC_MAX_REJECTED;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sites->cnt; i++) {
		const struct alloc_site *site = &sites->items[i];

		out->places[site->kind]++;
		out->decoded[site->kind] += site->object_reg != ALLOC_NO_REGISTER;
		out->dear += !site->cheap;
		lacking |= site->object_reg == ALLOC_NO_REGISTER;
	}
	for (size_t i = 0; i < sites->rejected_cnt && i < ALLOC_MAX_REJECTED; i++) {
		out->rejected[sites->rejected[i].why]++;
		/* The others are code that has nothing to do with it. */
		lacking |= sites->rejected[i].why >= ALLOC_REJECTED_PROBE;
	}
	if (!out->places[ALLOC_NEW] || !out->places[ALLOC_FREE])
		return -ENOENT;
	return lacking ? -ENODATA : 0;
}

void alloc_sites_words(const struct alloc_summary *summary, char *words, size_t size)
{
	snprintf(words, size,
		 "%zu place%s (%zu with the object's register), %zu free place%s (%zu)",
		 summary->places[ALLOC_NEW], summary->places[ALLOC_NEW] == 1 ? "" : "s",
		 summary->decoded[ALLOC_NEW], summary->places[ALLOC_FREE],
		 summary->places[ALLOC_FREE] == 1 ? "" : "s", summary->decoded[ALLOC_FREE]);
}
