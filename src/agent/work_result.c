/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/work_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool decode_image(const json_t *object, struct pull_image *image, struct error *err)
{
    const json_t *ports;
    const char *id;

    if (!json_need_text(object, "id", sizeof image->id - 1, &id, err) ||
        !json_need_array(object, "ports", PULL_EXPOSED_MAX, &ports, err))
        return false;
    (void)snprintf(image->id, sizeof image->id, "%s", id);
    image->port_count = (int64_t)json_array_size(ports);
    for (int64_t i = 0; i < image->port_count; i++) {
        int64_t port = json_integer_value(json_array_get(ports, (size_t)i));

        image->ports[i] = (struct pull_port){ port < 0 ? -port : port, port < 0 };
    }
    return true;
}

static bool decode_seen(const json_t *root, const char *host, struct work_result *result,
                        struct error *err)
{
    const json_t *containers;

    if (!json_need_array(root, "containers", 2, &containers, err))
        return false;
    for (size_t i = 0; i < json_array_size(containers); i++) {
        struct seen *seen = &result->seen[result->seen_count++];

        if (!seen_parse(json_array_get(containers, i), host, seen, err))
            return false;
    }
    return true;
}

bool work_result_decode(const json_t *root, const char *host, struct work_result *ret,
                        struct error *err)
{
    struct work_result *result = ret;
    const json_t *image = json_member(root, "image");
    const char *text = json_string_value(json_object_get(root, "text"));
    int64_t code = json_integer_value(json_object_get(root, "code"));
    struct json_bounds bounds = { 0, INT64_MAX };

    *result = (struct work_result){ 0 };
    if (!json_need_bool(root, "is_done", &result->is_done, err) ||
        !json_need_bool(root, "is_final", &result->is_final, err) ||
        !json_need_bool(root, "has_no_quota", &result->has_no_quota, err) ||
        !json_need_bool(root, "has_seen", &result->has_seen, err) ||
        !json_need_int(root, "engine_us", bounds, &result->engine_us, err) ||
        !json_need_int(root, "pulled_bytes", bounds, &result->pulled.bytes, err) ||
        !json_need_int(root, "pulled_us", bounds, &result->pulled.us, err) ||
        !json_need_bool(root, "pulled_whole", &result->pulled.is_whole, err))
        return false;
    if (!result->is_done)
        (void)error_set(&result->err, (enum error_code)code, "%s", text != NULL ? text : "");
    result->has_image = image != NULL;
    if (image != NULL && !decode_image(image, &result->image, err))
        return false;
    return decode_seen(root, host, result, err);
}
