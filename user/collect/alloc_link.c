/* SPDX-License-Identifier: BSD-2-Clause */
/* A link over many places is made by the bare system call: libbpf 1.1 has no function for it, the
 * headers of Linux 6.1 no fields. The kernel asks for a process by number, keeps it, and takes the
 * breakpoints of others that map the file for its own: none is put in. */
#include "collect/alloc_link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

struct alloc_link {
	int fd; /* of the one link, or -1 */
	size_t cnt;
	struct bpf_link *links[];
};

/* union bpf_attr, BPF_LINK_CREATE with uprobe_multi (linux/bpf.h, 6.6). */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid;
	uint32_t rest; /* to 64 bytes, with what newer kernels may ask for */
};

_Static_assert(sizeof(struct multi_attr) == 64, "no holes");

static int create_multi(struct multi_attr *attr)
{
	attr->attach_type = ALLOC_LINK_MULTI;
	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));
}

/* As libbpf asks: a link on a directory is refused for what it is (EBADF) only where there are such
 * links at all, and an impossible process before that (EINVAL) only where processes are told from
 * threads. */
bool alloc_link_can_multi(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)ALLOC_LINK_MULTI);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", program,
					       ARRAY_SIZE(program), &opts);
	_cleanup_close_ int plain = -1, nobody = -1;
	const uint64_t offset = 0;
	struct multi_attr attr = { .prog_fd = (uint32_t)fd,
				   .path = (uintptr_t) "/",
				   .offsets = (uintptr_t)&offset,
				   .cnt = 1 };

	if (fd < 0)
		return false;
	plain = create_multi(&attr);
	if (plain >= 0 || errno != EBADF)
		return false;
	attr.pid = UINT32_MAX;
	nobody = create_multi(&attr);
	return nobody < 0 && errno == EINVAL;
}

static int open_multi(struct alloc_link *link, const struct alloc_link_options *options)
{
	_cleanup_free_ uint64_t *cookies = calloc(options->cnt, sizeof(*cookies));
	struct multi_attr attr = { .prog_fd = (uint32_t)bpf_program__fd(options->program),
				   .path = (uintptr_t)options->path,
				   .offsets = (uintptr_t)options->offsets,
				   .ref_ctr_offsets = (uintptr_t)options->semaphores,
				   .cookies = (uintptr_t)cookies,
				   .cnt = (uint32_t)options->cnt,
				   .pid = (uint32_t)options->pid };

	if (!cookies)
		return -ENOMEM;
	for (size_t i = 0; i < options->cnt; i++)
		cookies[i] = i;
	link->fd = create_multi(&attr);
	if (link->fd >= 0)
		return 0;
	if (errno == ESRCH)
		return -ESRCH; /* it has ended, which whoever watches it will see */
	pr_error("allocation probes: cannot put %zu into %s of process %d: %s", options->cnt,
		 options->path, options->pid, strerror(errno));
	return -errno;
}

static int open_events(struct alloc_link *link, const struct alloc_link_options *options)
{
	for (size_t i = 0; i < options->cnt; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = i);

		if (options->semaphores)
			opts.ref_ctr_offset = options->semaphores[i];
		link->links[i] = bpf_program__attach_uprobe_opts(
			options->program, options->pid, options->path, options->offsets[i], &opts);
		if (!link->links[i]) {
			int err = -errno;

			pr_error("allocation probes: cannot put one at offset %#llx of %s of "
				 "process %d: %s",
				 (unsigned long long)options->offsets[i], options->path,
				 options->pid, strerror(-err));
			return err;
		}
		link->cnt++;
	}
	return 0;
}

int alloc_link_open(const struct alloc_link_options *options, struct alloc_link **out)
{
	struct alloc_link *link =
		calloc(1, sizeof(*link) + options->cnt * sizeof(struct bpf_link *));
	int err;

	if (!link)
		return -ENOMEM;
	link->fd = -1;
	err = options->multi ? open_multi(link, options) : open_events(link, options);
	if (err) {
		alloc_link_close(link);
		return err;
	}
	*out = link;
	return 0;
}

/* A perf event's breakpoint goes with the last of its descriptors, and each waits for the kernel's
 * grace period. */
void alloc_link_close(struct alloc_link *link)
{
	if (!link)
		return;
	while (link->cnt)
		bpf_link__destroy(link->links[--link->cnt]);
	if (link->fd >= 0)
		close(link->fd);
	free(link);
}
