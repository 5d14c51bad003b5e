/* SPDX-License-Identifier: Apache-2.0 */
/* The mails, as text: one table of templates, in which {name} stands for a member.
 *
 * Whatever members hold is cleaned and cut, and stands in the body alone: nobody else's text makes
 * a header, or more of a line than its place. */

#ifndef BERTH_SERVER_MAIL_TEXT_H
#define BERTH_SERVER_MAIL_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/json.h"

struct mail_envelope {
    const char *from, *to;
    const char *host; /* for the message's id */
    const char *key;  /* likewise: what makes it once */
    struct instant now;
};

/* Headers and body, with CR LF. ERROR_CORRUPT: there is no such template. `members` is an object;
 * "url" and "code" among it are the caller's own. */
NODISCARD bool mail_text_write(struct buf *out, const struct mail_envelope *envelope,
                               const char *template, const json_t *members, struct error *err);

/* The same without a mail around it: subject and text, as they stand, with LF. For programs. */
NODISCARD bool mail_text_plain(const char *template, const json_t *members, struct buf *subject,
                               struct buf *message, struct error *err);

/* Whether the template's mail says a code. */
bool mail_text_has_code(const char *template);

#endif
