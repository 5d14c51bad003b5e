/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a recovery: the time in which books that were set back are held against machines. */

#ifndef BERTH_STORE_RECOVERY_H
#define BERTH_STORE_RECOVERY_H

#include "base/arena.h"
#include "store/db.h"

struct recovery_row {
    int64_t id;
    struct instant began, books_end;
};

/* The one that is open; `*ret_has` is false where none is. */
NODISCARD bool recovery_load(struct db *db, struct recovery_row *ret, bool *ret_has,
                             struct error *err);
NODISCARD bool recovery_insert(struct db *db, const struct recovery_row *row, struct error *err);
NODISCARD bool recovery_close(struct db *db, int64_t id, struct instant now, struct error *err);

/* What the lost time may have given out is never given out again: `by` numbers of each id, and
 * `by` revisions of each machine, are left out. */
NODISCARD bool recovery_leap(struct db *db, int64_t by, struct error *err);

/* A machine has said what it runs; false in `*ret_is_new` where it did since `after`. */
NODISCARD bool recovery_machine_say(struct db *db, int64_t recovery_id, int64_t machine_id,
                                    struct instant now, struct instant after, bool *ret_is_new,
                                    struct error *err);
NODISCARD bool recovery_instances_clear(struct db *db, int64_t recovery_id, int64_t machine_id,
                                        struct error *err);

struct recovery_instance {
    int64_t machine_id, instance_id, gen, phase;
};
NODISCARD bool recovery_instance_insert(struct db *db, int64_t recovery_id,
                                        const struct recovery_instance *instance,
                                        struct error *err);

/* Machines of the market that have not reported yet. */
NODISCARD bool recovery_silent(struct db *db, int64_t recovery_id, struct arena *arena,
                               int64_t **ret_ids, size_t *ret_count, struct error *err);

struct recovery_counts {
    int64_t machines, reported; /* of the market, and of these */
    int64_t matched;            /* instances that books and machine know */
};
NODISCARD bool recovery_count(struct db *db, int64_t recovery_id, struct recovery_counts *ret,
                              struct error *err);

/* On machines that have reported: what runs and the books do not know; and what the books have and
 * the machine has not (`phase` is -1). */
NODISCARD bool recovery_unknown(struct db *db, int64_t recovery_id, struct arena *arena,
                                struct recovery_instance **ret, size_t *ret_count,
                                struct error *err);
NODISCARD bool recovery_missing(struct db *db, int64_t recovery_id, struct arena *arena,
                                struct recovery_instance **ret, size_t *ret_count,
                                struct error *err);

/* Generations go on behind what machines have seen. */
NODISCARD bool recovery_raise_generations(struct db *db, int64_t recovery_id, struct error *err);

#endif
