/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on instances: asked for, carried out by an agent at most once, kept for a while. */

#ifndef BERTH_STORE_OP_H
#define BERTH_STORE_OP_H

#include "base/arena.h"
#include "store/db.h"
#include "sys/crypto.h"

enum op_progress { OP_PENDING, OP_WAS_DONE, OP_HAS_FAILED, OP_IS_UNKNOWN };

struct op_row {
    int64_t id, contract_id, machine_id, owner_id;
    const char *op_id;
    struct hash token_hash;
    bool is_exec; /* else logs */
    int64_t min_gen;
    const char *command, *filter; /* NULL: none */
    int64_t tail;
    bool is_daemon_log;
    const char *since; /* of a log; NULL: whatever its age, and lines without their times */
    /* Of a copy to the contract: `command` is the path it comes from, `filter` where it goes to. */
    int64_t source_id, source_machine_id; /* 0: it is no copy */
    const char *source_host;              /* NULL: the clone of a volume, on one machine */
    int64_t source_port;
    /* Of a snapshot: what it is pushed as; with what login, sealed; whether all stands still. */
    const char *image, *login; /* NULL: it is none; without a login */
    bool is_paused;
    /* Of a copy by a connection to a cloud store: `command` is the path in the instance, `filter`
     * that in the store. */
    int64_t cloud_id;        /* 0: it is none */
    const char *cloud_flags; /* with a blank between them */
    bool is_to_cloud;
    const char *request_id; /* out; in, it is the thread's (sys/trace.h). "": none */
    struct instant created, expires;
    enum op_progress progress;
    const char *output; /* NULL while pending */
    int64_t exit_code;  /* of a command; -1: it has none, or nobody knows it */
};

/* How one ended. */
struct op_end {
    enum op_progress progress;
    const char *output;
    int64_t exit_code; /* -1 to 255 */
    struct instant at;
};

NODISCARD bool op_insert(struct db *db, const struct op_row *op, int64_t *ret_id,
                         struct error *err);
NODISCARD bool op_find(struct db *db, const struct hash *token_hash, struct arena *arena,
                       struct op_row *ret, bool *ret_has, struct error *err);

/* Not finished and not expired, oldest first; their outputs are not loaded. */
NODISCARD bool op_list_pending(struct db *db, int64_t machine_id, struct instant now, size_t max,
                               struct arena *arena, struct op_row **ret, size_t *ret_count,
                               struct error *err);

/* Copies that go on, to or from the contract. */
NODISCARD bool op_list_copies_of(struct db *db, int64_t contract_id, struct instant now, size_t max,
                                 struct arena *arena, struct op_row **ret, size_t *ret_count,
                                 struct error *err);

/* Copies to and from cloud stores that go on, of an account. */
NODISCARD bool op_list_clouds(struct db *db, int64_t owner_id, struct instant now, size_t max,
                              struct arena *arena, struct op_row **ret, size_t *ret_count,
                              struct error *err);

/* Of a volume into another one, not finished, and expired by now. */
NODISCARD bool op_find_lapsed_clone(struct db *db, struct instant now, struct arena *arena,
                                    struct op_row *ret, bool *ret_has, struct error *err);
NODISCARD bool op_count_pending(struct db *db, int64_t machine_id, int64_t *ret_count,
                                struct error *err);

/* The pending operation of that name on the machine. */
NODISCARD bool op_find_pending(struct db *db, int64_t machine_id, const char *op_id,
                               struct arena *arena, struct op_row *ret, bool *ret_has,
                               struct error *err);

/* `*ret_count` is 0 where the machine has no such pending operation. */
NODISCARD bool op_finish(struct db *db, int64_t machine_id, const char *op_id,
                         const struct op_end *end, int64_t *ret_count, struct error *err);

/* Give up on those that nobody began in time; drop those made before `kept_since`. */
NODISCARD bool op_expire(struct db *db, struct instant now, struct instant kept_since,
                         struct error *err);

#endif
