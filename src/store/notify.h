/* SPDX-License-Identifier: Apache-2.0 */
/* Tells listeners, on a thread of its own, what has changed. Inside src/store/ only.
 *
 * Whoever commits only leaves the changes here; nobody who writes ever waits for a listener. On
 * PostgreSQL the thread also passes them on with NOTIFY, after the commit and on a connection
 * of its own: inside the transaction, NOTIFY would make commits wait for one another. Where
 * changes may have been missed (the queue was full, the connection was down) listeners hear of
 * id 0, which is any. */

#ifndef BERTH_STORE_NOTIFY_H
#define BERTH_STORE_NOTIFY_H

#include "store/driver.h"
#include "store/store.h"

enum { NOTIFY_QUEUE_MAX = 4096, NOTIFY_LISTENERS_MAX = 16 };

struct notify;

/* `url` is that of the PostgreSQL to pass changes through, or NULL. `log` is borrowed. */
NODISCARD bool notify_start(const char *url, const struct log *log, struct notify **ret_notify,
                            struct error *err);
void notify_stop(struct notify **notify);

void notify_subscribe(struct notify *notify, store_listener *listener, void *context);

/* What the transaction that just committed has changed. */
void notify_push(struct notify *notify, const struct db *db);

#endif
