/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/disk_watch.h"

#include <inttypes.h>

#include "base/encode.h"
#include "flow/notice.h"
#include "market/disk_watch.h"
#include "store/event.h"

enum { MAIL_MAX = 4096, AMOUNT_MAX = 64, TENTHS_PER_GB = 10, MB_PER_GB = 1024 };

/* "40.3 of 40 GB". */
static void write_amount(struct buf *out, int64_t used_mb, int64_t disk_gb)
{
    int64_t tenths =
        used_mb / MB_PER_GB * TENTHS_PER_GB + used_mb % MB_PER_GB * TENTHS_PER_GB / MB_PER_GB;

    buf_printf(out, "%" PRId64 ".%" PRId64 " of %" PRId64 " GB", tenths / TENTHS_PER_GB,
               tenths % TENTHS_PER_GB, disk_gb);
}

static bool tell(struct change *change, const struct contract_row *contract, const char *amount,
                 enum notification kind, struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "amount", amount);
    encode_end(&json);
    const char *slug = notification_kind(kind)->slug;
    const char *key = arena_printf(change->arena, "%s:%" PRId64 ":%" PRId64, slug, contract->id,
                                   contract->disk_warned.microseconds);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = contract->owner_id,
                                        .kind = kind,
                                        .template = slug,
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(change->db, &event, change->now, err);
}

static bool warn(struct change *change, const struct contract_row *contract, const char *amount,
                 struct error *err)
{
    const struct event_row event = {
        .contract_id = contract->id,
        .at = change->now,
        .state = contract->state,
        .detail = arena_printf(change->arena,
                               "Its disk is nearly full: %s. Where its host cannot hold it to its "
                               "size, it is stopped for taking more.",
                               amount),
    };

    if (event.detail == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a warning");
    return event_insert(change->db, &event, err) &&
           tell(change, contract, amount, NOTIFICATION_DISK_LOW, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err);
}

bool flow_disk_watch(struct change *change, struct contract_row *contract, int64_t used_mb,
                     struct error *err)
{
    const struct disk_watch_facts facts = { .used_mb = used_mb,
                                            .disk_gb = contract->share.disk_gb,
                                            .running_since = contract->state_at,
                                            .now = change->now };
    struct instant before = contract->disk_warned;
    auto_buf struct buf amount = buf_of(AMOUNT_MAX);
    bool has_changed;

    if (contract->state != RENTAL_RUNNING)
        return true;
    enum disk_watch_ruling ruling = disk_watch(&facts, &contract->disk_warned);
    if (instant_compare(before, contract->disk_warned) != 0 &&
        !contract_disk_warned(change->db, contract, err))
        return false;
    write_amount(&amount, used_mb, facts.disk_gb);
    if (ruling == DISK_WATCH_WARN)
        return warn(change, contract, amount.bytes, err);
    return ruling != DISK_WATCH_STOP ||
           (change_contract(change, contract, RENTAL_DISK_FULL, amount.bytes, &has_changed, err) &&
            change_user(change, contract->owner_id, err) &&
            tell(change, contract, amount.bytes, NOTIFICATION_DISK_FULL, err));
}
