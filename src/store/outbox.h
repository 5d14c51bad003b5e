/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done in the world once a transaction has committed: a mail, a payment, a refund.
 *
 * A flow appends, in its own transaction; the deliverer leases what is due, does it, and says how
 * it went. A lease runs out, so what a dead server had begun is begun again: whoever is asked must
 * know the item's key and do a thing once for it. Of two that lease at once one gets it. */

#ifndef BERTH_STORE_OUTBOX_H
#define BERTH_STORE_OUTBOX_H

#include "base/arena.h"
#include "base/instant.h"
#include "store/db.h"

enum { OUTBOX_LEASE_MAX = 64, OUTBOX_RESPONSE_MAX = 4096 };

#define OUTBOX_WEBHOOK "webhook"

/* Those whom strangers named may be as slow as they like: they stand in a queue of their own. */
/* Calls of payment providers have one, too: what is to become of their answers is not what becomes
 * of a mail's (server/payments.h). */
enum outbox_lane { OUTBOX_PROMPT = 0, OUTBOX_SLOW = 1, OUTBOX_PAY = 2 };

struct outbox_item {
    int64_t id;
    const char *key;      /* what makes it happen once */
    const char *provider; /* "mail", "stripe"; OUTBOX_WEBHOOK in the slow lane */
    const char *method, *path, *body;
    const char *account;       /* of a provider, that it is done as; NULL is ours */
    const char *request_id;    /* out; in, it is the thread's (sys/trace.h). "": none */
    int64_t attempts;          /* leases so far, with this one */
    struct instant first_sent; /* when the first of them was taken */
};

/* Due at once. The same key again changes nothing; with another content it is ERROR_CONFLICT. */
NODISCARD bool outbox_append(struct db *db, const struct outbox_item *item, struct instant now,
                             struct error *err);

/* Whether there is one of that key, and whether it waits. */
NODISCARD bool outbox_look(struct db *db, const char *key, bool *ret_has, bool *ret_waits,
                           struct error *err);

struct outbox_lease {
    const char *owner; /* this server and thread */
    struct instant now, until;
    size_t max; /* at most OUTBOX_LEASE_MAX */
    enum outbox_lane lane;
};

/* Take what has been due the longest. Texts are in the arena. */
NODISCARD bool outbox_lease(struct db *db, const struct outbox_lease *lease, struct arena *arena,
                            struct outbox_item ret_items[static OUTBOX_LEASE_MAX],
                            size_t *ret_count, struct error *err);

enum outbox_end { OUTBOX_DONE = 1, OUTBOX_GIVEN_UP = 2, OUTBOX_AGAIN = 0 };

struct outbox_result {
    enum outbox_end end;
    struct instant next;  /* OUTBOX_AGAIN: not before */
    int64_t status;       /* HTTP's or SMTP's; 0: there was no answer */
    const char *response; /* what came back; kept up to OUTBOX_RESPONSE_MAX */
};

/* `*ret_is_ours` false: the lease had run out and somebody else has it, or has finished it. */
NODISCARD bool outbox_finish(struct db *db, int64_t id, const char *owner,
                             const struct outbox_result *result, bool *ret_is_ours,
                             struct error *err);

/* When the next one is due, which may be past; false in `*ret_has` when none waits. */
NODISCARD bool outbox_next(struct db *db, enum outbox_lane lane, struct instant *ret_due,
                           bool *ret_has, struct error *err);

#endif
