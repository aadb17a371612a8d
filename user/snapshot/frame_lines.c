/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a snapshot's frames. */
#include "collect/py_lines.h"
#include "snapshot/frames.h"

#define BYTES_DATA 0x20
#define BYTES_SIZE 0x10

uint32_t frame_line(struct heap *heap, raddr_t code, uint64_t at)
{
	const struct py_code_layout *layout = py_code_layout(heap->minor);
	raddr_t bytes = heap_word(heap, code + layout->lines);
	uint32_t first = remote_word32(heap->image->remote, code + layout->first_line);
	uint64_t size = bytes ? heap_word(heap, bytes + BYTES_SIZE) : 0;
	const uint8_t *table;

	if (!size || size > PY_LINES_MAX || !heap_pay(heap, size / 8))
		return 0;
	table = image_at(heap->image, bytes + BYTES_DATA, size);
	return table ? py_line(heap->minor, table, size, first, at) : 0;
}
