/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin.h"

#include <string.h>

#include "flow/notice.h"
#include "flow/offer_cut.h"

enum { TELL_MAX = 256 };

static bool tell(struct db *db, const struct twin_hello *hello, struct arena *arena,
                 struct error *err)
{
    auto_buf struct buf body = buf_of(TELL_MAX);
    struct encoder json = encoder_of(&body);
    const char *key = arena_printf(arena, "twins:%lld:%lld", (long long)hello->machine->id,
                                   (long long)(hello->now.microseconds / (24 * US_PER_HOUR)));

    encode_object(&json);
    encode_field_int(&json, "machine", hello->machine->id);
    encode_end(&json);
    if (key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a mail");
    const struct notice_event event = { .user_id = hello->machine->owner_id,
                                        .kind = NOTIFICATION_TWINS,
                                        .template = "twins",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, hello->now, err);
}

bool twin_note(struct db *db, const struct twin_hello *hello, struct arena *arena,
               bool *ret_has_twin, struct error *err)
{
    struct session_row *session = hello->session;
    bool is_back = strcmp(hello->boot_id, session->boot_before) == 0 && *hello->boot_id != '\0';

    session->boot_before = session->boot_id;
    *ret_has_twin = twins_boot(&session->twins, is_back, hello->now);
    if (!*ret_has_twin)
        return true;
    hello->machine->is_listed = false;
    return offer_take_off(db, hello->machine->id, hello->now, arena, err) &&
           tell(db, hello, arena, err) && db_notify(db, TOPIC_MACHINE, hello->machine->id, err);
}
