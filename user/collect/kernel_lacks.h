/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_KERNEL_LACKS_H
#define PYLEAK_KERNEL_LACKS_H

/* What this kernel lacks that our BPF programs cannot do without, "has no ..." or "is ..."; NULL:
 * nothing. Found by trying, since distributions backport. To be asked when they did not load: what
 * we are not allowed to try counts as there. */
const char *kernel_lacks(void);

#endif
