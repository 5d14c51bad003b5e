/* SPDX-License-Identifier: Apache-2.0 */
/* The page for Prometheus: what the process has counted, and levels as of now.
 *
 * It tells how much business a market does, so it is for its operators: GET /metrics needs an
 * operator's key. Where the collector should have none, --metrics-listen opens a door of its own
 * that serves this page and nothing else, to whoever can reach that address. */

#ifndef BERTH_SERVER_METRICS_PAGE_H
#define BERTH_SERVER_METRICS_PAGE_H

#include "server/app.h"

#define METRICS_TYPE "text/plain; version=0.0.4"

/* Where the database does not answer, the page says so (berth_store_up), and leaves out what only
 * the books know: whoever collects it is to see that, and not that no server answers. */
void metrics_page_write(struct app *app, struct buf *out);

/* Borrows the app. Closed with http_close(). */
NODISCARD bool metrics_door_open(struct app *app, const char *listen, struct http **ret_http,
                                 struct error *err);

#endif
