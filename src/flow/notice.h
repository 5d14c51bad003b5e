/* SPDX-License-Identifier: Apache-2.0 */
/* What an account is told: a mail made from a template, by way of the outbox. */

#ifndef BERTH_FLOW_NOTICE_H
#define BERTH_FLOW_NOTICE_H

#include "base/encode.h"
#include "flow/flow.h"

struct notice {
    const char *email;
    const char *template; /* a row of server/mail_text.c */
    const char *key;      /* the same one is sent once; NULL: whenever it is asked for */
    const char *members;  /* JSON members for the text, without brackets; NULL: none */
};

/* Within a transaction. */
NODISCARD bool notice_mail(struct db *db, const struct notice *notice, struct instant now,
                           struct error *err);

#endif
