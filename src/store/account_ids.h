/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection remembers of accounts: under which id each is stored. An account that has been
 * committed is never deleted and never gets another key, so its id may be believed for good; one
 * that came into being in a transaction that is lost is forgotten with it. Of two accounts that
 * meet in one place the later is remembered. Inside src/store/ only. */

#ifndef BERTH_STORE_ACCOUNT_IDS_H
#define BERTH_STORE_ACCOUNT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "market/ledger.h"

enum {
    ACCOUNT_IDS_MAX = 16384,
    ACCOUNT_IDS_FRESH_MAX = 512, /* of one transaction; more are not remembered */
};

struct account_id {
    struct ledger_key key;
    int64_t id; /* 0: the place is free */
};

struct account_ids {
    struct account_id places[ACCOUNT_IDS_MAX];
    size_t fresh[ACCOUNT_IDS_FRESH_MAX];
    size_t fresh_count; /* places that the transaction at hand has filled */
};

/* 0: not remembered. */
int64_t account_ids_find(const struct account_ids *ids, struct ledger_key key);
void account_ids_learn(struct account_ids *ids, struct ledger_key key, int64_t id);

/* The transaction has ended: what it taught may be believed from now on; or may not. */
void account_ids_keep(struct account_ids *ids);
void account_ids_forget(struct account_ids *ids);

#endif
