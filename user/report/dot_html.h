/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels of pictures. What is printed has been made safe by text_name() or text_escape(). */
#ifndef PYLEAK_DOT_HTML_H
#define PYLEAK_DOT_HTML_H

#include <stdbool.h>
#include <stdio.h>

#define DOT_FAINT "#7b8794"

void dot_put_html(FILE *out, const char *safe);
/* "mq." faint, "Channel" bold; a name without a module as it is. */
void dot_put_type_name(FILE *out, const char *safe, bool bold);
/* In the next line, small. */
void dot_put_small(FILE *out, const char *safe);

#endif
