/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of types as Python tells them, over fake types of several builds. */
#include <criterion/criterion.h>

#include <string.h>

#include "collect/py_type.h"
#include "fake_heap.h"
#include "pyleak_object.h"

struct bench {
	struct fake_heap heap;
	struct gc_lists lists;
	struct py_types *types;
};

static void bench_init(struct bench *bench, const char *version)
{
	memset(&bench->lists, 0, sizeof(bench->lists));
	fake_heap_init(&bench->heap, version);
	bench->lists.newest_interpreter = fake_interpreter(&bench->heap);
	cr_assert_eq(py_types_create(&bench->heap.reader, &bench->lists, &bench->types), 0);
}

static void bench_deinit(struct bench *bench)
{
	py_types_destroy(bench->types);
	fake_heap_deinit(&bench->heap);
}

static const char *name_of(struct bench *bench, raddr_t type)
{
	const struct py_type *found = py_types_get(bench->types, type);

	cr_assert_not_null(found);
	return found->name;
}

Test(py_type, a_static_type_is_called_what_tp_name_says)
{
	struct bench bench;
	raddr_t deque, builtin;

	bench_init(&bench, "3.11.7");
	deque = fake_static_type(&bench.heap, "collections.deque", 0xd8, 0, 0);
	builtin = fake_static_type(&bench.heap, "builtins.cell", 0x20, 0, 0);
	cr_expect_str_eq(name_of(&bench, deque), "collections.deque");
	cr_expect_str_eq(name_of(&bench, builtin), "cell");
	cr_expect_str_eq(name_of(&bench, bench.heap.type_type), "type");
	cr_expect_not(py_types_get(bench.types, deque)->own);
	bench_deinit(&bench);
}

Test(py_type, a_class_is_called_by_its_module_and_name_in_every_build)
{
	for (size_t i = 0; i < fake_build_cnt; i++) {
		const char *version = fake_builds[i].version;
		struct bench bench;

		bench_init(&bench, version);
		cr_expect_str_eq(name_of(&bench, fake_heap_type(&bench.heap, "Message", "mq.core")),
				 "mq.core.Message", "%s", version);
		cr_expect_str_eq(name_of(&bench, fake_heap_type(&bench.heap, "odd", "builtins")),
				 "odd", "%s", version);
		cr_expect_str_eq(name_of(&bench, fake_heap_type(&bench.heap, "Lost", NULL)), "Lost",
				 "%s", version);
		bench_deinit(&bench);
	}
}

Test(py_type, a_class_whose_name_has_dots_keeps_them)
{
	struct bench bench;
	raddr_t made, native;

	bench_init(&bench, "3.12.1");
	made = fake_heap_type(&bench.heap, "a.b.C", "app");
	/* A heap type of an extension: its tp_name holds the module too, ht_name does not. */
	native = fake_heap_type(&bench.heap, "Pattern", NULL);
	fake_put(&bench.heap, native + PYLEAK_TP_NAME, fake_text(&bench.heap, "re.sub.Pattern"));
	cr_expect_str_eq(name_of(&bench, made), "app.a.b.C");
	cr_expect_str_eq(name_of(&bench, native), "re.sub.Pattern");
	bench_deinit(&bench);
}

Test(py_type, a_name_that_tp_name_does_not_confirm_is_not_believed)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench, "3.11.7");
	type = fake_heap_type(&bench.heap, "Session", "web");
	fake_put(&bench.heap, type + 0x350, fake_str(&bench.heap, "elsewhere"));
	cr_expect_str_eq(name_of(&bench, type), "web.Session");
	fake_put(&bench.heap, type + 0x350, 0);
	py_types_forget(bench.types, type);
	cr_expect_str_eq(name_of(&bench, type), "web.Session");
	bench_deinit(&bench);
}

Test(py_type, another_type_at_the_same_address_gives_another_name)
{
	struct bench bench;
	raddr_t type, other;

	bench_init(&bench, "3.13.0");
	type = fake_heap_type(&bench.heap, "First", "app");
	other = fake_heap_type(&bench.heap, "Second", "app");
	cr_expect_str_eq(name_of(&bench, type), "app.First");
	for (size_t at = 0; at < 0x390; at += 8)
		fake_put(&bench.heap, type + at, fake_get(&bench.heap, other + at));
	cr_expect_str_eq(name_of(&bench, type), "app.Second");
	bench_deinit(&bench);
}

/* Class.__name__ = "New": a new ht_name, and tp_name points into it. */
Test(py_type, a_class_that_is_renamed_is_read_anew)
{
	struct bench bench;
	raddr_t type, name;

	bench_init(&bench, "3.8.18");
	type = fake_heap_type(&bench.heap, "Old", "app");
	cr_expect_str_eq(name_of(&bench, type), "app.Old");
	name = fake_str(&bench.heap, "New");
	fake_put(&bench.heap, type + 0x350, name);
	fake_put(&bench.heap, type + PYLEAK_TP_NAME, name + 0x30);
	cr_expect_str_eq(name_of(&bench, type), "app.New");
	bench_deinit(&bench);
}

Test(py_type, a_type_that_cannot_be_read_is_called_by_its_address)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench, "3.11.7");
	cr_expect_str_eq(name_of(&bench, 0x1234), "<type at 0x1234>");
	cr_expect_str_eq(name_of(&bench, UINT64_MAX - 7), "<type at 0xfffffffffffffff8>");
	type = fake_static_type(&bench.heap, "", 16, 0, 0);
	cr_expect_eq(strncmp(name_of(&bench, type), "<type at 0x7f12", 15), 0, "no name at all");
	bench_deinit(&bench);
}

Test(py_type, a_name_without_an_end_is_cut)
{
	struct bench bench;
	raddr_t type;

	bench_init(&bench, "3.11.7");
	type = fake_static_type(&bench.heap, "x", 16, 0, 0);
	fake_put(&bench.heap, type + PYLEAK_TP_NAME, fake_alloc(&bench.heap, 20000));
	for (size_t at = 0; at < 20000; at += 8)
		fake_put(&bench.heap, fake_get(&bench.heap, type + PYLEAK_TP_NAME) + at,
			 0x6161616161616161ULL);
	cr_expect_eq(strlen(name_of(&bench, type)), 10239);
	bench_deinit(&bench);
}

/* sys.modules of the interpreter: a module object has its dict at 0x10. */
static void add_modules(struct bench *bench, const char *const (*modules)[2], size_t cnt)
{
	struct fake_heap *heap = &bench->heap;
	struct fake_pair pairs[8];

	for (size_t i = 0; i < cnt; i++) {
		struct fake_pair file = { fake_str(heap, "__file__"),
					  fake_str(heap, modules[i][1]) };
		raddr_t module = fake_alloc(heap, 0x40);

		fake_put(heap, module + 0x10, fake_dict(heap, &file, 1, true));
		pairs[i] = (struct fake_pair){ fake_str(heap, modules[i][0]), module };
	}
	fake_put(heap, heap->newest + heap->python.layout.interpreter_modules,
		 fake_dict(heap, pairs, cnt, true));
}

Test(py_type, a_class_is_the_programs_own_when_its_file_is)
{
	static const char *const modules[][2] = {
		{ "app", "/srv/shop/app.py" },
		{ "json", "/usr/lib/python3.11/json/__init__.py" },
		{ "flask", "/srv/venv/lib/python3.11/site-packages/flask/__init__.py" },
	};
	struct bench bench;
	struct fake_heap *heap = &bench.heap;

	bench_init(&bench, "3.11.7");
	add_modules(&bench, modules, 3);
	cr_expect(py_types_get(bench.types, fake_heap_type(heap, "Cart", "app"))->own);
	cr_expect(py_types_get(bench.types, fake_heap_type(heap, "Any", "__main__"))->own);
	cr_expect_not(py_types_get(bench.types, fake_heap_type(heap, "Dec", "json"))->own);
	cr_expect_not(py_types_get(bench.types, fake_heap_type(heap, "App", "flask"))->own);
	cr_expect_not(py_types_get(bench.types, fake_heap_type(heap, "No", "nowhere"))->own);
	bench_deinit(&bench);
}

Test(py_type, the_kind_of_a_container_is_inherited)
{
	struct bench bench;
	raddr_t set, bag, list;

	bench_init(&bench, "3.10.13");
	set = fake_static_type(&bench.heap, "set", 200, 0, 0);
	bag = fake_heap_type(&bench.heap, "Bag", "app");
	fake_put(&bench.heap, bag + PYLEAK_TP_BASE, set);
	list = fake_static_type(&bench.heap, "list", 40, 0, PYLEAK_FLAG_LIST_SUBCLASS);
	cr_expect_eq(py_types_get(bench.types, bag)->kind, PYLEAK_KIND_SET);
	cr_expect_eq(py_types_get(bench.types, list)->kind, PYLEAK_KIND_LIST);
	fake_put(&bench.heap, bag + PYLEAK_TP_BASE, bag);
	py_types_forget(bench.types, bag);
	cr_expect_eq(py_types_get(bench.types, bag)->kind, PYLEAK_KIND_PLAIN, "its own base");
	bench_deinit(&bench);
}
