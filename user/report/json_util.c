/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of JSON objects. jansson refuses what is not UTF-8 and what is not finite by returning
 * NULL, and would leave the key out: both are replaced here first, so that every key is always
 * there.
 */
#include "report/json_util.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/utf8.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
static const char cut_mark[] = "...";

json_t *json_safe_string(const char *raw)
{
	char safe[JSON_STRING_MAX + 8];
	size_t used = 0;

	if (!raw)
		return json_null();
	while (*raw) {
		uint32_t cp;
		size_t raw_bytes = utf8_decode(raw, &cp), bytes = raw_bytes;
		const char *piece = raw;

		if (cp == UTF8_INVALID) {
			piece = replacement;
			bytes = sizeof(replacement) - 1;
		}
		if (used + bytes > JSON_STRING_MAX - (sizeof(cut_mark) - 1)) {
			memcpy(safe + used, cut_mark, sizeof(cut_mark) - 1);
			used += sizeof(cut_mark) - 1;
			break;
		}
		memcpy(safe + used, piece, bytes);
		used += bytes;
		raw += raw_bytes;
	}
	return json_stringn_nocheck(safe, used);
}

int json_put_string(json_t *object, const char *key, const char *raw)
{
	return json_object_set_new_nocheck(object, key, json_safe_string(raw));
}

int json_put_u64(json_t *object, const char *key, uint64_t n)
{
	return json_put_i64(object, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

int json_put_i64(json_t *object, const char *key, int64_t n)
{
	return json_object_set_new_nocheck(object, key, json_integer(n));
}

int json_put_real(json_t *object, const char *key, double n)
{
	return json_object_set_new_nocheck(object, key, isfinite(n) ? json_real(n) : json_null());
}

int json_put_bool(json_t *object, const char *key, bool b)
{
	return json_object_set_new_nocheck(object, key, json_boolean(b));
}

int json_put_address(json_t *object, const char *key, uint64_t address)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, address);
	return json_put_string(object, key, address ? hex : NULL);
}

int json_put_u64s(json_t *object, const char *key, const uint64_t *n, size_t cnt)
{
	json_t *array = json_array();
	int err = 0;

	for (size_t i = 0; i < cnt; i++)
		err |= json_array_append_new(
			array, json_integer(n[i] > INT64_MAX ? INT64_MAX : (int64_t)n[i]));
	return json_object_set_new_nocheck(object, key, array) | err;
}
