/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin.h"

#include <stdio.h>
#include <string.h>

#include "flow/notice.h"
#include "flow/offer_cut.h"
#include "market/journal.h"

static bool tell(struct db *db, const struct twin_hello *hello, struct error *err)
{
    char key[JOURNAL_KEY_SIZE];

    (void)snprintf(key, sizeof key, "twins:%lld:%lld", (long long)hello->machine->id,
                   (long long)(hello->now.microseconds / (24 * US_PER_HOUR)));
    return notice_tell_of_machine(db,
                                  &(struct notice_machine){ .id = hello->machine->id,
                                                            .owner_id = hello->machine->owner_id,
                                                            .kind = NOTIFICATION_TWINS,
                                                            .template = "twins",
                                                            .key = key },
                                  hello->now, err);
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
    return offer_take_off(db, hello->machine->id, hello->now, arena, err) && tell(db, hello, err) &&
           db_notify(db, TOPIC_MACHINE, hello->machine->id, err);
}
