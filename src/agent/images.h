/* SPDX-License-Identifier: Apache-2.0 */
/* What images that are here have said about themselves, so that an instance of one is made without
 * asking the engine first.
 *
 * Somebody may have given the name to another image since, or have removed it. Who makes a
 * container by what is remembered asks the engine meanwhile, and has it forgotten where it is not
 * so any more (agent/work.h). Nothing of it is on disk. */

#ifndef BERTH_AGENT_IMAGES_H
#define BERTH_AGENT_IMAGES_H

#include <stddef.h>

#include "agent/pull.h"

enum { IMAGE_REFERENCE_SIZE = 512 + 1, IMAGES_MAX = 32 };

struct images {
    size_t count, next; /* next: the one that is given up for another */
    struct {
        char reference[IMAGE_REFERENCE_SIZE]; /* as the renter wrote it; "" none */
        struct pull_image image;
    } all[IMAGES_MAX];
};

/* Instead of what was remembered by that name, or of the oldest. A name that is too long is not
 * remembered. */
void images_put(struct images *images, const char *reference, const struct pull_image *image);

/* NULL: nothing is remembered. Valid until the next images_put(). */
const struct pull_image *images_find(const struct images *images, const char *reference);

void images_forget(struct images *images, const char *reference);

#endif
