/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of agents: the fencing token, the lease, and which sequence numbers were used.
 *
 * Every write that an agent causes starts by a compare-and-swap here, on the machine's epoch. */

#ifndef BERTH_STORE_SESSION_H
#define BERTH_STORE_SESSION_H

#include "base/arena.h"
#include "market/twins.h"
#include "store/db.h"

enum session_stream { STREAM_HEARTBEAT, STREAM_POLL, STREAM_OP };
enum { SESSION_STREAMS = 3 };

struct session_row {
    int64_t machine_id, epoch;
    const char *server_proc;           /* who holds the connection */
    const char *boot_id, *boot_before; /* and that of the session of another boot before it */
    struct twins twins;
    int64_t agent_incarnation;
    uint8_t fingerprint[32];
    struct instant opened, last_heartbeat;
    int64_t seq[SESSION_STREAMS]; /* last one taken, by stream */
};

NODISCARD bool session_load(struct db *db, int64_t machine_id, struct arena *arena,
                            struct session_row *ret, bool *ret_has, struct error *err);

/* Replace the machine's session by the next epoch. */
NODISCARD bool session_replace(struct db *db, const struct session_row *session, struct error *err);

/* Take `seq` if the epoch is current and it is above the last one of its stream. `*ret_count` is
 * 0 where it was not taken. */
NODISCARD bool session_take(struct db *db, int64_t machine_id, int64_t epoch,
                            enum session_stream stream, int64_t seq, int64_t *ret_count,
                            struct error *err);
/* session_take() of a heartbeat, and session_beat(), in one. */
NODISCARD bool session_take_beat(struct db *db, int64_t machine_id, int64_t epoch, int64_t seq,
                                 struct instant now, int64_t *ret_count, struct error *err);
NODISCARD bool session_beat(struct db *db, int64_t machine_id, int64_t epoch, struct instant now,
                            struct error *err);

/* What its agent has is stale from now on. */
NODISCARD bool session_end(struct db *db, int64_t machine_id, struct error *err);

/* Take over whatever hardware its next session shows. */
NODISCARD bool session_forget_hardware(struct db *db, int64_t machine_id, struct error *err);

/* Machines that are online and whose last heartbeat is at or before `before`. */
NODISCARD bool session_expired(struct db *db, struct instant before, int64_t *ret_ids, size_t max,
                               size_t *ret_count, struct error *err);

/* Who may speak for a machine, and in which epoch (0: it had no session yet). `*ret_has` is false
 * for one that is unknown or was removed. */
struct session_identity {
    uint8_t public_key[32], former_key[32];
    struct instant former_until; /* before which the former key is good, too; 0: there is none */
    int64_t epoch;
};
NODISCARD bool session_identity_load(struct db *db, int64_t machine_id,
                                     struct session_identity *ret, bool *ret_has,
                                     struct error *err);

/* Numbers of polls, many in one statement: session_take() of STREAM_POLL on PostgreSQL alone. Of
 * two of one machine at most one is taken. */
enum { SESSION_POLLS_MAX = 64 };
struct session_poll {
    int64_t machine_id, epoch, seq;
    bool is_taken; /* comes back */
};
NODISCARD bool session_take_polls(struct db *db, struct session_poll *polls, size_t count,
                                  struct error *err);

#endif
