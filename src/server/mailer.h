/* SPDX-License-Identifier: Apache-2.0 */
/* Sends what the outbox has for "mail" (server/deliver.h): by SMTP, or, where no server is set,
 * into files of a folder, for the operator and tests to read. Codes are made here, and nowhere
 * before. */

#ifndef BERTH_SERVER_MAILER_H
#define BERTH_SERVER_MAILER_H

#include "flow/flow.h"
#include "server/deliver.h"
#include "server/options.h"
#include "sys/smtp.h"

enum { MAILER_PASSWORD_SIZE = 512, MAILER_NAME_SIZE = 320, MAILER_PATH_SIZE = 4096 };

struct mailer {
    const struct flow *flow;
    const char *url;               /* of the market, for the texts */
    struct smtp_server smtp;       /* its url NULL: files */
    char folder[MAILER_PATH_SIZE]; /* for files */
    char from[MAILER_NAME_SIZE], host[MAILER_NAME_SIZE];
    char password[MAILER_PASSWORD_SIZE];
};

/* As --smtp and its relatives say. Files go to `data`/outbox. */
NODISCARD bool mailer_read(const struct options *options, const char *data, struct mailer *ret,
                           struct error *err);

deliver_send mailer_send; /* its context is a struct mailer */

#endif
