/* SPDX-License-Identifier: Apache-2.0 */
/* Databases that are migrated once a build tree, and copied for every test: making one costs more
 * than most tests do. They lie in the build tree under a name made of the whole schema, so that
 * another schema makes others; tests of the migration itself begin with empty ones. */

#ifndef BERTH_TEST_STORE_SUPPORT_READY_H
#define BERTH_TEST_STORE_SUPPORT_READY_H

#include "store/support_postgres.h"

/* Start a PostgreSQL, not durable, in a folder that does not exist yet; it has a database named
 * "migrated", for others to be made like it. Ends the program if that fails. */
void ready_postgres_start(struct postgres_server *server, const char *directory);

/* Make `data`, a folder as store_open() takes it, with a migrated database in it. */
void ready_sqlite_copy(const char *data);

#endif
