#include <stdio.h>
#include "collect/alloc_stacks.h"
int pprof_write(FILE *out, const struct alloc_stacks *stacks);
