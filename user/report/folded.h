#include <stdio.h>
#include "collect/alloc_stacks.h"
int folded_write(FILE *out, const struct alloc_stacks *stacks);
