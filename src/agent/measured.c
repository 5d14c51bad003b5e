/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/measured.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/encode.h"
#include "base/json.h"
#include "market/meter.h"
#include "sys/file.h"

enum { MEASURED_MAX = 4 * PATH_MAX, SIZE_MAX_GB = METER_QUANTITY_MAX };

static const char name[] = "measured.json";

const char *measured_disk(const char *engine_root, const char *before, const char *data_dir)
{
    struct statvfs status;

    if (*engine_root == '/' && statvfs(engine_root, &status) == 0)
        return engine_root;
    return *before == '/' && statvfs(before, &status) == 0 ? before : data_dir;
}

bool measured_load(int dir, struct measured *ret)
{
    auto_buf struct buf text = buf_of(MEASURED_MAX);
    auto_json json_t *root = NULL;
    struct json_bounds bounds = { 0, SIZE_MAX_GB };
    const char *disk = "";
    struct error ignored;

    *ret = (struct measured){ 0 };
    return file_read(dir, name, &text, &ignored) && text.length > 0 &&
           json_parse(text.bytes, text.length, &root, &ignored) &&
           json_need_int(root, "disk_gb", bounds, &ret->disk_gb, &ignored) &&
           json_need_int(root, "disk_mbs", bounds, &ret->disk_mbs, &ignored) &&
           json_opt_text(root, "disk", sizeof ret->disk - 1, &disk, &ignored) &&
           snprintf(ret->disk, sizeof ret->disk, "%s", disk) >= 0;
}

void measured_save(int dir, const struct log *log, const struct measured *measured)
{
    auto_buf struct buf text = buf_of(MEASURED_MAX);
    struct encoder json = encoder_of(&text);
    struct error err;

    encode_object(&json);
    encode_field_text(&json, "disk", measured->disk);
    encode_field_int(&json, "disk_gb", measured->disk_gb);
    encode_field_int(&json, "disk_mbs", measured->disk_mbs);
    encode_end(&json);
    if (!file_replace(dir, name, 0600, text.bytes, text.length, &err))
        log_failure(log, "measurements not saved", &err);
}

bool measured_is_of(const struct measured *kept, const char *disk, const char *data_dir)
{
    const char *then = *kept->disk != '\0' ? kept->disk : data_dir;
    struct stat one, other;

    return stat(then, &one) == 0 && stat(disk, &other) == 0 && one.st_dev == other.st_dev;
}

struct measured measured_begin(int dir, const struct measured_places *places, int64_t wanted_gb,
                               const struct log *log, int64_t *ret_offer_gb)
{
    struct measured kept, now = { 0 };
    bool has = measured_load(dir, &kept);
    const char *disk = measured_disk(places->engine_root, kept.disk, places->data_dir);
    bool is_same = has && measured_is_of(&kept, disk, places->data_dir);
    struct measured_size size = measured_look(disk);

    (void)snprintf(now.disk, sizeof now.disk, "%s", disk);
    now.disk_gb = measured_capacity(is_same ? kept.disk_gb : 0, size);
    now.disk_mbs = is_same ? kept.disk_mbs : -1;
    *ret_offer_gb = measured_offer(wanted_gb, now.disk_gb, size);
    if (*ret_offer_gb < wanted_gb)
        log_write(log, LOG_WARNING, "less disk than said",
                  "%" PRId64 " GB: all that %s has, and not the %" PRId64 " of disk-gb",
                  *ret_offer_gb, disk, wanted_gb);
    return now;
}

struct measured_size measured_look(const char *disk)
{
    struct measured_size size = { -1, -1 };
    struct statvfs status;

    if (statvfs(disk, &status) == 0) {
        size.free_gb = (int64_t)((uint64_t)status.f_bavail * status.f_frsize >> 30);
        size.whole_gb = (int64_t)((uint64_t)status.f_blocks * status.f_frsize >> 30);
    }
    return size;
}

int64_t measured_capacity(int64_t kept_gb, struct measured_size now)
{
    int64_t capacity = kept_gb > now.free_gb ? kept_gb : now.free_gb;

    if (now.whole_gb >= 0 && capacity > now.whole_gb)
        capacity = now.whole_gb;
    if (capacity > SIZE_MAX_GB)
        capacity = SIZE_MAX_GB;
    return capacity > 0 ? capacity : 0;
}

int64_t measured_offer(int64_t wanted_gb, int64_t capacity_gb, struct measured_size now)
{
    if (wanted_gb == 0)
        return capacity_gb;
    return now.whole_gb >= 0 && wanted_gb > now.whole_gb ? now.whole_gb : wanted_gb;
}
