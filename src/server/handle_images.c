/* SPDX-License-Identifier: Apache-2.0 */
/* How soon an instance of an image would run on the machines of offers that were found. */
#include <inttypes.h>

#include "base/json.h"
#include "flow/image_starts.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { STARTS_REPLY_MAX = 256 * 1024, IMAGE_LENGTH_MAX = 1024 };

static bool read_machines(const json_t *body, struct image_start *starts, size_t *ret_count,
                          struct error *err)
{
    const json_t *ids;

    if (!json_need_array(body, "machine_ids", IMAGE_STARTS_MAX, &ids, err))
        return false;
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);

        if (!json_is_integer(id) || json_integer_value(id) < 1)
            return error_set(err, ERROR_INVALID, "machine_ids holds what is no machine");
        starts[i] = (struct image_start){ .machine_id = json_integer_value(id) };
    }
    *ret_count = json_array_size(ids);
    return true;
}

static void reply_starts(struct call *call, const struct image_start *starts, size_t count)
{
    auto_buf struct buf body = buf_of(STARTS_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "machines");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "machine_id", starts[i].machine_id);
        encode_field_bool(&json, "image_cached", starts[i].is_cached);
        if (starts[i].ms >= 0)
            field_fixed(&json, "starts_in_s", starts[i].ms, 3);
        else
            field_null(&json, "starts_in_s");
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_image_starts(struct call *call)
{
    struct image_start starts[IMAGE_STARTS_MAX];
    enum image_starts_outcome outcome;
    const char *image;
    struct error err;
    size_t count;

    if (!json_need_text(call->body, "image", IMAGE_LENGTH_MAX, &image, &err) ||
        !read_machines(call->body, starts, &count, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_image_starts(&call->app->flow, image, starts, count, &outcome, &err))
        return reply_error(call, &err);
    switch (outcome) {
    case IMAGE_STARTS_BAD_IMAGE:
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    case IMAGE_STARTS_FOUND:
        return reply_starts(call, starts, count);
    }
}
