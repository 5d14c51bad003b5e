/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: what is taken as an image reference is printable, can be written in full, and reads
 * back as itself. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "market/gpu.h"
#include "market/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_image(const char *text)
{
    char full[IMAGE_TEXT_SIZE], again_full[IMAGE_TEXT_SIZE];
    struct image image, again;
    struct error err;

    if (!image_parse(text, &image, &err)) {
        assert(*err.text != '\0');
        return;
    }
    (void)image_format(&image, full);
    assert(*full != '-' && *full != '/' && *full != '.' && strstr(full, "/.") == NULL);
    for (const char *c = full; *c != '\0'; c++)
        assert(*c > ' ' && *c <= '~');
    bool is_ok = image_parse(full, &again, &err);
    assert(is_ok && strcmp(image_format(&again, again_full), full) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char name[GPU_NAME_SIZE];
    auto_free char *text = strndup((const char *)bytes, size);

    check_image(text);
    for (const char *c = gpu_name(text, name); *c != '\0'; c++)
        assert(*c >= ' ' && *c <= '~');
    return 0;
}
