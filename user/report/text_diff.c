/* SPDX-License-Identifier: BSD-2-Clause */
/* What changed between two snapshots. A type is told when it has more objects, or new ones: a
 * leak beside as much that went is one too; and when references of it were lost.
 */
#include "report/report_text.h"

#include <string.h>

#define COUNT_COLUMNS 10
#define BYTES_COLUMNS 10

static bool is_told(const struct diff_row *row)
{
	return row->after > row->before || row->fresh > 0 || row->excess_after > row->excess_before;
}

static void put_row(struct report_text *rt, const struct diff *diff, const struct diff_row *row,
		    int columns)
{
	char name[TEXT_NAME_BYTES];

	text_name(name, sizeof(name), row->name, columns);
	text_pad(name, sizeof(name), columns);
	text_row(&rt->o, TEXT_PLAIN, "", "%s %*s %*s %*s %*s %*s", name, COUNT_COLUMNS,
		 text_count(row->before).s, COUNT_COLUMNS, text_count(row->after).s, COUNT_COLUMNS,
		 text_change((double)row->after - (double)row->before).s, COUNT_COLUMNS,
		 diff->same_process ? text_count(row->fresh).s : "-", BYTES_COLUMNS,
		 text_bytes_change((double)row->bytes_after - (double)row->bytes_before).s);
	if (row->excess_after > row->excess_before)
		text_line(&rt->o, 4, "  %s references that no Python object holds",
			  text_change((double)row->excess_after - (double)row->excess_before).s);
}

void text_put_diff(struct report *report, const struct diff *diff, size_t limit)
{
	struct report_text *rt = text_of(report);
	int columns = text_name_columns(rt, 4 * COUNT_COLUMNS + BYTES_COLUMNS + 5);
	size_t shown = 0, left_out = 0;

	text_gap(rt);
	if (!diff->same_process)
		text_line(&rt->o, 2,
			  "the snapshots are of two processes: which objects are new "
			  "cannot be told");
	for (size_t i = 0; i < diff->cnt; i++) {
		if (!is_told(&diff->rows[i]))
			continue;
		if (limit > 0 && shown == limit) {
			left_out++;
			continue;
		}
		if (shown++ == 0)
			text_row(&rt->o, TEXT_BOLD, "", "%-*s %*s %*s %*s %*s %*s", columns, "TYPE",
				 COUNT_COLUMNS, "BEFORE", COUNT_COLUMNS, "AFTER", COUNT_COLUMNS,
				 "GROWTH", COUNT_COLUMNS, "NEW", BYTES_COLUMNS, "BYTES");
		put_row(rt, diff, &diff->rows[i], columns);
	}
	if (left_out > 0)
		text_line(&rt->o, 2, "and %s more", text_count(left_out).s);
	if (shown == 0)
		text_line(&rt->o, 2, "no type has more objects, or new ones");
	fflush(rt->o.out);
}
