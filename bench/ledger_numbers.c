/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "ledger_peers.h"
#include "market/ledger.h"

/* The peers know their accounts by number. */
struct ids {
    int64_t renters[RENTERS], hosts[HOSTS], gross, fee;
};

static struct ids ids;

void ids_keep(int64_t id, int64_t code, int64_t owner)
{
    if (code == LEDGER_RENTER_PREPAID)
        ids.renters[owner - FIRST_USER] = id;
    if (code == LEDGER_HOST_ACCRUED)
        ids.hosts[owner - FIRST_HOST] = id;
    if (code == LEDGER_GROSS_GPU)
        ids.gross = id;
    if (code == LEDGER_FEE_GPU)
        ids.fee = id;
}

const char ledger_peer_hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const char *const ledger_statements[SQL_COUNT] = {
    [SQL_JOURNAL] = "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                    "ref_kind, ref_id) VALUES ($1, $2, 1, $3, $3, 1, $4) RETURNING id",
    [SQL_LEG] = "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
    [SQL_DEBIT] = "UPDATE account SET dr_posted = dr_posted + $2 WHERE id = $1",
    [SQL_CREDIT] = "UPDATE account SET cr_posted = cr_posted + $2 WHERE id = $1",
};

struct numbers numbers_of(uint64_t *random)
{
    struct charge charge = next_charge(random);
    int64_t renter = ids.renters[charge.renter], host = ids.hosts[charge.host];
    struct numbers numbers = {
        .occurred = 1790000000000000,
        .contract = FIRST_USER + charge.renter,
        .legs = { { 0, 1, renter, ids.gross, 1000003, 11 },
                  { 0, 2, ids.gross, host, 750002, 12 },
                  { 0, 3, ids.gross, ids.fee, 250001, 13 } },
        .debit = { renter, 1000003 },
        .credit = { host, 750002 },
    };

    (void)snprintf(numbers.key, sizeof numbers.key, "use:%" PRId64 ":%" PRId64, numbers.contract,
                   charge.number);
    return numbers;
}
