/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/images.h"

#include <stdio.h>
#include <string.h>

/* IMAGES_MAX: there is none. */
static size_t index_of(const struct images *images, const char *reference)
{
    for (size_t i = 0; *reference != '\0' && i < images->count; i++) {
        if (strcmp(images->all[i].reference, reference) == 0)
            return i;
    }
    return IMAGES_MAX;
}

void images_put(struct images *images, const char *reference, const struct pull_image *image)
{
    size_t index = index_of(images, reference);

    if (*reference == '\0' || strlen(reference) >= IMAGE_REFERENCE_SIZE)
        return;
    if (index == IMAGES_MAX) {
        index = images->next;
        images->next = (index + 1) % IMAGES_MAX;
        if (images->count < IMAGES_MAX)
            images->count++;
    }
    (void)snprintf(images->all[index].reference, IMAGE_REFERENCE_SIZE, "%s", reference);
    images->all[index].image = *image;
}

const struct pull_image *images_find(const struct images *images, const char *reference)
{
    size_t index = index_of(images, reference);

    return index < IMAGES_MAX ? &images->all[index].image : NULL;
}

void images_forget(struct images *images, const char *reference)
{
    size_t index = index_of(images, reference);

    if (index < IMAGES_MAX)
        *images->all[index].reference = '\0';
}
