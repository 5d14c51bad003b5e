/* SPDX-License-Identifier: Apache-2.0 */
/* What payment providers know our accounts by: customers, saved cards, the pages on which cards are
 * left, who got test credit, and which of a provider's transactions is in which journal. */

#ifndef BERTH_STORE_PAYMENT_H
#define BERTH_STORE_PAYMENT_H

#include "base/arena.h"
#include "market/ledger.h"
#include "store/db.h"

enum { INSTALLATION_SIZE = 25 };

/* The name of this database among those that share a provider's account: `fresh`, if it has none
 * yet. */
NODISCARD bool installation_name(struct db *db, const char *fresh,
                                 char ret[static INSTALLATION_SIZE], struct error *err);

/* When that was last done; the epoch: never. */
NODISCARD bool setting_time(struct db *db, const char *name, struct instant *ret,
                            struct error *err);
NODISCARD bool setting_set_time(struct db *db, const char *name, struct instant at,
                                struct error *err);
/* The same for texts. `*ret_has` false: it was never set. */
NODISCARD bool setting_is(struct db *db, const char *name, const char *value, bool *ret_is,
                          bool *ret_has, struct error *err);
NODISCARD bool setting_set(struct db *db, const char *name, const char *value, struct error *err);

/* The provider's name for the user; false in `*ret_has`: it has none yet. */
NODISCARD bool customer_of(struct db *db, const char *provider, int64_t user_id,
                           struct arena *arena, const char **ret, bool *ret_has, struct error *err);
/* And back. */
NODISCARD bool customer_find(struct db *db, const char *provider, const char *customer,
                             int64_t *ret_user_id, bool *ret_has, struct error *err);
/* The first one stays. */
NODISCARD bool customer_set(struct db *db, const char *provider, int64_t user_id,
                            const char *customer, struct error *err);

struct card_row {
    int64_t id, user_id;
    const char *provider, *object_id;
    const char *brand, *last4, *fingerprint;
    int64_t month, year;
    struct instant created;
};

/* One that is known is brought up to date; one that was removed stays so. */
NODISCARD bool card_put(struct db *db, const struct card_row *row, struct error *err);
/* Oldest first, without those that were removed. */
NODISCARD bool card_list(struct db *db, int64_t user_id, struct arena *arena, struct card_row **ret,
                         size_t *ret_count, struct error *err);
NODISCARD bool card_remove(struct db *db, int64_t user_id, int64_t id, struct instant now,
                           int64_t *ret_count, struct error *err);

/* Stored in card_page.state. */
enum card_page_state { CARD_PAGE_MADE, CARD_PAGE_OPEN, CARD_PAGE_OVER };

struct card_page_row {
    int64_t id, user_id;
    const char *provider, *url;
    enum card_page_state state;
    struct instant created;
};
NODISCARD bool card_page_insert(struct db *db, struct card_page_row *row, struct error *err);
/* The user's newest since then that is not over. */
NODISCARD bool card_page_newest(struct db *db, int64_t user_id, struct instant since,
                                struct arena *arena, struct card_page_row *ret, bool *ret_has,
                                struct error *err);
NODISCARD bool card_page_load(struct db *db, int64_t id, struct arena *arena,
                              struct card_page_row *ret, bool *ret_has, struct error *err);
/* `page` and `url` "" keep what is known. */
NODISCARD bool card_page_set(struct db *db, int64_t id, enum card_page_state state,
                             const char *page, const char *url, struct error *err);

struct test_credit_row {
    int64_t user_id;
    const char *fingerprint, *mailbox;
    struct money amount;
    struct instant granted;
};
/* `*ret_is_new` false: the account, the card or the mailbox has had it. */
NODISCARD bool test_credit_insert(struct db *db, const struct test_credit_row *row,
                                  bool *ret_is_new, struct error *err);
/* Users whose test credit was given up to then and has not run out, at most `max`. */
NODISCARD bool test_credit_due(struct db *db, struct instant granted_until, int64_t *ret_ids,
                               size_t max, size_t *ret_count, struct error *err);
NODISCARD bool test_credit_load(struct db *db, int64_t user_id, struct money *ret_amount,
                                bool *ret_has, struct error *err);
NODISCARD bool test_credit_expire(struct db *db, int64_t user_id, struct instant now,
                                  struct error *err);

/* A transaction on a balance that a provider keeps for us. */
struct provider_txn_row {
    const char *provider, *id;
    enum ledger_code code; /* of the balance */
    struct money amount;   /* below zero where it went out; never zero */
    struct instant at;
};
NODISCARD bool provider_txn_insert(struct db *db, const struct provider_txn_row *row,
                                   const char *journal_key, struct error *err);
NODISCARD bool provider_txn_exists(struct db *db, const char *provider, const char *id,
                                   bool *ret_has, struct error *err);

#endif
