/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether breakpoints are in a process: its code against the files that it is from. */
#ifndef PYLEAK_TEXT_PAGES_H
#define PYLEAK_TEXT_PAGES_H

#include <stddef.h>
#include <sys/types.h>

/* Bytes of mapped code of interpreters ("python" in the name) that differ from the file; `seen`
 * gets how many were compared. */
size_t text_pages_changed(pid_t pid, size_t *seen);
/* The same, once it is 0 or after ten seconds: the kernel takes breakpoints out after the tool was
 * killed. */
size_t text_pages_changed_at_last(pid_t pid, size_t *seen);

#endif
