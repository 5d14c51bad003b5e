/* SPDX-License-Identifier: Apache-2.0 */
/* Templates (market/template.h): rows that are found by their id, or by the hash of their content,
 * which is theirs alone among those that are not deleted. */

#ifndef BERTH_STORE_TEMPLATE_H
#define BERTH_STORE_TEMPLATE_H

#include "base/arena.h"
#include "store/db.h"

enum { TEMPLATE_HASH_SIZE = 33 }; /* 32 hexadecimal digits and a NUL */

struct template_row {
    int64_t id, owner_id;
    const char *hash_id, *form;
    const uint8_t *login; /* sealed; NULL: none */
    size_t login_length;
    bool is_private, is_recommended;
    struct instant created, used; /* used 0: never */
    int64_t used_count;           /* contracts that were made with it */
};

NODISCARD bool template_insert(struct db *db, const struct template_row *row, int64_t *ret_id,
                               struct error *err);
NODISCARD bool template_load(struct db *db, int64_t id, struct arena *arena,
                             struct template_row *ret, bool *ret_has, struct error *err);
NODISCARD bool template_find(struct db *db, const char *hash_id, struct arena *arena,
                             struct template_row *ret, bool *ret_has, struct error *err);

/* The owner's and everybody's, oldest first, at most `max`. */
NODISCARD bool template_list(struct db *db, int64_t owner_id, int64_t max, struct arena *arena,
                             struct template_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool template_count(struct db *db, int64_t owner_id, int64_t *ret, struct error *err);

/* Content, login, who sees it, and the hash, of row->id. */
NODISCARD bool template_update(struct db *db, const struct template_row *row, struct error *err);
NODISCARD bool template_delete(struct db *db, int64_t id, struct instant now, struct error *err);
NODISCARD bool template_use(struct db *db, int64_t id, struct instant now, struct error *err);

#endif
