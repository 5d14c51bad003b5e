/* SPDX-License-Identifier: Apache-2.0 */
/* One mail over SMTP or SMTPS: libcurl.
 *
 * "smtps://host:465" is TLS from the first byte. "smtp://host:587" must turn to TLS by STARTTLS,
 * except towards this machine itself, where it does if the server offers it. Certificates are
 * verified. */

#ifndef BERTH_SYS_SMTP_H
#define BERTH_SYS_SMTP_H

#include "base/buf.h"
#include "base/error.h"

struct smtp_server {
    const char *url;
    const char *user, *password; /* or NULL */
    const char *ca_file;         /* certificates to trust in place of the system's, or NULL */
};

struct smtp_mail {
    const char *from, *to;  /* bare addresses */
    const struct buf *text; /* headers and body, its lines ended by CR LF */
};

/* Whether it is an address of the two kinds above, with a host and nothing behind its port. */
bool smtp_url_is_good(const char *url);

/* The server's last code, such as 250, and what it said. False: there was no answer, or TLS is not
 * to be had. */
NODISCARD bool smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
                         int *ret_code, struct buf *reply, struct error *err);

#endif
