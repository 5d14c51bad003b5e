/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of people, as rows: who they are, and until when their credit lasts. What they own is
 * in the ledger (store/ledger.h). */

#ifndef BERTH_STORE_USER_H
#define BERTH_STORE_USER_H

#include "base/arena.h"
#include "store/db.h"

enum { EMAIL_LENGTH_MAX = 254, NAME_LENGTH_MAX = 128 };

/* Texts live in the arena they were loaded into. */
struct user_row {
    int64_t id;
    const char *email; /* lower case */
    const char *username, *fullname;
    bool is_admin;
    struct instant created;
    struct money credit_limit; /* how far below zero the balance may go: debit mode */
    struct instant t_zero;     /* when credit ends at the present burn; INSTANT_NEVER: never */
    int64_t warned;            /* levels that were told of: market/warning.h */
    struct money spend_cap;    /* an hour; 0: what age and history allow */
    struct money low_credit;   /* to be warned below it, ... */
    bool warns_low;            /* ... if this is on */
    bool is_verified;          /* mail has arrived at its email, or the operator says so */
    bool has_tfa;              /* logging in takes a second factor */
    bool is_host_only;
    int64_t parent_id;     /* of a subaccount; else 0 */
    struct instant closed; /* when it was deleted; 0: it was not */
};

NODISCARD bool user_insert(struct db *db, const struct user_row *user, int64_t *ret_id,
                           struct error *err);
NODISCARD bool user_load(struct db *db, int64_t id, struct arena *arena, struct user_row *ret,
                         bool *ret_has, struct error *err);

/* The parts of the address that bills go to, and the phone to call about them. */
enum address_part {
    ADDRESS_LINE1,
    ADDRESS_LINE2,
    ADDRESS_CITY,
    ADDRESS_ZIP,
    ADDRESS_COUNTRY,
    ADDRESS_TAXINFO,
    ADDRESS_PHONE,
    ADDRESS_PARTS,
};

/* With what an account shows of itself besides. */
struct user_profile {
    struct user_row user;
    const char *address[ADDRESS_PARTS]; /* "" where it says nothing */
    const char *ssh_key;                /* the oldest of the account; "" without */
    bool has_machines;
    const char *terms; /* of the market, accepted at `terms_at`; "" none */
    struct instant terms_at;
    struct money autobill; /* below it a card is charged (store/autopay.h); 0: none is */
};
NODISCARD bool user_load_profile(struct db *db, int64_t id, struct arena *arena,
                                 struct user_profile *ret, bool *ret_has, struct error *err);
NODISCARD bool user_find(struct db *db, const char *email, struct arena *arena,
                         struct user_row *ret, bool *ret_has, struct error *err);

/* Take the user's row for this transaction: what follows decides over the whole account. */
NODISCARD bool user_lock(struct db *db, int64_t id, struct error *err);

/* Likewise, for what somebody does with their account: ERROR_NOT_FOUND where it was deleted
 * meanwhile. What the market itself has to do goes on after that, by user_lock(). */
NODISCARD bool user_lock_open(struct db *db, int64_t id, struct error *err);
NODISCARD bool user_set_t_zero(struct db *db, int64_t id, struct instant t_zero, struct error *err);
NODISCARD bool user_set_names(struct db *db, int64_t id, const char *username, const char *fullname,
                              struct error *err);
NODISCARD bool user_set_address(struct db *db, int64_t id, const char *const parts[ADDRESS_PARTS],
                                struct error *err);
NODISCARD bool user_set_credit_limit(struct db *db, int64_t id, struct money limit,
                                     int64_t *ret_count, struct error *err);

/* Levels that were told of; and when the next is due. */
NODISCARD bool user_set_warned(struct db *db, int64_t id, int64_t warned, struct instant next,
                               struct error *err);

/* Whether a mail of that level may go: none has for WARNING_APART_US. It is as good as sent. */
NODISCARD bool user_may_warn(struct db *db, int64_t id, int64_t level, struct instant now,
                             bool *ret_may, struct error *err);
NODISCARD bool user_set_low_credit(struct db *db, int64_t id, struct money amount, bool is_on,
                                   struct error *err);

/* Users that are to be warned by `now`, at most `max`. */
NODISCARD bool user_to_warn(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                            size_t *ret_count, struct error *err);
NODISCARD bool user_set_spend_cap(struct db *db, int64_t id, struct money cap, int64_t *ret_count,
                                  struct error *err);

/* Users whose credit has ended by `now`, earliest first, at most `max`. */
NODISCARD bool user_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err);

/* Where its mails go: its email, or that of the owner where it is a team's; "" where that account
 * was deleted. */
NODISCARD bool user_mail(struct db *db, int64_t id, struct arena *arena, const char **ret,
                         struct error *err);

/* Of an account: Argon2id's text; "" where it has no password. */
NODISCARD bool user_load_password(struct db *db, int64_t id, struct arena *arena, const char **ret,
                                  struct error *err);

/* Which version of the market's terms its owner has accepted, and when. */
NODISCARD bool user_set_terms(struct db *db, int64_t id, const char *terms, struct instant at,
                              struct error *err);
NODISCARD bool user_set_password(struct db *db, int64_t id, const char *password,
                                 struct error *err);

/* This email, and mail arrives there. One that another account has is ERROR_CONFLICT. */
NODISCARD bool user_set_email(struct db *db, int64_t id, const char *email, struct instant now,
                              struct error *err);

/* Since when it takes a second factor; the epoch: it does not. */
NODISCARD bool user_set_tfa(struct db *db, int64_t id, struct instant since, struct error *err);

/* The subaccounts of an account, oldest first, at most `max`. */
NODISCARD bool user_list_of_parent(struct db *db, int64_t parent_id, size_t max,
                                   struct arena *arena, struct user_row **ret, size_t *ret_count,
                                   struct error *err);

/* In order of id, above `after`. */
NODISCARD bool user_list(struct db *db, int64_t after, size_t max, struct arena *arena,
                         struct user_row **ret, size_t *ret_count, struct error *err);

#endif
