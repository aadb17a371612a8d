/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs as files: how they come into being and what is said when one cannot. The bytes are
 * graph_encode.c's and graph_decode.c's business. */
#include "snapshot/graph_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "snapshot/graph_format.h"

#define MIB (1024.0 * 1024.0)

static void say_cannot_save(const char *path, int err)
{
	const char *what_to_do = "name another file";

	if (err == -ENOSPC || err == -EDQUOT)
		what_to_do = "free some, or name a file elsewhere";
	else if (err == -ENOENT)
		what_to_do = "make the folder first, or name a file elsewhere";
	pr_error("snapshot: cannot save to %s: %s; %s", path, strerror(-err), what_to_do);
}

/* Who may write to the folder could have put something there for root to follow or to replace: a
 * link to another file, or a device. */
static int check_destination(const char *path)
{
	struct stat seen;

	if (lstat(path, &seen))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(seen.st_mode))
		return 0;
	pr_error("snapshot: cannot save to %s: it exists and is no regular file; name another",
		 path);
	return -EEXIST;
}

static int write_beside(const struct heap_graph *graph, const char *path, char *beside)
{
	_cleanup_close_ int fd = mkostemp(beside, O_CLOEXEC); /* O_EXCL, 0600 */
	int err;

	if (fd < 0)
		return -errno;
	err = graph_encode(graph, fd);
	if (!err && fsync(fd))
		err = -errno;
	/* Some file systems tell of a full disk only now. */
	if (close(take_fd(&fd)) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}

int graph_save(const struct heap_graph *graph, const char *path)
{
	_cleanup_free_ char *beside = NULL;
	int err;

	if (!graph_is_sound(graph)) {
		pr_error("snapshot: cannot save to %s: what was found contradicts itself; please "
			 "report this as a bug",
			 path);
		return -EINVAL;
	}
	err = check_destination(path);
	if (err == -EEXIST)
		return err;
	if (!err && asprintf(&beside, "%s.XXXXXX", path) < 0) {
		beside = NULL;
		err = -ENOMEM;
	}
	if (!err)
		err = write_beside(graph, path, beside);
	if (err)
		say_cannot_save(path, err);
	return err;
}

static void say_cannot_load(const char *path, int err, uint64_t max_bytes,
			    const struct graph_fault *fault)
{
	if (err == -EBADMSG)
		pr_error("snapshot: %s is damaged at byte %" PRIu64 ": %s; copy or save it again",
			 path, fault->at, fault->what);
	else if (err == -EPROTONOSUPPORT && fault->version)
		pr_error("snapshot: cannot read %s: made by a newer version (format %" PRIu32
			 ", this reads up to %u); update pyleak-bpf",
			 path, fault->version, SNAPSHOT_VERSION);
	else if (err == -EPROTONOSUPPORT)
		pr_error("snapshot: %s is not a snapshot of pyleak-bpf; name a file that it saved",
			 path);
	else if (err == -E2BIG)
		pr_error("snapshot: %s is too large: it needs %.1f MiB of memory, --max-memory "
			 "allows %.1f MiB; raise it",
			 path, (double)fault->needed / MIB, (double)max_bytes / MIB);
	else
		pr_error("snapshot: cannot read %s: %s; %s", path, strerror(-err),
			 err == -ENOMEM ? "free some" : "name a file that can be read");
}

/* A regular file: its size bounds what is believed of it. O_NONBLOCK: a pipe must not stop us. */
static int open_source(const char *path, struct graph_source *out)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat seen;

	if (fd < 0 || fstat(fd, &seen))
		return -errno;
	if (!S_ISREG(seen.st_mode))
		return -EPROTONOSUPPORT;
	*out = (struct graph_source){ .fd = take_fd(&fd), .size = (uint64_t)seen.st_size };
	return 0;
}

int graph_load(const char *path, uint64_t max_bytes, struct heap_graph **out)
{
	struct graph_source source = { .fd = -1 };
	struct graph_fault fault = {};
	int err = open_source(path, &source);

	if (!err)
		err = graph_decode(&source, max_bytes, out, &fault);
	if (source.fd >= 0)
		close(source.fd);
	if (err)
		say_cannot_load(path, err, max_bytes, &fault);
	return err;
}

int graph_parse(const void *bytes, size_t size, uint64_t max_bytes, struct heap_graph **out)
{
	struct graph_source source = { .fd = -1, .bytes = bytes, .size = size };
	struct graph_fault fault;

	return graph_decode(&source, max_bytes, out, &fault);
}
