/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/image_starts.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "market/image.h"
#include "market/image_start.h"
#include "store/machine_image.h"

/* Names in full, each once, though a host may have written one in two ways. */
static size_t name_images(const struct heartbeat *heartbeat, char (*names)[IMAGE_TEXT_SIZE],
                          struct machine_image_row *rows)
{
    size_t count = 0;

    for (int64_t i = 0; i < heartbeat->image_count; i++) {
        struct image image;
        struct error ignored;
        size_t same = 0;

        if (!image_parse(heartbeat->images[i].name, &image, &ignored))
            continue;
        (void)image_name(&image, names[count]);
        while (same < count && strcmp(names[same], names[count]) != 0)
            same++;
        if (same < count)
            continue;
        rows[count] = (struct machine_image_row){ names[count], heartbeat->images[i].pull_bytes };
        count++;
    }
    return count;
}

bool image_starts_take(struct db *db, int64_t machine_id, const struct heartbeat *heartbeat,
                       struct error *err)
{
    auto_arena struct arena arena = arena_of(2 * HEARTBEAT_IMAGES_MAX * IMAGE_TEXT_SIZE);
    char(*names)[IMAGE_TEXT_SIZE] = arena_alloc(&arena, HEARTBEAT_IMAGES_MAX, sizeof *names);
    struct machine_image_row rows[HEARTBEAT_IMAGES_MAX];

    if (!heartbeat->has_images)
        return true;
    if (names == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the names of images");
    size_t count = name_images(heartbeat, names, rows);
    return machine_images_put(db, machine_id, rows, count, err) &&
           machine_start_put(db, machine_id, heartbeat->pull_rate, heartbeat->start_ms, err);
}

struct starts_work {
    const char *image;
    struct image_start *starts;
    size_t count;
};

static bool starts_work(struct db *db, void *context, struct error *err)
{
    struct starts_work *work = context;
    int64_t bytes;

    if (!machine_image_bytes(db, work->image, &bytes, err))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        struct image_start *start = &work->starts[i];
        struct machine_start_row row;

        if (!machine_start_load(db, start->machine_id, work->image, &row, err))
            return false;
        const struct image_start_facts facts = { .is_cached = row.has_image,
                                                 .pull_bytes = bytes,
                                                 .pull_rate = row.pull_rate,
                                                 .start_ms = row.start_ms };
        start->is_cached = row.has_image;
        start->ms = image_start_ms(&facts);
    }
    return true;
}

bool flow_image_starts(const struct flow *flow, const char *image, struct image_start *starts,
                       size_t count, enum image_starts_outcome *ret, struct error *err)
{
    char name[IMAGE_TEXT_SIZE];
    struct starts_work work = { .image = name, .starts = starts, .count = count };
    struct image parsed;

    assert(count <= IMAGE_STARTS_MAX);
    *ret = IMAGE_STARTS_BAD_IMAGE;
    if (!image_parse(image, &parsed, err))
        return true;
    (void)image_name(&parsed, name);
    if (!store_read(flow->store, starts_work, &work, err))
        return error_context(err, "when %s starts", name);
    *ret = IMAGE_STARTS_FOUND;
    return true;
}
