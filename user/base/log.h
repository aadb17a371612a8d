/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_LOG_H
#define PYLEAK_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Where messages go. The line has no newline. Tests replace it to assert messages. */
typedef void (*log_sink)(enum log_level level, const char *line);

/* Messages above `level` are dropped. The default is LOG_INFO. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* NULL restores the default sink (stderr, "pyleak-bpf: line"). */
void log_set_sink(log_sink sink);
/* Keeps errno. Lines over 1000 bytes are cut. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define pr_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define pr_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define pr_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
