/* SPDX-License-Identifier: BSD-2-Clause */
/* arm64 code that counts allocations and frees, as compilers write it, and code that only looks so.
 * The count is at 0x1d1c of the interpreter and the threshold before it, as in CPython 3.14. */
#ifndef PYLEAK_TEST_ARM64_CODE_H
#define PYLEAK_TEST_ARM64_CODE_H

#include <stdint.h>

static const uint32_t gcc_pair[] = {
	0xd2839e01, /* mov x1, #0x1cf0 */
	0x8b010058, /* add x24, x2, x1 */
	0x29450703, /* ldp w3, w1, [x24, #40] */
	0x3c9f0260, /* stur q0, [x19, #-16] */
	0x11000421, /* add w1, w1, #0x1 */
	0xb9002f01, /* str w1, [x24, #44] */
	0x6b03003f, /* cmp w1, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t gcc_direct[] = {
	0xd1004099, /* sub x25, x4, #0x10 */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0x3d8000bf, /* str q31, [x5] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb95d1845, /* ldr w5, [x2, #7448] */
	0x3c9f009f, /* stur q31, [x4, #-16] */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b05001f, /* cmp w0, w5 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t gcc_shifted[] = {
	0x91400441, /* add x1, x2, #0x1, lsl #12 */
	0xa93f7ebf, /* stp xzr, xzr, [x21, #-16] */
	0xb94d1c20, /* ldr w0, [x1, #3356] */
	0xb94d1823, /* ldr w3, [x1, #3352] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb90d1c20, /* str w0, [x1, #3356] */
	0x6b00007f, /* cmp w3, w0 */
	0x5400000b, /* b.lt . */
	0xd65f03c0, /* ret */
};

static const uint32_t indexed[] = {
	0x5283a383, /* mov w3, #0x1d1c */
	0x5283a304, /* mov w4, #0x1d18 */
	0xb8646805, /* ldr w5, [x0, x4] */
	0xb8636801, /* ldr w1, [x0, x3] */
	0x3c9f0260, /* stur q0, [x19, #-16] */
	0x11000421, /* add w1, w1, #0x1 */
	0xb8236801, /* str w1, [x0, x3] */
	0x6b05003f, /* cmp w1, w5 */
	0x5400000d, /* b.le . */
	0xd65f03c0, /* ret */
};

static const uint32_t post_index[] = {
	0xa8817e9f, /* stp xzr, xzr, [x20], #16 */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t head_copied[] = {
	0xaa0003f3, /* mov x19, x0 */
	0xa9007c1f, /* stp xzr, xzr, [x0] */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t two_words[] = {
	0xf81f027f, /* stur xzr, [x19, #-16] */
	0xf81f827f, /* stur xzr, [x19, #-8] */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t zeroed_behind[] = {
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xa93f7edf, /* stp xzr, xzr, [x22, #-16] */
	0xd65f03c0, /* ret */
};

static const uint32_t over_jumps[] = {
	0x3c9f0260, /* stur q0, [x19, #-16] */
	0x9133c005, /* add x5, x0, #0xcf0 */
	0x14000007, /* b .+28 */
	0xd65f03c0, /* ret */
	0x11000421, /* add w1, w1, #0x1 */
	0xb9002ca1, /* str w1, [x5, #44] */
	0x6b03003f, /* cmp w1, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
	0x914004a5, /* add x5, x5, #0x1, lsl #12 */
	0x294504a3, /* ldp w3, w1, [x5, #40] */
	0x17fffff9, /* b .-28 */
};

static const uint32_t call_between[] = {
	0xa93f7c1f, /* stp xzr, xzr, [x0, #-16] */
	0xaa0003f3, /* mov x19, x0 */
	0x94000000, /* bl . */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t tracked[] = {
	0xd1004305, /* sub x5, x24, #0x10 */
	0xa93f0b00, /* stp x0, x2, [x24, #-16] */
	0xb95d1cc4, /* ldr w4, [x6, #7452] */
	0xb95d18c3, /* ldr w3, [x6, #7448] */
	0x11000480, /* add w0, w4, #0x1 */
	0xf90e88c5, /* str x5, [x6, #7440] */
	0xb91d1cc0, /* str w0, [x6, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t stored_twice[] = {
	0xb95d1ca3, /* ldr w3, [x5, #7452] */
	0x7100007f, /* cmp w3, #0x0 */
	0x5400000d, /* b.le . */
	0x51000463, /* sub w3, w3, #0x1 */
	0xb91d1ca3, /* str w3, [x5, #7452] */
	0xb95d18ac, /* ldr w12, [x5, #7448] */
	0x11000463, /* add w3, w3, #0x1 */
	0xa93f0445, /* stp x5, x1, [x2, #-16] */
	0xb91d1ca3, /* str w3, [x5, #7452] */
	0x6b0c007f, /* cmp w3, w12 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

/* The object is in x2 until the count is loaded into it. With the last word, those that come by a
 * branch do not pass there. */
static const uint32_t overwritten[] = {
	0xa93f7c5f, /* stp xzr, xzr, [x2, #-16] */
	0xb95d1824, /* ldr w4, [x1, #7448] */
	0xb95d1c22, /* ldr w2, [x1, #7452] */
	0x11000440, /* add w0, w2, #0x1 */
	0xb91d1c20, /* str w0, [x1, #7452] */
	0x6b04001f, /* cmp w0, w4 */
	0x5400000d, /* b.le . */
	0xd65f03c0, /* ret */
	0x17fffffb, /* b to the addition */
};

static const uint32_t object_clobbered[] = {
	0xa93f7c5f, /* stp xzr, xzr, [x2, #-16] */
	0x94000000, /* bl . */
	0xb95d1a64, /* ldr w4, [x19, #7448] */
	0xb95d1e60, /* ldr w0, [x19, #7452] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1e60, /* str w0, [x19, #7452] */
	0x6b04001f, /* cmp w0, w4 */
	0x5400000d, /* b.le . */
	0xd65f03c0, /* ret */
};

static const uint32_t gcc_free[] = {
	0xf85f0263, /* ldur x3, [x19, #-16] */
	0x91400442, /* add x2, x2, #0x1, lsl #12 */
	0xb94d1c43, /* ldr w3, [x2, #3356] */
	0x7100007f, /* cmp w3, #0x0 */
	0x5400006d, /* b.le .+12 */
	0x51000463, /* sub w3, w3, #0x1 */
	0xb90d1c43, /* str w3, [x2, #3356] */
	0xcb000260, /* sub x0, x19, x0 */
	0xd65f03c0, /* ret */
};

static const uint32_t out_of_line_free[] = {
	0xb95d1c43, /* ldr w3, [x2, #7452] */
	0x7100007f, /* cmp w3, #0x0 */
	0x5400006c, /* b.gt .+12 */
	0xcb150280, /* sub x0, x20, x21 */
	0xd65f03c0, /* ret */
	0x51000463, /* sub w3, w3, #0x1 */
	0xb91d1c43, /* str w3, [x2, #7452] */
	0x17fffffc, /* b .-16 */
};

static const uint32_t clang_free[] = {
	0xa93f7e9f, /* stp xzr, xzr, [x20, #-16] */
	0xb95d1d28, /* ldr w8, [x9, #7452] */
	0x71000508, /* subs w8, w8, #0x1 */
	0x5400004b, /* b.lt .+8 */
	0xb91d1d28, /* str w8, [x9, #7452] */
	0xd65f03c0, /* ret */
};

static const uint32_t cut_at_pointer[] = {
	0xb95d1c01, /* ldr w1, [x0, #7452] */
	0xf9400662, /* ldr x2, [x19, #8] */
	0x92400042, /* and x2, x2, #0x1 */
	0xa9000a7f, /* stp xzr, x2, [x19] */
	0x7100003f, /* cmp w1, #0x0 */
	0x5400006d, /* b.le .+12 */
	0x51000421, /* sub w1, w1, #0x1 */
	0xb91d1c01, /* str w1, [x0, #7452] */
	0xd65f03c0, /* ret */
};

static const uint32_t late_guard[] = {
	0xa97f1002, /* ldp x2, x4, [x0, #-16] */
	0xb95d1c22, /* ldr w2, [x1, #7452] */
	0xf94eec20, /* ldr x0, [x1, #7640] */
	0x7100005f, /* cmp w2, #0x0 */
	0x5400006d, /* b.le .+12 */
	0x51000442, /* sub w2, w2, #0x1 */
	0xb91d1c22, /* str w2, [x1, #7452] */
	0xd65f03c0, /* ret */
};

static const uint32_t freeing[] = {
	0xaa0003f3, /* mov x19, x0 */
	0x94000000, /* bl . */
	0xb95d1c01, /* ldr w1, [x0, #7452] */
	0x7100003f, /* cmp w1, #0x0 */
	0x5400006d, /* b.le .+12 */
	0x51000421, /* sub w1, w1, #0x1 */
	0xb91d1c01, /* str w1, [x0, #7452] */
	0xd65f03c0, /* ret */
};

static const uint32_t other_structure[] = {
	0xb9402e81, /* ldr w1, [x20, #44] */
	0x11000420, /* add w0, w1, #0x1 */
	0xb9402a82, /* ldr w2, [x20, #40] */
	0x6b00005f, /* cmp w2, w0 */
	0x5400000d, /* b.le . */
	0xb9002e80, /* str w0, [x20, #44] */
	0x3100043f, /* cmn w1, #0x1 */
	0x54000000, /* b.eq . */
	0xd65f03c0, /* ret */
};

static const uint32_t on_the_stack[] = {
	0xb95d1fe0, /* ldr w0, [sp, #7452] */
	0xb95d1be3, /* ldr w3, [sp, #7448] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1fe0, /* str w0, [sp, #7452] */
	0x6b03001f, /* cmp w0, w3 */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t reset[] = {
	0xb91d1c5f, /* str wzr, [x2, #7452] */
	0x52800020, /* mov w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0xd65f03c0, /* ret */
};

static const uint32_t only_a_test[] = {
	0xb95d1c01, /* ldr w1, [x0, #7452] */
	0x7100003f, /* cmp w1, #0x0 */
	0x5400004d, /* b.le .+8 */
	0x52800002, /* mov w2, #0x0 */
	0xd65f03c0, /* ret */
};

static const uint32_t get_count[] = {
	0xb95d1c61, /* ldr w1, [x3, #7452] */
	0xb95d3462, /* ldr w2, [x3, #7476] */
	0x14000000, /* b . */
};

static const uint32_t search_engine[] = {
	0xb9400861, /* ldr w1, [x3, #8] */
	0x11000421, /* add w1, w1, #0x1 */
	0xb95d1802, /* ldr w2, [x0, #7448] */
	0xb91d1c01, /* str w1, [x0, #7452] */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t some_counter[] = {
	0xb95d1c01, /* ldr w1, [x0, #7452] */
	0x11000421, /* add w1, w1, #0x1 */
	0xb91d1c01, /* str w1, [x0, #7452] */
	0x5400000c, /* b.gt . */
	0xd65f03c0, /* ret */
};

static const uint32_t nowhere_to_probe[] = {
	0xb95d1843, /* ldr w3, [x2, #7448] */
	0xb95d1c40, /* ldr w0, [x2, #7452] */
	0x11000400, /* add w0, w0, #0x1 */
	0xb91d1c40, /* str w0, [x2, #7452] */
	0xd65f0bff, /* retaa */
};

static const uint32_t old_new[] = {
	0xaa0003f3, /* mov x19, x0 */
	0x92800061, /* mov x1, #0xfffffffffffffffc */
	0x90000003, /* adrp x3, . */
	0x911f8063, /* add x3, x3, #0x7e0 */
	0x29430865, /* ldp w5, w2, [x3, #24] */
	0xf9000801, /* str x1, [x0, #16] */
	0x11000442, /* add w2, w2, #0x1 */
	0xb9001c62, /* str w2, [x3, #28] */
	0x6b05005f, /* cmp w2, w5 */
	0x5400000d, /* b.le . */
	0xd65f03c0, /* ret */
};

#endif
