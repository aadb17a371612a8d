/* SPDX-License-Identifier: BSD-2-Clause */
/* The start of a collection is, in this order:
 *  1. the USDT probe gc__start, where the build has it (every Debian and Ubuntu since 3.8);
 *  2. the collector by symbol, with all the clones that the compiler made of it;
 *  3. in a stripped file, the function that executes generations[generation + 1].count += 1:
 *     one instruction whose displacement we know, and that stands nowhere else.
 * PyGC_Collect and gc_collect_with_callback would be wrong: automatic collections pass by them,
 * or they are inlined. */
#include "attach/hooks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/insn.h"
#include "base/cleanup.h"

static bool make_site(const struct python *python, const char *name, uint64_t address,
		      struct probe_site *out)
{
	size_t available;
	const uint8_t *code = elf_file_bytes(python->elf, address, &available);
	uint32_t step = 0;

	memset(out, 0, sizeof(*out));
	out->cheap = code && !insn_cheap_probe(code, available, address, &step);
	snprintf(out->name, sizeof(out->name), "%s", name);
	return !elf_file_offset(python->elf, address + step, &out->offset);
}

static bool find_usdt_site(const struct python *python, const char *name, struct probe_site *out)
{
	struct usdt_note note;

	memset(out, 0, sizeof(*out));
	if (elf_file_usdt(python->elf, "python", name, &note) ||
	    elf_file_offset(python->elf, note.address, &out->offset))
		return false;
	if (note.semaphore && elf_file_offset(python->elf, note.semaphore, &out->semaphore))
		return false;
	out->cheap = true; /* a nop */
	snprintf(out->name, sizeof(out->name), "python:%s", name);
	return true;
}

static bool find_usdt(const struct python *python, struct gc_hook *out)
{
	if (!find_usdt_site(python, "gc__start", &out->start[0]) ||
	    !find_usdt_site(python, "gc__done", &out->done))
		return false;
	out->kind = GC_HOOK_USDT;
	out->start_cnt = 1;
	snprintf(out->words, sizeof(out->words), "USDT python:gc__start");
	return true;
}

/* The collector's name, and "name.constprop.0" and the like; a ".cold" part is no entry. */
static bool is_clone_of(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(symbol, name, len))
		return false;
	return !symbol[len] || (symbol[len] == '.' && !strstr(symbol + len, ".cold"));
}

/* gcmodule.c: collect() until 3.9, gc_collect_main() since 3.10 (bpo-42639). The incremental
 * collector of 3.14.0 to 3.14.4 has _PyGC_Collect() instead; in others that is a wrapper which
 * automatic collections pass by. */
static const struct {
	const char *name;
	int oldest, newest;
} collectors[] = {
	{ "gc_collect_main", 10, PYTHON_NEWEST_MINOR },
	{ "_PyGC_Collect", 14, 14 },
	{ "collect", PYTHON_OLDEST_MINOR, 9 },
};

struct symbol_search {
	const struct python *python;
	const char *name;
	struct gc_hook *out;
};

static void add_start(const struct python *python, const char *name, uint64_t address,
		      struct gc_hook *out)
{
	struct probe_site site;

	if (out->start_cnt == HOOK_MAX_SITES || !make_site(python, name, address, &site))
		return;
	for (size_t i = 0; i < out->start_cnt; i++) {
		if (out->start[i].offset == site.offset)
			return;
	}
	out->start[out->start_cnt++] = site;
}

static int visit_symbol(const struct elf_symbol *symbol, void *context)
{
	struct symbol_search *search = context;

	if (symbol->is_function && is_clone_of(symbol->name, search->name))
		add_start(search->python, symbol->name, symbol->value, search->out);
	return 0;
}

static bool find_symbol(const struct python *python, struct gc_hook *out)
{
	struct symbol_search search = { .python = python, .out = out };

	for (size_t i = 0; !out->start_cnt && i < ARRAY_SIZE(collectors); i++) {
		/* The version is not known yet (0) when a program is only being started. */
		if (python->minor &&
		    (python->minor < collectors[i].oldest || python->minor > collectors[i].newest))
			continue;
		search.name = collectors[i].name;
		elf_file_each_symbol(python->elf, visit_symbol, &search);
	}
	if (!out->start_cnt)
		return false;
	out->kind = GC_HOOK_SYMBOL;
	snprintf(out->words, sizeof(out->words), "%s, by symbol (%zu %s)", search.name,
		 out->start_cnt, out->start_cnt == 1 ? "place" : "places");
	return true;
}

#if defined(__x86_64__)
/* addl $1, disp32(base, index, scale): 83 84 SIB disp32 01, after an optional REX prefix. Without
 * an index it is something else: a local variable on the stack, mostly. */
#define INCREMENT_BYTES 8
#define SIB_NO_INDEX 0x20
#define REX_INDEX 0x42

static bool is_increment(const uint8_t *code, uint8_t before, uint32_t displacement)
{
	bool extended = (before & 0xf2) == REX_INDEX;
	uint32_t found;

	if (code[0] != 0x83 || code[1] != 0x84 || code[7] != 1 ||
	    ((code[2] & 0x38) == SIB_NO_INDEX && !extended))
		return false;
	memcpy(&found, code + 3, sizeof(found));
	return found == displacement;
}
#else
#define INCREMENT_BYTES 8

static bool is_increment(const uint8_t *code, uint8_t before, uint32_t displacement)
{
	(void)code;
	(void)before;
	(void)displacement;
	return false;
}
#endif

static void scan_code(const struct python *python, uint64_t address, uint64_t size,
		      uint32_t displacement, struct gc_hook *out)
{
	size_t available;
	const uint8_t *code = elf_file_bytes(python->elf, address, &available);
	uint64_t function;

	if (!code || available < INCREMENT_BYTES)
		return;
	if (size > available)
		size = available;
	for (uint64_t at = 1; at + INCREMENT_BYTES <= size; at++) {
		if (is_increment(code + at, code[at - 1], displacement) &&
		    !elf_file_function_start(python->elf, address + at, &function))
			add_start(python, "collector", function, out);
	}
}

/* Displacement of generations[0].count from the base register that the collector uses. */
static uint32_t count_displacement(const struct python *python, const struct gc_lists *lists)
{
	const struct pyleak_interpreter *interpreter = &lists->interpreters[0];
	raddr_t base = python->layout.gc_is_global ? python->runtime : interpreter->address;

	if (!base)
		return 0;
	return (uint32_t)(interpreter->heads[PYLEAK_YOUNG_LIST] - base) + lists->head_bytes + 4;
}

static bool find_by_code(const struct python *python, const struct gc_lists *lists,
			 struct gc_hook *out)
{
	uint32_t displacement = count_displacement(python, lists);
	uint64_t address, offset, size;
	bool executable;

	/* A small displacement is encoded in one byte and is too common to mean anything. */
	if (displacement < 0x80)
		return false;
	for (size_t i = 0; elf_file_segment(python->elf, i, &address, &offset, &size, &executable);
	     i++) {
		if (executable)
			scan_code(python, address, size, displacement, out);
	}
	if (!out->start_cnt || out->start_cnt > 2) {
		out->start_cnt = 0;
		return false;
	}
	out->kind = GC_HOOK_LOCATED;
	snprintf(out->words, sizeof(out->words),
		 "the collector, located by its code (file offset %#lx)",
		 (unsigned long)out->start[0].offset);
	return true;
}

void gc_hook_find(const struct python *python, const struct gc_lists *lists, struct gc_hook *out)
{
	memset(out, 0, sizeof(*out));
	if (find_usdt(python, out) || find_symbol(python, out) ||
	    (lists && find_by_code(python, lists, out)))
		return;
	snprintf(out->words, sizeof(out->words), "none found in %.100s", python->file);
}

bool hook_find_function(const struct python *python, const char *name, struct probe_site *out)
{
	struct elf_symbol symbol;

	return !elf_file_symbol(python->elf, name, &symbol) &&
	       make_site(python, name, symbol.value, out);
}

size_t safe_points_find(const struct python *python, struct probe_site *out, size_t max)
{
	static const char *const names[] = { "PyEval_SaveThread", "PyObject_GC_Del",
					     "_PyObject_GC_New", "PyType_GenericAlloc" };
	size_t cnt = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && cnt < max; i++)
		cnt += hook_find_function(python, names[i], &out[cnt]);
	return cnt;
}
