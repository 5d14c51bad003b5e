/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that hosts are meant to run, by the digests of their bytes. */

#ifndef BERTH_STORE_AGENT_BUILD_H
#define BERTH_STORE_AGENT_BUILD_H

#include "base/arena.h"
#include "store/db.h"

struct agent_build_row {
    const char *digest;  /* 64 hexadecimal digits */
    const char *version; /* what the operator calls it */
    struct instant added;
};

/* The same again changes what it is called. */
NODISCARD bool agent_build_put(struct db *db, const struct agent_build_row *build,
                               struct error *err);
NODISCARD bool agent_build_remove(struct db *db, const char *digest, int64_t *ret_count,
                                  struct error *err);

/* Newest first. */
NODISCARD bool agent_build_list(struct db *db, size_t max, struct arena *arena,
                                struct agent_build_row **ret, size_t *ret_count, struct error *err);

/* How many there are, and how many of them are that one. */
NODISCARD bool agent_build_count(struct db *db, const char *digest, int64_t *ret_all,
                                 int64_t *ret_that, struct error *err);

#endif
