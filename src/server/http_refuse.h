/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP library refuses by itself, said in our words.
 *
 * A head that is too long, a line that is none, a chunk that cannot be: the library answers those
 * with a page of HTML, and has no option for another. But it queues that page as anybody would,
 * with its public MHD_queue_response(), and the dynamic linker finds a function of that name in the
 * program first. So the one here is called, for nothing but those pages; it drops the page, tells
 * the client in JSON past the library, and has the connection closed. Our own replies go by
 * refuse_not().
 *
 * Where a library calls itself some other way, its pages stay as they are: a test tells. */

#ifndef BERTH_SERVER_HTTP_REFUSE_H
#define BERTH_SERVER_HTTP_REFUSE_H

#include "server/http_inside.h"

/* The library's own function: for replies that are ours already. */
enum MHD_Result refuse_not(struct MHD_Connection *mhd, unsigned status,
                           struct MHD_Response *response);

/* The code that goes with a status that is given before a request is understood. */
const char *refuse_code(int status);

#endif
