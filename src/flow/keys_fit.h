/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the keys in a server's folder are those of the market whose books it opens.
 *
 * Keys lie beside the database, and in none of its backups. A server that found none made new ones:
 * on a new machine, after a restore, or as one more beside others. Hosts would then believe none of
 * its instructions to delete, and what renters gave would stay closed; and whoever starts it sees
 * nothing of that. So the books know whose they are, by the public half of server.key and by the
 * master key's id, from the first start on. */

#ifndef BERTH_FLOW_KEYS_FIT_H
#define BERTH_FLOW_KEYS_FIT_H

#include "flow/flow.h"

enum keys_fit {
    KEYS_FIT,
    KEYS_FIT_OTHER_SERVER, /* hosts have joined by another server.key */
    KEYS_FIT_OTHER_MASTER, /* secrets lie under a master key that the vault does not have */
};

/* Notes the keys where they fit, or where they are accepted anyway: then they are the market's from
 * now on. */
NODISCARD bool flow_keys_fit(const struct flow *flow, bool is_accepted, enum keys_fit *ret,
                             struct error *err);

#endif
