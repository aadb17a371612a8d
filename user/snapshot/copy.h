/* SPDX-License-Identifier: BSD-2-Clause */
/* How an image gets its bytes: the parts of image_take(). */
#ifndef PYLEAK_SNAPSHOT_COPY_H
#define PYLEAK_SNAPSHOT_COPY_H

#include "snapshot/image.h"
#include "snapshot/presence.h"

/* An image without regions. `target` may be NULL. 0 or -ENOMEM. */
int image_create(struct target *target, struct image **out);

/* Finds the regions of the target as it is now, and the pages that it has, and sets image->regions
 * and image->maps anew. -errno, not logged. */
int copy_survey(struct image *image, pid_t pid, struct presence *presence, struct page_runs *runs);
/* Gives the regions their memory, of which what is there from before is used again. 0 or -ENOMEM.
 */
int copy_place(struct image *image);
/* Takes the memory for the pages from the kernel, so that copying them does not have to. 0 or
 * -ENOMEM. */
int copy_prepare(struct image *image, const struct page_runs *runs);
/* Copies the pages. -ESRCH, -EPERM; pages that cannot be read are counted in image->missed. */
int copy_pages(struct image *image, pid_t pid, const struct page_runs *runs);
/* Fills in what private mappings of files have where the target never touched them. */
void copy_untouched(struct image *image, const struct target *target, const struct page_runs *runs);
void copy_free_windows(struct image *image);

#endif
