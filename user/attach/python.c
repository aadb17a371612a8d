/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the file that holds CPython among the mapped ones, and tells its version. A symbol
 * decides, not a file name: embedded interpreters have any name. Files are opened through
 * /proc/PID/map_files, which reaches the mapped inode itself. */
#include "attach/python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/py_layout.h"
#include "base/cleanup.h"
#include "base/log.h"

#define MAX_WRITABLE_BYTES (16U << 20)

void python_close(struct python *python)
{
	elf_file_close(python->elf);
	python->elf = NULL;
}

raddr_t python_symbol(const struct python *python, const char *name)
{
	struct elf_symbol symbol;

	return elf_file_symbol(python->elf, name, &symbol) ? 0 : python->bias + symbol.value;
}

/* A segment begins on a page: the mapping and the segment that it shows start at the same one. */
static bool find_bias(struct elf_file *elf, const struct mapping *mapping, uint64_t *bias)
{
	uint64_t address, offset, size;
	bool executable;

	for (size_t i = 0; elf_file_segment(elf, i, &address, &offset, &size, &executable); i++) {
		if (executable && (offset & ~4095ULL) == mapping->offset) {
			*bias = mapping->start - (address & ~4095ULL);
			return true;
		}
	}
	return false;
}

/* 0 = CPython, 1 = PyPy, else -ENOENT or -errno. */
static int try_mapping(const struct target *target, const struct mapping *mapping,
		       struct python *python)
{
	struct elf_symbol symbol;
	int err;

	target_mapping_path(target, mapping, python->open_path, sizeof(python->open_path));
	err = elf_file_open(python->open_path, &python->elf);
	if (err)
		return err == -ENOEXEC ? -ENOENT : err;
	if (!elf_file_symbol(python->elf, "_PyRuntime", &symbol) ||
	    !elf_file_symbol(python->elf, "_PyGC_generation0", &symbol)) {
		snprintf(python->file, sizeof(python->file), "%s", mapping->path);
		if (find_bias(python->elf, mapping, &python->bias))
			return 0;
	}
	err = elf_file_symbol(python->elf, "PyPyUnicode_FromString", &symbol) &&
			      elf_file_symbol(python->elf, "pypy_main_startup", &symbol)
		      ? -ENOENT
		      : 1;
	python_close(python);
	return err;
}

/* Mapping 0 is nearly always the executable: in order, it is tried first. */
static int find_file(const struct target *target, struct python *python)
{
	const struct mappings *maps = &target->maps;
	uint64_t last_inode = 0;
	int found = -ENOENT;

	for (size_t i = 0; i < maps->cnt; i++) {
		const struct mapping *mapping = &maps->items[i];
		int err;

		if (!mapping->executable || !mapping->inode || mapping->inode == last_inode)
			continue;
		last_inode = mapping->inode;
		err = try_mapping(target, mapping, python);
		if (!err)
			return 0;
		if (err == 1 || ((err == -EPERM || err == -EACCES) && found == -ENOENT))
			found = err;
	}
	return found;
}

static bool take_version(struct python *python, int major, int minor, int micro)
{
	if (major < 3 || major > 9 || minor < 0 || minor > 99 || micro < 0 || micro > 255)
		return false;
	python->major = major;
	python->minor = minor;
	python->micro = micro;
	snprintf(python->version, sizeof(python->version), "%d.%d.%d", major, minor, micro);
	return true;
}

static bool take_hex(struct python *python, uint32_t hex)
{
	return take_version(python, (int)(hex >> 24), (int)(hex >> 16 & 0xff),
			    (int)(hex >> 8 & 0xff));
}

/* Py_GetVersion() formats into a static buffer when sys is made: "3.8.18 (default, ...". */
static bool scan_version(struct python *python, const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;

	while ((at = memmem(at, (size_t)(end - at), "3.", 2))) {
		char text[24];
		int minor, micro, used = 0;

		snprintf(text, sizeof(text), "%.*s", (int)(end - at < 23 ? end - at : 23), at);
		if (sscanf(text, "3.%2d.%2d%n", &minor, &micro, &used) == 2 && used &&
		    (!strncmp(text + used, " (", 2) || !strncmp(text + used, "+ (", 3)) &&
		    (at == bytes || !at[-1]))
			return take_version(python, 3, minor, micro);
		at += 2;
	}
	return false;
}

/* The writable data of the file: its own mappings and the anonymous one behind them (.bss). */
static bool find_formatted_version(const struct target *target, struct python *python)
{
	const struct mappings *maps = &target->maps;
	bool inside = false;

	for (size_t i = 0; i < maps->cnt; i++) {
		const struct mapping *mapping = &maps->items[i];
		size_t size = mapping->end - mapping->start;
		_cleanup_free_ char *bytes = NULL;

		if (mapping->inode)
			inside = !strcmp(mapping->path, python->file);
		else if (mapping->path[0])
			inside = false;
		if (!inside || !mapping->writable || size > MAX_WRITABLE_BYTES)
			continue;
		bytes = malloc(size);
		if (bytes && !remote_read(target->remote, mapping->start, bytes, size) &&
		    scan_version(python, bytes, size))
			return true;
	}
	return false;
}

/* -EAGAIN: the runtime is not far enough to tell. -EBADMSG: it says this and that. */
static int find_version(const struct target *target, struct python *python)
{
	raddr_t symbol = python_symbol(python, "Py_Version");
	uint32_t constant = symbol ? remote_word32(target->remote, symbol) : 0, hex;
	bool free_threaded = false;

	if (py_layout_debug_version(target->remote, python->runtime, &hex, &free_threaded)) {
		if (take_hex(python, hex))
			return constant && constant >> 16 != hex >> 16 ? -EBADMSG : 0;
		return -EBADMSG;
	}
	if (constant)
		return take_hex(python, constant) ? 0 : -EBADMSG;
	return find_formatted_version(target, python) ? 0 : -EAGAIN;
}

void python_report_early(const struct target *target)
{
	pr_error("python: process %d: its CPython does not tell its version: it is not initialised "
		 "yet, or is none of 3.%d to 3.%d; try again when the program runs Python",
		 target->pid, PYTHON_OLDEST_MINOR, PYTHON_NEWEST_MINOR);
}

static int report_missing(const struct target *target, int err)
{
	if (err == 1) {
		pr_error("python: process %d runs PyPy, which has no reference counts and no GC "
			 "lists to watch: only CPython 3.%d to 3.%d is supported",
			 target->pid, PYTHON_OLDEST_MINOR, PYTHON_NEWEST_MINOR);
		return -ENOEXEC;
	}
	if (err == -EPERM || err == -EACCES)
		pr_error(
			"python: not permitted to open the files mapped by process %d: run as root "
			"(in a container: with CAP_SYS_PTRACE and CAP_SYS_ADMIN)",
			target->pid);
	else
		pr_error("python: process %d (%s) is not CPython: no mapped file has _PyRuntime; "
			 "name the process that runs the interpreter",
			 target->pid, target->program);
	return err == -ENOENT ? -ENOEXEC : err;
}

/* Until 3.12 such a build has two more words before each object's refcount, and exports what no
 * other does (cpython/object.h). Later the objects are in a table apart. */
static bool has_trace_refs(const struct python *python)
{
	return python->minor <= 12 && python_symbol(python, "_Py_ForgetReference");
}

static int report_unsupported(const struct target *target, const struct python *python, int err)
{
	uint32_t hex;
	bool free_threaded = false;

	py_layout_debug_version(target->remote, python->runtime, &hex, &free_threaded);
	if (free_threaded)
		pr_error("python: process %d runs a free-threaded CPython %s, which has no GC "
			 "lists: "
			 "use a build with the GIL",
			 target->pid, python->version);
	else if (has_trace_refs(python))
		pr_error("python: process %d runs CPython %s built --with-trace-refs (%s), whose "
			 "objects have another layout: use a build without; --with-pydebug is "
			 "supported",
			 target->pid, python->version, python->file);
	else if (err == -EOPNOTSUPP)
		pr_error("python: process %d runs CPython %s (%s): only 3.%d to 3.%d is supported",
			 target->pid, python->version, python->file, PYTHON_OLDEST_MINOR,
			 PYTHON_NEWEST_MINOR);
	else
		pr_error("python: the offsets that CPython %s in process %d (%s) publishes make no "
			 "sense: not a build that is known",
			 python->version, target->pid, python->file);
	return err;
}

int python_find_file(const struct target *target, struct python *out)
{
	struct python python = {};
	int err = find_file(target, &python);

	if (err)
		return err == 1 ? -ENOENT : err;
	*out = python;
	return 0;
}

int python_find(const struct target *target, struct python *out)
{
	struct python python = {};
	int err = find_file(target, &python);

	if (err)
		return report_missing(target, err);
	if (python_symbol(&python, "PyString_FromString")) {
		snprintf(python.version, sizeof(python.version), "2");
		err = report_unsupported(target, &python, -EOPNOTSUPP);
		python_close(&python);
		return err;
	}
	python.runtime = python_symbol(&python, "_PyRuntime");
	err = find_version(target, &python);
	if (!err && (python.major != 3 || has_trace_refs(&python)))
		err = -EOPNOTSUPP;
	if (!err)
		err = py_layout_load(python.minor, python.micro, target->remote, python.runtime,
				     &python.layout);
	if (err) {
		if (err != -EAGAIN)
			report_unsupported(target, &python, err);
		python_close(&python);
		return err;
	}
	*out = python;
	return 0;
}
