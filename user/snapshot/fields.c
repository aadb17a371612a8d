/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets are those of release builds with a GIL on 64-bit Linux, from DWARF of CPython 3.6 to
 * 3.15; what tp_traverse does not visit is from the sources of the same. Words that hold no
 * reference, and attribute dicts (tp_dictoffset), are not listed. tests/live/test_references.c
 * compares all of it with gc.get_referents() in running interpreters. */
#include "snapshot/fields.h"

#include <string.h>

#include "base/cleanup.h"
#include "snapshot/graph.h"

#define ALL 6, 15
#define FIELD(versions, offset, name)                                                              \
	{                                                                                          \
		versions, offset, EDGE_FIELD, false, name                                          \
	}
#define HIDDEN(versions, offset, name)                                                             \
	{                                                                                          \
		versions, offset, EDGE_FIELD, true, name                                           \
	}

static const struct field cell[] = { FIELD(ALL, 0x10, "cell_contents") };
static const struct field method[] = { FIELD(ALL, 0x10, "__func__"), FIELD(ALL, 0x18, "__self__") };
static const struct field builtin[] = { FIELD(ALL, 0x18, "__self__"),
					FIELD(ALL, 0x20, "__module__") };
static const struct field builtin_method[] = { { 9, 15, 0x38, EDGE_FIELD, false, "class" } };

#define UP_TO_39 6, 9
#define FROM_310 10, 15
static const struct field function[] = {
	FIELD(UP_TO_39, 0x10, "__code__"),
	FIELD(UP_TO_39, 0x18, "__globals__"),
	FIELD(UP_TO_39, 0x20, "__defaults__"),
	FIELD(UP_TO_39, 0x28, "__kwdefaults__"),
	FIELD(UP_TO_39, 0x30, "__closure__"),
	FIELD(UP_TO_39, 0x38, "__doc__"),
	FIELD(UP_TO_39, 0x40, "__name__"),
	FIELD(UP_TO_39, 0x58, "__module__"),
	FIELD(UP_TO_39, 0x60, "__annotations__"),
	FIELD(UP_TO_39, 0x68, "__qualname__"),

	FIELD(FROM_310, 0x10, "__globals__"),
	FIELD(FROM_310, 0x18, "__builtins__"),
	FIELD(FROM_310, 0x20, "__name__"),
	FIELD(FROM_310, 0x28, "__qualname__"),
	FIELD(FROM_310, 0x30, "__code__"),
	FIELD(FROM_310, 0x38, "__defaults__"),
	FIELD(FROM_310, 0x40, "__kwdefaults__"),
	FIELD(FROM_310, 0x48, "__closure__"),
	FIELD(FROM_310, 0x50, "__doc__"),
	FIELD(FROM_310, 0x68, "__module__"),
	FIELD(FROM_310, 0x70, "__annotations__"),
	{ 12, 13, 0x78, EDGE_FIELD, false, "__type_params__" },
	{ 14, 15, 0x78, EDGE_FIELD, false, "__annotate__" },
	{ 14, 15, 0x80, EDGE_FIELD, false, "__type_params__" },
};

static const struct field code[] = {
	{ 6, 7, 0x28, EDGE_FIELD, false, "co_code" },
	{ 6, 7, 0x30, EDGE_FIELD, false, "co_consts" },
	{ 6, 7, 0x38, EDGE_FIELD, false, "co_names" },
	{ 6, 7, 0x40, EDGE_FIELD, false, "co_varnames" },
	{ 6, 7, 0x48, EDGE_FIELD, false, "co_freevars" },
	{ 6, 7, 0x50, EDGE_FIELD, false, "co_cellvars" },
	{ 6, 7, 0x60, EDGE_FIELD, false, "co_filename" },
	{ 6, 7, 0x68, EDGE_FIELD, false, "co_name" },
	{ 6, 7, 0x70, EDGE_FIELD, false, "co_lnotab" },
	{ 8, 10, 0x30, EDGE_FIELD, false, "co_code" },
	{ 8, 10, 0x38, EDGE_FIELD, false, "co_consts" },
	{ 8, 10, 0x40, EDGE_FIELD, false, "co_names" },
	{ 8, 10, 0x48, EDGE_FIELD, false, "co_varnames" },
	{ 8, 10, 0x50, EDGE_FIELD, false, "co_freevars" },
	{ 8, 10, 0x58, EDGE_FIELD, false, "co_cellvars" },
	{ 8, 10, 0x68, EDGE_FIELD, false, "co_filename" },
	{ 8, 10, 0x70, EDGE_FIELD, false, "co_name" },
	{ 8, 10, 0x78, EDGE_FIELD, false, "co_linetable" },
	{ 11, 15, 0x18, EDGE_FIELD, false, "co_consts" },
	{ 11, 15, 0x20, EDGE_FIELD, false, "co_names" },
	{ 11, 15, 0x28, EDGE_FIELD, false, "co_exceptiontable" },
	{ 11, 15, 0x60, EDGE_FIELD, false, "co_localsplusnames" },
	{ 11, 15, 0x68, EDGE_FIELD, false, "co_localspluskinds" },
	{ 11, 15, 0x70, EDGE_FIELD, false, "co_filename" },
	{ 11, 15, 0x78, EDGE_FIELD, false, "co_name" },
	{ 11, 15, 0x80, EDGE_FIELD, false, "co_qualname" },
	{ 11, 15, 0x88, EDGE_FIELD, false, "co_linetable" },
	{ 11, 11, 0x98, EDGE_FIELD, false, "co_code" },
};

static const struct field property[] = {
	FIELD(ALL, 0x10, "fget"),
	FIELD(ALL, 0x18, "fset"),
	FIELD(ALL, 0x20, "fdel"),
	FIELD(ALL, 0x28, "__doc__"),
	{ 10, 15, 0x30, EDGE_FIELD, false, "__name__" },
};
static const struct field wrapper_of_callable[] = {
	FIELD(ALL, 0x10, "__func__"),
};
static const struct field descriptor[] = {
	FIELD(ALL, 0x10, "__objclass__"),
	HIDDEN(ALL, 0x18, "__name__"),
	HIDDEN(ALL, 0x20, "__qualname__"),
};
static const struct field method_wrapper[] = { FIELD(ALL, 0x10, "descriptor"),
					       FIELD(ALL, 0x18, "__self__") };
static const struct field mappingproxy[] = { FIELD(ALL, 0x10, "mapping") };
static const struct field super_object[] = { FIELD(ALL, 0x10, "__thisclass__"),
					     FIELD(ALL, 0x18, "__self__"),
					     FIELD(ALL, 0x20, "__self_class__") };
static const struct field slice[] = { FIELD(ALL, 0x10, "start"), FIELD(ALL, 0x18, "stop"),
				      FIELD(ALL, 0x20, "step") };
static const struct field enumerate[] = { FIELD(ALL, 0x18, "iterator"), FIELD(ALL, 0x20, "result"),
					  FIELD(ALL, 0x28, "index") };
static const struct field traceback[] = { FIELD(ALL, 0x10, "tb_next"),
					  FIELD(ALL, 0x18, "tb_frame") };
static const struct field weak_reference[] = {
	{ ALL, 0x10, EDGE_WEAK, false, "referent" },
	FIELD(ALL, 0x18, "__callback__"),
};

static const struct field partial[] = { FIELD(ALL, 0x10, "func"),
					FIELD(ALL, 0x18, "args"),
					FIELD(ALL, 0x20, "keywords"),
					{ 14, 15, 0x38, EDGE_FIELD, true, "placeholder" } };
static const struct field default_dict[] = { FIELD(ALL, 0x30, "default_factory") };
static const struct field lru_element[] = { FIELD(ALL, 0x28, "key"), FIELD(ALL, 0x30, "result") };
static const struct field lru_cache[] = {
	{ 6, 6, 0x40, EDGE_FIELD, false, "maxsize" },
	{ 6, 6, 0x48, EDGE_FIELD, false, "__wrapped__" },
	{ 6, 6, 0x58, EDGE_FIELD, false, "cache" },
	{ 6, 6, 0x60, EDGE_FIELD, false, "cache_info_type" },
	{ 7, 15, 0x58, EDGE_FIELD, false, "__wrapped__" },
	{ 7, 15, 0x48, EDGE_FIELD, false, "cache" },
	{ 7, 9, 0x70, EDGE_FIELD, false, "cache_info_type" },
	{ 10, 15, 0x70, EDGE_FIELD, false, "kwd_mark" },
	{ 10, 15, 0x78, EDGE_FIELD, false, "lru_list_elem_type" },
	{ 10, 15, 0x80, EDGE_FIELD, false, "cache_info_type" },
};

#define FROM_37 7, 15
#define UP_TO_312 6, 12
static const struct field thread_local[] = {
	HIDDEN(UP_TO_312, 0x10, "key"),	     FIELD(UP_TO_312, 0x18, "args"),
	FIELD(UP_TO_312, 0x20, "kw"),	     FIELD(UP_TO_312, 0x30, "dummies"),
	HIDDEN(UP_TO_312, 0x38, "callback"),
};
static const struct field type_parameter[] = { { 12, 15, 0x10, EDGE_FIELD, true, "__name__" } };
static const struct field context[] = { FIELD(FROM_37, 0x10, "previous"),
					FIELD(FROM_37, 0x18, "variables") };
static const struct field context_variable[] = { FIELD(FROM_37, 0x10, "name"),
						 FIELD(FROM_37, 0x18, "default"),
						 { FROM_37, 0x20, EDGE_BORROWED, true, "cached" } };
static const struct field context_token[] = { FIELD(FROM_37, 0x10, "context"),
					      FIELD(FROM_37, 0x18, "var"),
					      FIELD(FROM_37, 0x20, "old_value") };

static const struct field exception[] = {
	FIELD(ALL, 0x18, "args"),
	{ 6, 10, 0x20, EDGE_FIELD, false, "__traceback__" },
	{ 6, 10, 0x28, EDGE_FIELD, false, "__context__" },
	{ 6, 10, 0x30, EDGE_FIELD, false, "__cause__" },
	{ 11, 15, 0x20, EDGE_FIELD, false, "__notes__" },
	{ 11, 15, 0x28, EDGE_FIELD, false, "__traceback__" },
	{ 11, 15, 0x30, EDGE_FIELD, false, "__context__" },
	{ 11, 15, 0x38, EDGE_FIELD, false, "__cause__" },
};

/* Of asyncio's futures only the words that have no member or that move. */
static const struct field future[] = {
	FIELD(ALL, 0x10, "loop"),
	{ 6, 6, 0x18, EDGE_FIELD, false, "callbacks" },
	{ 6, 6, 0x20, EDGE_FIELD, false, "exception" },
	{ 6, 6, 0x28, EDGE_FIELD, false, "result" },
	{ 6, 6, 0x30, EDGE_FIELD, false, "source_traceback" },
	{ 7, 15, 0x18, EDGE_FIELD, false, "callback" },
	{ 7, 15, 0x20, EDGE_FIELD, false, "callback_context" },
	{ 7, 15, 0x28, EDGE_FIELD, false, "callbacks" },
	{ 7, 15, 0x30, EDGE_FIELD, false, "exception" },
	{ 7, 9, 0x38, EDGE_FIELD, false, "result" },
	{ 7, 9, 0x40, EDGE_FIELD, false, "source_traceback" },
	{ 10, 15, 0x38, EDGE_FIELD, false, "exception_traceback" },
	{ 10, 15, 0x40, EDGE_FIELD, false, "result" },
	{ 10, 15, 0x48, EDGE_FIELD, false, "source_traceback" },
	{ 9, 9, 0x48, EDGE_FIELD, false, "cancel_message" },
	{ 10, 15, 0x50, EDGE_FIELD, false, "cancel_message" },
	{ 14, 15, 0x60, EDGE_FIELD, false, "awaited_by" },
};
static const struct field task[] = {
	{ 6, 6, 0x58, EDGE_FIELD, false, "waits_for" },
	{ 6, 6, 0x60, EDGE_FIELD, false, "coroutine" },
	{ 7, 8, 0x68, EDGE_FIELD, false, "waits_for" },
	{ 7, 8, 0x70, EDGE_FIELD, false, "coroutine" },
	{ 7, 7, 0x78, EDGE_FIELD, false, "context" },
	{ 8, 8, 0x78, EDGE_FIELD, false, "name" },
	{ 8, 8, 0x80, EDGE_FIELD, false, "context" },
	{ 9, 9, 0x90, EDGE_FIELD, false, "waits_for" },
	{ 9, 9, 0x98, EDGE_FIELD, false, "coroutine" },
	{ 9, 9, 0xa0, EDGE_FIELD, false, "name" },
	{ 9, 9, 0xa8, EDGE_FIELD, false, "context" },
	{ 10, 10, 0x98, EDGE_FIELD, false, "waits_for" },
	{ 10, 10, 0xa0, EDGE_FIELD, false, "coroutine" },
	{ 10, 10, 0xa8, EDGE_FIELD, false, "name" },
	{ 10, 10, 0xb0, EDGE_FIELD, false, "context" },
	{ 11, 12, 0x80, EDGE_FIELD, false, "waits_for" },
	{ 11, 12, 0x88, EDGE_FIELD, false, "coroutine" },
	{ 11, 12, 0x90, EDGE_FIELD, false, "name" },
	{ 11, 12, 0x98, EDGE_FIELD, false, "context" },
	{ 13, 13, 0x70, EDGE_FIELD, false, "waits_for" },
	{ 13, 13, 0x78, EDGE_FIELD, false, "coroutine" },
	{ 13, 13, 0x80, EDGE_FIELD, false, "name" },
	{ 13, 13, 0x88, EDGE_FIELD, false, "context" },
	{ 14, 15, 0x78, EDGE_FIELD, false, "waits_for" },
	{ 14, 15, 0x80, EDGE_FIELD, false, "coroutine" },
	{ 14, 15, 0x88, EDGE_FIELD, false, "name" },
	{ 14, 15, 0x90, EDGE_FIELD, false, "context" },
};

#define KNOWN(type, fields)                                                                        \
	{                                                                                          \
		type, fields, ARRAY_SIZE(fields), true                                             \
	}
#define PARTLY(type, fields)                                                                       \
	{                                                                                          \
		type, fields, ARRAY_SIZE(fields), false                                            \
	}
static const struct type_fields known[] = {
	KNOWN("cell", cell),
	KNOWN("method", method),
	KNOWN("builtin_function_or_method", builtin),
	KNOWN("builtin_method", builtin_method),
	KNOWN("function", function),
	KNOWN("code", code),
	KNOWN("property", property),
	KNOWN("staticmethod", wrapper_of_callable),
	KNOWN("classmethod", wrapper_of_callable),
	KNOWN("method_descriptor", descriptor),
	KNOWN("classmethod_descriptor", descriptor),
	KNOWN("member_descriptor", descriptor),
	KNOWN("getset_descriptor", descriptor),
	KNOWN("wrapper_descriptor", descriptor),
	KNOWN("method-wrapper", method_wrapper),
	KNOWN("mappingproxy", mappingproxy),
	KNOWN("super", super_object),
	KNOWN("slice", slice),
	KNOWN("enumerate", enumerate),
	KNOWN("traceback", traceback),
	KNOWN("weakref", weak_reference),
	KNOWN("weakref.ReferenceType", weak_reference),
	KNOWN("weakproxy", weak_reference),
	KNOWN("weakref.ProxyType", weak_reference),
	KNOWN("weakcallableproxy", weak_reference),
	KNOWN("weakref.CallableProxyType", weak_reference),
	KNOWN("functools.partial", partial),
	KNOWN("collections.defaultdict", default_dict),
	KNOWN("functools._lru_list_elem", lru_element),
	KNOWN("functools._lru_cache_wrapper", lru_cache),
	KNOWN("Context", context),
	KNOWN("_contextvars.Context", context),
	KNOWN("ContextVar", context_variable),
	KNOWN("_contextvars.ContextVar", context_variable),
	KNOWN("Token", context_token),
	KNOWN("_contextvars.Token", context_token),
	KNOWN("BaseException", exception),
	PARTLY("_thread._local", thread_local),
	PARTLY("typing.TypeVar", type_parameter),
	PARTLY("typing.TypeAliasType", type_parameter),
	PARTLY("_asyncio.Future", future),
	PARTLY("_asyncio.Task", task),
};

const struct type_fields *fields_of(const char *tp_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].type, tp_name))
			return &known[i];
	}
	return NULL;
}
