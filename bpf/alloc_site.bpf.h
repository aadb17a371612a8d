/* SPDX-License-Identifier: GPL-2.0-only */
/* The place that was hit, and what its registers hold. */
#ifndef PYLEAK_ALLOC_SITE_BPF_H
#define PYLEAK_ALLOC_SITE_BPF_H

#if !defined(__bpf__)
static __always_inline __u64 register_at(void *ctx, __u32 at)
{
	return *(__u64 *)((char *)ctx + at);
}
#else
/* A helper that reads it costs 30 ns. The verifier takes loads at constant offsets only; without
 * the assembler, compilers would make one at a variable offset of them. */
#define LOAD(index)                                                                                \
	case 8 * (index):                                                                          \
		__asm__ volatile("%0 = *(u64 *)(%1 + %2)"                                          \
				 : "=r"(value)                                                     \
				 : "r"(ctx), "i"(8 * (index)));                                    \
		break
#define LOAD_5(first)                                                                              \
	LOAD(first);                                                                               \
	LOAD((first) + 1);                                                                         \
	LOAD((first) + 2);                                                                         \
	LOAD((first) + 3);                                                                         \
	LOAD((first) + 4)

static __always_inline __u64 register_at(void *ctx, __u32 at)
{
	__u64 value = 0;

	switch (at) {
		LOAD_5(0);
		LOAD_5(5);
		LOAD_5(10);
#if defined(__TARGET_ARCH_arm64)
		LOAD_5(15);
		LOAD_5(20);
		LOAD_5(25);
		LOAD(30);
#else
		LOAD(19); /* rsp */
#endif
	}
	return value;
}
#endif

static __always_inline struct pyleak_alloc_site *site_of(__u64 index)
{
	return &sites[index & (PYLEAK_ALLOC_MAX_SITES - 1)];
}

static __always_inline __u64 count_address(void *ctx, const struct pyleak_alloc_site *site)
{
	__u64 address = site->count_offset;

	if (site->count_at != PYLEAK_NO_REGISTER)
		address += register_at(ctx, site->count_at);
	return address;
}

/* 0: not known at this place. */
static __always_inline __u64 object_of(void *ctx, const struct pyleak_alloc_site *site)
{
	__u64 object;

	if (site->object_at == PYLEAK_NO_REGISTER)
		return 0;
	object = register_at(ctx, site->object_at) + site->object_bias;
	if (site->object_index_at != PYLEAK_NO_REGISTER)
		object += register_at(ctx, site->object_index_at);
	return object;
}

#endif
