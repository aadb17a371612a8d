/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures, in Graphviz's language and by its program. */
#ifndef PYLEAK_DOT_H
#define PYLEAK_DOT_H

#include <stdio.h>

#include "analyse/picture.h"
#include "snapshot/graph.h"

/* What the strings of the target hold cannot leave their place. 0, or -EIO when `out` failed. */
int dot_write(FILE *out, const struct heap_graph *graph, const struct picture *picture);

/* Runs Graphviz's `dot` on the file `dot_path`; `format`: "png", "svg", "pdf". Logs one line and
 * returns -ENOENT: it is not installed, -ETIME: it took too long, -EIO: it failed. */
int picture_render(const char *dot_path, const char *format, const char *out_path);

#endif
