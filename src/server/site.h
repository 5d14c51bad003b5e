/* SPDX-License-Identifier: Apache-2.0 */
/* The web console's files, as the build left them in a folder: read once, at the start.
 *
 * Requests meet names that are known, never a file system: what is not in memory is not there. A
 * file `x.gz` beside an `x` is what is sent of `x` to who takes gzip. What lies below assets/ has
 * its content's hash in its name, so it may be kept for good; all else is asked for again each
 * time, and answered 304 where it is still the same. Paths without a dot behind their last slash
 * are places within the console: its page. */

#ifndef BERTH_SERVER_SITE_H
#define BERTH_SERVER_SITE_H

#include "base/compiler.h"
#include "base/error.h"
#include "server/http.h"

enum {
    SITE_FILES_MAX = 256,
    SITE_NAME_MAX = 128,      /* bytes of a file's path below the folder */
    SITE_BYTES_MAX = 8 << 20, /* of one file */
    SITE_DEPTH_MAX = 3,       /* folders below each other */
};

/* No page of ours has code within it or loads any from elsewhere. */
#define SITE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "                   \
    "frame-ancestors 'none'"

struct site;

/* `folder` NULL: beside the program's own folder (../web), or /usr/share/berth/web; where there is
 * none, a site whose one page says so. A folder that is named must have an index.html. Names that
 * begin with a dot, links and what else is no plain file are passed over; ERROR_OUT_OF_RANGE where
 * a limit above does not hold. */
NODISCARD bool site_open(const char *folder, struct site **ret_site, struct error *err);
void site_close(struct site **site);

/* How many files it answers with; 0: there is no console. */
size_t site_count(const struct site *site);

/* Ends the exchange of a GET or HEAD. False, and nothing done: there is nothing at its path. */
NODISCARD bool site_answer(const struct site *site, struct http_exchange *exchange);

#endif
