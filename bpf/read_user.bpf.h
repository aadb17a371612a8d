/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads of the target's memory, which is hostile: a read either fills the whole buffer or
 * fails. */
#ifndef PYLEAK_READ_USER_BPF_H
#define PYLEAK_READ_USER_BPF_H

static __always_inline bool read_user(void *to, __u32 bytes, __u64 from)
{
	return bpf_probe_read_user(to, bytes, (const void *)from) == 0;
}

static __always_inline __u64 read_word(__u64 from)
{
	__u64 word = 0;

	return read_user(&word, sizeof(word), from) ? word : 0;
}

#endif
