/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting an account, as rows: what stands against it, and what becomes of its rows.
 *
 * What says whose the account was is gone: its email, names and addresses, whatever it logs in
 * with, its keys, secrets, cards, webhooks and cloud connections, and what it would still do by
 * itself. The books, invoices, contracts, payments, reports and the audit log stay: they name its
 * number. */

#ifndef BERTH_STORE_CLOSING_H
#define BERTH_STORE_CLOSING_H

#include "market/closing.h"
#include "store/db.h"

NODISCARD bool closing_load(struct db *db, int64_t user_id, struct closing_facts *ret,
                            struct error *err);

/* Within the transaction that has found that nothing stands against it, and holds the user. */
NODISCARD bool closing_erase(struct db *db, int64_t user_id, struct instant now, struct error *err);

#endif
