/* SPDX-License-Identifier: Apache-2.0 */
/* Relays, and which of their ports leads to which contract. A port is given to one contract at a
 * time (the table's key), when that is made, and taken back when it is destroyed. */

#ifndef BERTH_STORE_RELAY_H
#define BERTH_STORE_RELAY_H

#include "base/arena.h"
#include "store/db.h"

struct relay_row {
    int64_t id;
    const char *agent_host; /* where agents dial */
    int64_t agent_port;
    const char *public_host; /* where renters do */
    int64_t port_first, port_last;
    const char *pin; /* of its key, in hexadecimal; "": plain TCP */
    bool has_https;  /* it shows browsers a certificate */
    struct instant alive_until;
    int64_t free_count; /* ports; only ever read */
};

struct relay_port_row {
    int64_t relay_id, port, contract_id;
    int64_t inside;
    int64_t asked;    /* the same, or what stands for a number that is the relay's own */
    int64_t protocol; /* enum relaying_protocol */
    const char *public_host;
    bool has_https; /* the relay; like its host only ever read */
};

/* What a relay must know of a port that leads somewhere. */
struct relay_route {
    int64_t port, contract_id, inside, protocol;
    int64_t machine_id, epoch; /* 0: no session yet */
    uint8_t public_key[32], former_key[32];
    int64_t former_left_us; /* for which the former key is good, too; 0: not at all */
};

NODISCARD bool relay_insert(struct db *db, const struct relay_row *relay, int64_t *ret_id,
                            struct error *err);
NODISCARD bool relay_find(struct db *db, const char *agent_host, int64_t agent_port,
                          struct arena *arena, struct relay_row *ret, bool *ret_has,
                          struct error *err);

/* All but where agents dial it. */
NODISCARD bool relay_update(struct db *db, const struct relay_row *relay, struct error *err);

/* Those that were heard of, the one with most ports left first. */
NODISCARD bool relay_list_alive(struct db *db, struct instant now, struct arena *arena,
                                struct relay_row **ret, size_t *ret_count, struct error *err);

/* Those that have a port for a contract on the machine. */
NODISCARD bool relay_list_of(struct db *db, int64_t machine_id, struct arena *arena,
                             struct relay_row **ret, size_t *ret_count, struct error *err);

/* The machines that such a port leads to. */
NODISCARD bool relay_machines(struct db *db, int64_t relay_id, struct arena *arena, int64_t **ret,
                              size_t *ret_count, struct error *err);
NODISCARD bool relay_routes(struct db *db, int64_t relay_id, struct instant now,
                            struct arena *arena, struct relay_route **ret, size_t *ret_count,
                            struct error *err);

/* Whether any port leads to the machine. */
NODISCARD bool relay_leads_to(struct db *db, int64_t machine_id, bool *ret_leads,
                              struct error *err);

/* Taken ones from `port` up, in order. */
NODISCARD bool relay_ports_from(struct db *db, int64_t relay_id, int64_t port, int64_t *ret_ports,
                                size_t max, size_t *ret_count, struct error *err);
NODISCARD bool relay_port_insert(struct db *db, const struct relay_port_row *port,
                                 struct error *err);

/* Of a contract, in order of what they lead to. */
NODISCARD bool relay_port_list(struct db *db, int64_t contract_id, struct arena *arena,
                               struct relay_port_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool relay_port_remove(struct db *db, int64_t contract_id, int64_t *ret_count,
                                 struct error *err);

#endif
