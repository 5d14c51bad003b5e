/* SPDX-License-Identifier: Apache-2.0 */
/* The page for Prometheus: what the process has counted, and levels as of now.
 *
 * It tells how much business a market does, so it is for its operators: GET /metrics needs an
 * operator's key. Where the collector should have none, --metrics-listen opens a door of its own
 * (server/metrics_door.h). */

#ifndef BERTH_SERVER_METRICS_PAGE_H
#define BERTH_SERVER_METRICS_PAGE_H

#include "server/app.h"

/* Where the database does not answer, the page says so (berth_store_up), and leaves out what only
 * the books know: whoever collects it is to see that, and not that no server answers. `app` is a
 * struct app, as a door wants it. */
void metrics_page_write(void *app, struct buf *out);

#endif
