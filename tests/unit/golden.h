/* SPDX-License-Identifier: BSD-2-Clause */
/* Output byte for byte against tests/golden. */
#ifndef PYLEAK_TESTS_GOLDEN_H
#define PYLEAK_TESTS_GOLDEN_H

/* GOLDEN_UPDATE=1 rewrites the file, and the test fails in that run so that nobody takes it for
 * a check. */
void golden_assert(const char *name, const char *got);

#endif
