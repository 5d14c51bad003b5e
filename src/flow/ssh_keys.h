/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys of an account and of its instances. A change reaches running instances at once: their
 * generation rises, and the agent rewrites who is admitted without a restart. */

#ifndef BERTH_FLOW_SSH_KEYS_H
#define BERTH_FLOW_SSH_KEYS_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/ssh_key.h"

enum ssh_keys_outcome {
    SSH_KEYS_DONE,
    SSH_KEYS_NO_INSTANCE,
    SSH_KEYS_NO_KEY,    /* no such key on this account, or not on that instance */
    SSH_KEYS_NOT_A_KEY, /* reply.why says what is wrong with the text */
    SSH_KEYS_TOO_MANY,
};

struct ssh_keys_reply {
    enum ssh_keys_outcome outcome;
    const char *why;        /* a sentence, where the outcome is not DONE */
    struct ssh_key_row key; /* the one that was added, changed or attached */
};

NODISCARD bool flow_ssh_key_add(const struct flow *flow, const struct caller *caller,
                                const char *text, struct arena *arena, struct ssh_keys_reply *ret,
                                struct error *err);
NODISCARD bool flow_ssh_key_update(const struct flow *flow, const struct caller *caller,
                                   int64_t key_id, const char *text, struct arena *arena,
                                   struct ssh_keys_reply *ret, struct error *err);
NODISCARD bool flow_ssh_key_delete(const struct flow *flow, const struct caller *caller,
                                   int64_t key_id, struct ssh_keys_reply *ret, struct error *err);
NODISCARD bool flow_ssh_key_list(const struct flow *flow, const struct caller *caller,
                                 struct arena *arena, struct ssh_key_row **ret, size_t *ret_count,
                                 struct error *err);

/* On one instance. */
NODISCARD bool flow_ssh_key_attach(const struct flow *flow, const struct caller *caller,
                                   int64_t instance_id, const char *text, struct arena *arena,
                                   struct ssh_keys_reply *ret, struct error *err);
NODISCARD bool flow_ssh_key_detach(const struct flow *flow, const struct caller *caller,
                                   int64_t instance_id, int64_t key_id, struct ssh_keys_reply *ret,
                                   struct error *err);

/* `*ret_has` is false where the caller has no such instance. */
NODISCARD bool flow_ssh_key_list_of(const struct flow *flow, const struct caller *caller,
                                    int64_t instance_id, struct arena *arena,
                                    struct ssh_key_row **ret, size_t *ret_count, bool *ret_has,
                                    struct error *err);

#endif
