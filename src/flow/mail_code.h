/* SPDX-License-Identifier: Apache-2.0 */
/* Codes that prove that somebody reads mail at an address: valid once, for a while.
 *
 * A code is the number of its row and a signature over the row, by a key that is made from the
 * master key. So neither the database nor the outbox holds a code: it comes into being when the
 * mail is sent, and whoever copies the database can use none. */

#ifndef BERTH_FLOW_MAIL_CODE_H
#define BERTH_FLOW_MAIL_CODE_H

#include "flow/flow.h"
#include "store/mail_code.h"

/* Stored: numbers stay what they are. */
enum mail_code_kind {
    MAIL_CODE_SIGN_UP = 1,
    MAIL_CODE_VERIFY = 2,
    MAIL_CODE_RESET = 3,
    MAIL_CODE_CHANGE_EMAIL = 4,
    MAIL_CODE_INVITE = 5,
};

enum { MAIL_CODE_SIZE = 56 };

/* Keep the row and put the mail into the outbox. `members` as in flow/notice.h. */
struct mail_code_request {
    enum mail_code_kind kind;
    int64_t user_id; /* 0: nobody yet */
    const char *email, *payload, *template, *members;
    int64_t lifetime_s;
};
NODISCARD bool mail_code_send(struct db *db, const struct mail_code_request *request,
                              struct instant now, struct error *err);

/* The row of a code that is good. */
NODISCARD bool mail_code_find(struct db *db, const struct flow *flow, const char *text,
                              struct instant now, struct arena *arena, struct mail_code_row *ret,
                              bool *ret_has, struct error *err);

/* Its number, whether or not the rest is good, as a text to count guesses by; "" for no code. */
void mail_code_number(const char *text, char number[static MAIL_CODE_SIZE]);

/* For the mail: the code of a row that is still good. */
NODISCARD bool flow_mail_code(const struct flow *flow, int64_t id, char ret[static MAIL_CODE_SIZE],
                              bool *ret_has, struct error *err);

#endif
