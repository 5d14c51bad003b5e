/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: accounts are told of what they chose by a signed POST to an address of theirs (api.md
 * 3.11, docs/webhooks.md).
 *
 * The secret is shown when it is made, and lies sealed by the account's key. What is to be told is
 * an item of the outbox for each webhook that asks for its kind; where it goes and what it is
 * signed with is looked up when it is sent, so a webhook that is gone, or has another secret, is so
 * at once. One that has taken nothing for WEBHOOK_FAILING_SECONDS is turned off, and its owner
 * told. */

#ifndef BERTH_FLOW_WEBHOOK_H
#define BERTH_FLOW_WEBHOOK_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "market/notification.h"
#include "store/webhook.h"

enum {
    WEBHOOKS_MAX = 4, /* of an account */
    WEBHOOK_NAME_MAX = 64,
    WEBHOOK_FAILING_SECONDS = 3 * 24 * 3600,
};

enum webhook_outcome {
    WEBHOOK_DONE,
    WEBHOOK_UNKNOWN,
    WEBHOOK_TOO_MANY,
};

struct webhook_request {
    const char *name, *url; /* checked by the caller (sys/outbound.h); NULL: as it is */
    const bool *events;     /* by kind, NOTIFICATION_COUNT of them; NULL: as it is */
    bool is_enabled;
};

struct webhook_reply {
    enum webhook_outcome outcome;
    struct webhook_row row;       /* its secret is sealed */
    char secret[TOKEN_TEXT_SIZE]; /* where it was made: shown this once; else "" */
};

/* What it asks for is turned on among what the account is told of. */
NODISCARD bool flow_webhook_create(const struct flow *flow, const struct caller *caller,
                                   const struct webhook_request *request, struct arena *arena,
                                   struct webhook_reply *ret, struct error *err);

/* One that is enabled again begins anew. */
NODISCARD bool flow_webhook_update(const struct flow *flow, const struct caller *caller, int64_t id,
                                   const struct webhook_request *request, struct arena *arena,
                                   struct webhook_reply *ret, struct error *err);

/* Another secret, from the next delivery on. */
NODISCARD bool flow_webhook_rotate(const struct flow *flow, const struct caller *caller, int64_t id,
                                   struct arena *arena, struct webhook_reply *ret,
                                   struct error *err);
NODISCARD bool flow_webhook_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                                   enum webhook_outcome *ret, struct error *err);
NODISCARD bool flow_webhook_list(const struct flow *flow, const struct caller *caller,
                                 struct arena *arena, struct webhook_row **ret, size_t *ret_count,
                                 struct error *err);

/* Tell it something that says that it is a test, whatever it asks for. */
NODISCARD bool flow_webhook_test(const struct flow *flow, const struct caller *caller, int64_t id,
                                 enum webhook_outcome *ret, struct error *err);

/* Whether the webhook asks for that kind. */
bool webhook_wants(const struct webhook_row *row, const char *key);

/* Within a transaction: an item for each webhook of the account that asks for the kind. `key` makes
 * it once; `template` and `members` as of a notice (flow/notice.h). */
struct webhook_event {
    int64_t user_id;
    enum notification kind;
    const char *template, *key, *members;
};
NODISCARD bool webhook_tell(struct db *db, const struct webhook_event *event, struct instant now,
                            struct error *err);

/* For the deliverer: where to, and what with. `*ret_has` false: it is gone, or off. */
struct webhook_target {
    int64_t id, user_id;
    const char *url, *secret;
};
NODISCARD bool flow_webhook_target(const struct flow *flow, int64_t id, struct arena *arena,
                                   struct webhook_target *ret, bool *ret_has, struct error *err);

/* How a delivery went. */
NODISCARD bool flow_webhook_result(const struct flow *flow, int64_t id, bool has_arrived,
                                   struct error *err);

#endif
