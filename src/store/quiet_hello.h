/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of machines that are as they were, opened many in one statement: after an outage of the
 * servers all agents come back at once, and nothing of them is new but their epochs. */

#ifndef BERTH_STORE_QUIET_HELLO_H
#define BERTH_STORE_QUIET_HELLO_H

#include "store/db.h"
#include "sys/crypto.h"

enum { QUIET_HELLOS_MAX = 64, QUIET_HELLO_BOOT_MAX = 63 };

struct quiet_hello {
    int64_t machine_id;
    int64_t epoch; /* the one that ends */
    struct instant now;
    int64_t agent_incarnation;
    const char *boot_id; /* at most QUIET_HELLO_BOOT_MAX bytes */
    struct hash fingerprint;
    struct hash facts; /* of machine_row.facts */
    struct hash gpus;  /* of the uuids of its rows of GPUs, sorted by their bytes, a line each */

    bool is_taken;     /* comes back: its session is the next epoch's, and that was all */
    bool is_relayed;   /* comes back where it is: relays lead to it */
    bool has_rebooted; /* likewise: its boot is another than that of the epoch before */
};

/* On PostgreSQL alone. Of two of one machine at most one is taken. Those that are not taken are not
 * stored: something is new, the machine is quarantined or gone, or its epoch is another. */
NODISCARD bool quiet_hello_take(struct db *db, const char *server_proc, struct quiet_hello *hellos,
                                size_t count, struct error *err);

#endif
