/* SPDX-License-Identifier: Apache-2.0 */
/* Changes between servers on one PostgreSQL, by LISTEN and NOTIFY. Inside src/store/ only.
 *
 * Each process has a name; what it said itself it does not hear. */

#ifndef BERTH_STORE_LISTEN_H
#define BERTH_STORE_LISTEN_H

#include "store/driver.h"

struct listen;

NODISCARD bool listen_open(const char *url, struct listen **ret_listen, struct error *err);
void listen_close(struct listen **listen);

/* Readable when there may be something to receive. */
int listen_descriptor(struct listen *listen);

NODISCARD bool listen_send(struct listen *listen, const struct db_change *changes, size_t count,
                           struct error *err);

/* Call `hear` with all that has come. */
NODISCARD bool listen_receive(struct listen *listen,
                              void (*hear)(void *context, struct db_change change), void *context,
                              struct error *err);

#endif
