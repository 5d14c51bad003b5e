/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a PostgreSQL server, in pipeline mode. Inside src/store/ only. */

#ifndef BERTH_STORE_DB_POSTGRES_H
#define BERTH_STORE_DB_POSTGRES_H

#include "store/driver.h"

/* A pool_open(). ERROR_UNREACHABLE: there is no server, or it refuses. */
NODISCARD bool db_postgres_open(const char *url, struct db **ret_db, struct error *err);

#endif
