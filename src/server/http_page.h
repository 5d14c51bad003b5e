/* SPDX-License-Identifier: Apache-2.0 */
/* A reply that is made once and sent to many: http.h says how it is used.
 *
 * The library counts the connections that send one; we count who may still hand it to another. */

#ifndef BERTH_SERVER_HTTP_PAGE_H
#define BERTH_SERVER_HTTP_PAGE_H

#include "server/http_inside.h"

struct http_page {
    atomic_size_t holders;
    struct MHD_Response *response; /* owned */
    size_t length;
};

#endif
