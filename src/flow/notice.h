/* SPDX-License-Identifier: Apache-2.0 */
/* What an account is told: a mail made from a template, by way of the outbox.
 *
 * Of what happens in the market, by kind, it is told as it chose (flow/notifications.h); codes, and
 * what concerns an email rather than an account, go by notice_mail() and always. */

#ifndef BERTH_FLOW_NOTICE_H
#define BERTH_FLOW_NOTICE_H

#include "base/encode.h"
#include "flow/flow.h"
#include "market/notification.h"

struct notice {
    const char *email;
    const char *template; /* a row of server/mail_text.c */
    const char *key;      /* the same one is sent once; NULL: whenever it is asked for */
    const char *members;  /* JSON members for the text, without brackets; NULL: none */
};

/* Within a transaction. */
NODISCARD bool notice_mail(struct db *db, const struct notice *notice, struct instant now,
                           struct error *err);

/* Something that happened to an account: told by the ways that it chose for this kind. The mail
 * goes where its mails go: for a team, to the owner. */
struct notice_event {
    int64_t user_id;
    enum notification kind;
    const char *template, *key, *members; /* as of a notice */
};
NODISCARD bool notice_tell(struct db *db, const struct notice_event *event, struct instant now,
                           struct error *err);

/* The same of a machine, told to its owner; the template has `machine`, its id, alone. */
struct notice_machine {
    int64_t id, owner_id;
    enum notification kind;
    const char *template, *key;
};
NODISCARD bool notice_tell_of_machine(struct db *db, const struct notice_machine *machine,
                                      struct instant now, struct error *err);

/* An object that was encoded, as members: without its brackets. Changes the buffer. */
const char *notice_members(struct buf *object);

#endif
