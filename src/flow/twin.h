/* SPDX-License-Identifier: Apache-2.0 */
/* Two machines with one key (market/twins.h) are taken off the market: what is rented stays where
 * its GPUs are, and nothing more is rented until the owner, who is told once a day, lists it again.
 */

#ifndef BERTH_FLOW_TWIN_H
#define BERTH_FLOW_TWIN_H

#include "base/arena.h"
#include "store/machine.h"
#include "store/session.h"

/* A session opens under another boot than the one before. */
struct twin_hello {
    struct machine_row *machine; /* unlisted, where it is one of two */
    struct session_row *session; /* the one before: takes its boot, and the count, along */
    const char *boot_id;
    struct instant now;
};
NODISCARD bool twin_note(struct db *db, const struct twin_hello *hello, struct arena *arena,
                         bool *ret_has_twin, struct error *err);

#endif
