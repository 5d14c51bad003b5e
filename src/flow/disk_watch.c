/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/disk_watch.h"

#include <inttypes.h>

#include "base/encode.h"
#include "flow/notice.h"
#include "market/disk_watch.h"
#include "store/event.h"
#include "store/volume.h"

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

/* Those that run and mount it, and since when the last of them does. */
static bool load_users(struct change *change, const struct contract_row *volume,
                       struct contract_row **ret, size_t *ret_count, struct instant *ret_since,
                       struct error *err)
{
    int64_t *ids;
    size_t count;

    *ret_count = 0;
    *ret_since = (struct instant){ 0 };
    if (!volume_mounted_by(change->db, volume->id, change->arena, &ids, &count, err))
        return false;
    *ret = arena_alloc(change->arena, count, sizeof **ret);
    if (*ret == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for what mounts a volume");
    for (size_t i = 0; i < count; i++) {
        struct contract_row *user = &(*ret)[*ret_count];
        bool has;

        if (!contract_load(change->db, ids[i], change->arena, user, &has, err))
            return false;
        if (!has || user->state != RENTAL_RUNNING)
            continue;
        *ret_since = instant_max(*ret_since, user->state_at);
        ++*ret_count;
    }
    return true;
}

bool flow_disk_watch_volume(struct change *change, struct contract_row *volume, int64_t used_mb,
                            struct error *err)
{
    struct disk_watch_facts facts = { .used_mb = used_mb,
                                      .disk_gb = volume->share.disk_gb,
                                      .now = change->now };
    struct instant before = volume->disk_warned;
    auto_buf struct buf amount = buf_of(AMOUNT_MAX);
    struct contract_row *users;
    bool has_changed;
    size_t count;

    if (used_mb < 0)
        return true;
    if (!load_users(change, volume, &users, &count, &facts.running_since, err))
        return false;
    enum disk_watch_ruling ruling =
        count > 0 ? disk_watch(&facts, &volume->disk_warned) : DISK_WATCH_FINE;
    if (instant_compare(before, volume->disk_warned) != 0 &&
        !contract_disk_warned(change->db, volume, err))
        return false;
    buf_printf(&amount, "volume V.%" PRId64 " has ", volume->id);
    write_amount(&amount, used_mb, facts.disk_gb);
    for (size_t i = 0; i < count && ruling != DISK_WATCH_FINE; i++) {
        users[i].disk_warned = volume->disk_warned; /* that mails are told apart by */
        if (ruling == DISK_WATCH_WARN && !warn(change, &users[i], amount.bytes, err))
            return false;
        if (ruling == DISK_WATCH_STOP &&
            (!change_contract(change, &users[i], RENTAL_DISK_FULL, amount.bytes, &has_changed,
                              err) ||
             !change_user(change, users[i].owner_id, err) ||
             !tell(change, &users[i], amount.bytes, NOTIFICATION_DISK_FULL, err)))
            return false;
    }
    return true;
}
