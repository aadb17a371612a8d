/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets are from tables, or from the target. Each is tried on what cannot look otherwise where it
 * is right: the chain of interpreters ends at the first one, a thread points back to its
 * interpreter, `type` is its own type, and ModuleSpec of the frozen importlib, which every CPython
 * has made before it runs a program, has a name, a module and code that are known. */
#include "collect/py_check.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/types.h>

#include "base/log.h"
#include "collect/py_check_code.h"
#include "collect/py_check_collector.h"
#include "collect/py_check_frame.h"
#include "collect/py_frame.h"
#include "collect/py_object.h"
#include "pyleak_wire.h"
#include "pyleak_object.h"

#define MAX_INTERPRETERS 4096
#define TRIES 200 /* in 1 s, or in 7 where chains do not end */
#define STEP_MS 5

#define OB_TYPE 0x8
#define TSTATE_PREV 0x0 /* pystate.h, all versions */
#define TSTATE_INTERPRETER 0x10
#define MODULE_DICT 0x10
#define HT_QUALNAME_FROM_NAME 0x10 /* PyHeapTypeObject, all versions */
#define MEMBER_BYTES 0x28	   /* sizeof(PyMemberDef): the item of a type */
#define FLAG_TYPE_SUBCLASS (1U << 31)

struct check {
	const struct python *python;
	const struct py_layout *layout;
	struct py_reader reader;
	raddr_t main; /* the interpreter that was first */
	raddr_t newest;
	struct gc_lists *lists;
};

static uint64_t word(const struct check *check, raddr_t at)
{
	return remote_word(check->reader.remote, at);
}

bool py_check_is_called(const struct py_reader *reader, raddr_t object, const char *type_name)
{
	raddr_t type = object ? remote_word(reader->remote, object + OB_TYPE) : 0;
	raddr_t name = type ? remote_word(reader->remote, type + PYLEAK_TP_NAME) : 0;
	char text[32];

	return name && remote_string(reader->remote, name, text, sizeof(text)) > 0 &&
	       !strcmp(text, type_name);
}

/* `struct pyinterpreters`: main follows head; new ones come before it. */
static bool check_interpreters(struct check *check)
{
	raddr_t at = check->newest, last = 0;

	check->main = at;
	if (check->python->minor == 6)
		return at != 0;
	check->main = word(check, check->python->runtime + check->layout->interpreters_head + 8);
	for (int i = 0; at && i < MAX_INTERPRETERS; i++) {
		last = at;
		at = word(check, at + check->layout->interpreter_next);
	}
	return !at && last && last == check->main;
}

static bool is_thread_of(const struct check *check, raddr_t tstate, raddr_t interpreter)
{
	return tstate && word(check, tstate + TSTATE_INTERPRETER) == interpreter;
}

static bool check_threads(struct check *check)
{
	raddr_t first = word(check, check->main + check->layout->interpreter_threads);

	return is_thread_of(check, first, check->main) && !word(check, first + TSTATE_PREV);
}

/* A pthread_t of glibc and of musl on x86-64 is the address of a block that begins with it; one of
 * a thread that has ended is nowhere. */
static bool check_thread_ids(struct check *check)
{
	raddr_t tstate = word(check, check->main + check->layout->interpreter_threads);

	for (int i = 0; tstate && i < MAX_INTERPRETERS; i++) {
		raddr_t id = word(check, tstate + check->layout->tstate_thread_id), self = 0;

		if (id % 16 == 0 && id >= 4096 &&
		    !remote_read(check->reader.remote, id, &self, sizeof(self))) {
#if defined(__x86_64__)
			if (self == id)
#endif
				return true;
		}
		tstate = word(check, tstate + TSTATE_NEXT);
	}
	return false;
}

/* `struct _gilstate_runtime_state`: the first interpreter follows, up to 3.8 after a function. */
static bool check_current(struct check *check)
{
	raddr_t at = check->python->runtime + check->layout->tstate_current;
	raddr_t tstate = word(check, at);

	if (!check->layout->tstate_current)
		return check->python->minor < 7 || check->python->minor > 11;
	return word(check, at + (check->python->minor <= 8 ? 16 : 8)) == check->main &&
	       (!tstate || word(check, tstate + TSTATE_INTERPRETER) != 0);
}

/* `struct _gil_runtime_state`: interval in us, the last holder, locked or not, or not yet made. */
static bool check_gil(struct check *check)
{
	raddr_t gil = word(check, check->main + check->layout->interpreter_gil);
	uint64_t words[3];

	if (check->python->minor < 12)
		return true;
	if (!check->layout->interpreter_gil || !gil ||
	    remote_read(check->reader.remote, gil, words, sizeof(words)))
		return false;
	return words[0] && words[0] < 1ULL << 40 && (int32_t)words[2] >= -1 &&
	       (int32_t)words[2] <= 1 &&
	       (!words[1] || word(check, words[1] + TSTATE_INTERPRETER) != 0);
}

static bool check_type_type(struct check *check)
{
	raddr_t type = python_symbol(check->python, "PyType_Type");
	uint64_t basic = word(check, type + PYLEAK_TP_BASICSIZE);
	raddr_t base = word(check, type + PYLEAK_TP_BASE);
	uint64_t flags = word(check, type + PYLEAK_TP_FLAGS);
	char name[16];

	if (!type) /* not exported by every build */
		return true;
	return word(check, type + OB_TYPE) == type &&
	       py_check_is_called(&check->reader, type, "type") &&
	       remote_string(check->reader.remote, word(check, base + PYLEAK_TP_NAME), name,
			     sizeof(name)) > 0 &&
	       !strcmp(name, "object") && word(check, type + PYLEAK_TP_ITEMSIZE) == MEMBER_BYTES &&
	       basic > check->layout->ht_name && basic < check->layout->ht_name + 0x100U &&
	       (flags & FLAG_TYPE_SUBCLASS) && !(flags & PYLEAK_FLAG_LIST_SUBCLASS) &&
	       !(flags & PYLEAK_FLAG_DICT_SUBCLASS);
}

static bool reads(const struct check *check, raddr_t str, const char *expected)
{
	char text[64];

	return !py_str_read(&check->reader, str, text, sizeof(text)) && !strcmp(text, expected);
}

static raddr_t modules_of(const struct check *check)
{
	return word(check, check->main + check->layout->interpreter_modules);
}

static bool check_modules(struct check *check)
{
	static const char *const names[] = { "sys", "builtins", "__main__" };
	raddr_t modules = modules_of(check);

	for (size_t i = 0; modules && i < sizeof(names) / sizeof(names[0]); i++) {
		raddr_t module = py_dict_get(&check->reader, modules, names[i]);

		if (module && py_check_is_called(&check->reader, module, "module"))
			return true;
	}
	return false;
}

/* A class with a name, a qualified one, and a module. 0: the program has taken it away. */
static raddr_t find_module_spec(const struct check *check)
{
	raddr_t module = py_dict_get(&check->reader, modules_of(check), "_frozen_importlib");
	raddr_t dict = module ? word(check, module + MODULE_DICT) : 0;

	return dict ? py_dict_get(&check->reader, dict, "ModuleSpec") : 0;
}

static bool check_class(struct check *check)
{
	raddr_t spec = find_module_spec(check);
	raddr_t name = spec + check->layout->ht_name;
	raddr_t dict;

	if (!spec)
		return true;
	dict = word(check, spec + PYLEAK_TP_DICT);
	return (word(check, spec + PYLEAK_TP_FLAGS) & PYLEAK_FLAG_HEAPTYPE) &&
	       reads(check, word(check, name), "ModuleSpec") &&
	       reads(check, word(check, name + HT_QUALNAME_FROM_NAME), "ModuleSpec") && dict &&
	       reads(check, py_dict_get(&check->reader, dict, "__module__"), "_frozen_importlib");
}

static bool check_code(struct check *check)
{
	raddr_t spec = find_module_spec(check);
	raddr_t dict = spec ? word(check, spec + PYLEAK_TP_DICT) : 0;
	raddr_t init = dict ? py_dict_get(&check->reader, dict, "__init__") : 0;

	return !init || !py_check_is_called(&check->reader, init, "function") ||
	       py_check_code(&check->reader, &check->python->layout.frames, init);
}

static bool check_frame(struct check *check)
{
	return py_check_frame_table(check->python->minor) &&
	       py_check_frames(&check->reader,
			       word(check, check->main + check->layout->interpreter_threads));
}

static bool check_collectors(struct check *check)
{
	return py_check_collectors(check->python, check->reader.remote, check->lists);
}

static const struct {
	bool (*is_right)(struct check *check);
	const char *words;
} checks[] = {
	{ check_interpreters, "its interpreters" },
	{ check_threads, "its threads" },
	{ check_thread_ids, "the identities of its threads" },
	{ check_current, "the thread that runs" },
	{ check_gil, "the GIL" },
	{ check_collectors, "what lies beside its GC lists" },
	{ check_type_type, "what a type is" },
	{ check_modules, "sys.modules, or the text of a str" },
	{ check_class, "the name of a class" },
	{ check_code, "code objects and functions" },
	{ check_frame, "the frames of its threads" },
};

/* NULL: nothing. A stripped 3.6 has no symbol that leads to its interpreters: nobody uses what is
 * in them then, and there is nothing to try it on. */
static const char *what_is_wrong(struct check *check)
{
	if (check->python->minor == 6 && !check->newest)
		return NULL;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!checks[i].is_right(check))
			return checks[i].words;
	}
	return NULL;
}

int py_check(const struct python *python, pid_t pid, struct remote *remote, struct gc_lists *lists)
{
	static const struct timespec wait = { .tv_nsec = STEP_MS * 1000000L };
	struct check check = {
		.python = python,
		.layout = &python->layout,
		.newest = lists->newest_interpreter,
		.lists = lists,
	};
	const char *wrong;

	py_reader_init(python, remote, &check.reader);
	/* It runs meanwhile, and may just be starting. */
	wrong = what_is_wrong(&check);
	for (int i = 0; wrong && i < TRIES; i++) {
		nanosleep(&wait, NULL);
		wrong = what_is_wrong(&check);
	}
	if (!wrong)
		return 0;
	pr_error("attach: CPython %s in process %d (%s) does not keep %s where that version does: "
		 "not "
		 "a build that is known, or not initialised yet",
		 python->version, pid, python->file, wrong);
	return -EBADMSG;
}
