/* SPDX-License-Identifier: BSD-2-Clause */
/* For waits on what the kernel shows but does not tell: the state of a thread, say. */
#ifndef PYLEAK_MOMENT_H
#define PYLEAK_MOMENT_H

#include <stdint.h>
#include <sys/types.h>

/* `deadline` begins as 0. After 20 s (live_slowness()) the test fails with `what`. */
void moment_pass(uint64_t *deadline, const char *what);
/* Until a program of one thread that has answered rests in the read of its next command. */
void moment_wait_rest(pid_t pid);

#endif
