/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of JSON objects, from values that may be anything. All return 0 or -1 (no memory). */
#ifndef PYLEAK_JSON_UTIL_H
#define PYLEAK_JSON_UTIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A longer string of the target is cut; "..." marks it. */
#define JSON_STRING_MAX 4096

/* NULL becomes null; invalid UTF-8 becomes U+FFFD. */
int json_put_string(json_t *object, const char *key, const char *raw);
/* Values over 2^63-1 become 2^63-1. */
int json_put_u64(json_t *object, const char *key, uint64_t n);
int json_put_i64(json_t *object, const char *key, int64_t n);
/* What is not finite becomes null. */
int json_put_real(json_t *object, const char *key, double n);
int json_put_bool(json_t *object, const char *key, bool b);
/* "0x7f12ab34cd00"; 0 becomes null. */
int json_put_address(json_t *object, const char *key, uint64_t address);
int json_put_u64s(json_t *object, const char *key, const uint64_t *n, size_t cnt);
/* The string as a JSON value; NULL: no memory. */
json_t *json_safe_string(const char *raw);

#endif
