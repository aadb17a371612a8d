/* SPDX-License-Identifier: BSD-2-Clause */
/* What all formats share. A format owns its memory: destroy frees the whole report. The stream
 * belongs to the caller and stays open.
 */
#include "report/report.h"

void report_destroy(struct report *report)
{
	if (report)
		report->ops->destroy(report);
}
