/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PYLEAK_PY_CHECK_CODE_H
#define PYLEAK_PY_CHECK_CODE_H

#include "collect/py_object.h"

/* Is the object's type of that name? */
bool py_check_is_called(const struct py_reader *reader, raddr_t object, const char *type_name);

/* Is the code of this function, importlib's ModuleSpec.__init__, laid out as the tables say, and,
 * from 3.13 on, as the target says? */
bool py_check_code(const struct py_reader *reader, const struct py_frame_offsets *said,
		   raddr_t function);

#endif
