/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/measured.h"

#include "base/encode.h"
#include "base/json.h"
#include "sys/file.h"

enum { MEASURED_MAX = 4096 };

static const char name[] = "measured.json";

bool measured_load(int dir, struct machine_facts *facts)
{
    auto_buf struct buf text = buf_of(MEASURED_MAX);
    auto_json json_t *root = NULL;
    struct json_bounds bounds = { 0, 1000000000 };
    struct error ignored;

    return file_read(dir, name, &text, &ignored) && text.length > 0 &&
           json_parse(text.bytes, text.length, &root, &ignored) &&
           json_need_int(root, "disk_gb", bounds, &facts->disk_gb, &ignored) &&
           json_need_int(root, "disk_mbs", bounds, &facts->disk_mbs, &ignored);
}

void measured_save(int dir, const struct log *log, const struct machine_facts *facts)
{
    auto_buf struct buf text = buf_of(MEASURED_MAX);
    struct encoder json = encoder_of(&text);
    struct error err;

    encode_object(&json);
    encode_field_int(&json, "disk_gb", facts->disk_gb);
    encode_field_int(&json, "disk_mbs", facts->disk_mbs);
    encode_end(&json);
    if (!file_replace(dir, name, 0600, text.bytes, text.length, &err))
        log_failure(log, "measurements not saved", &err);
}
