/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_reservations.h"

#include <inttypes.h>

#include "market/rental.h"

/* What was paid into a contract's deposits is what was drawn, kept, given back and is there; there
 * is something only while one is open; and a contract is reserved for just as long. */
static void check_deposit(struct check_run *run, const struct audit_row *row)
{
    int64_t id = row->at[0], kind = row->at[1], destroyed = row->at[2], open = row->at[3];
    int64_t paid = row->at[4], kept = row->at[5], given_back = row->at[6];
    int64_t credits = row->at[7], debits = row->at[8], drawn = row->at[9], lines = row->at[10];

    if (credits != paid || debits != drawn + kept + given_back)
        check_run_find(run, "I-22",
                       "into the deposits of contract %" PRId64 " %" PRId64
                       " was paid, and %" PRId64 " drawn, %" PRId64 " kept, %" PRId64
                       " given back; its account says %" PRId64 " and %" PRId64,
                       id, paid, drawn, kept, given_back, credits, debits);
    if (open == 0 && credits != debits)
        check_run_find(run, "I-22",
                       "contract %" PRId64 " has no open deposit, and %" PRId64 " in it", id,
                       credits - debits);
    if ((kind == KIND_RESERVED) != (open == 1) || (destroyed != 0 && open != 0))
        check_run_find(run, "I-22",
                       "contract %" PRId64 " of kind %" PRId64 " has %" PRId64 " open deposits", id,
                       kind, open);
    if (lines != kept)
        check_run_find(run, "I-22",
                       "of the deposits of contract %" PRId64 " %" PRId64 " was kept, and %" PRId64
                       " is on bills",
                       id, kept, lines);
}

static bool check_deposits(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_RESERVATIONS);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        check_deposit(run, row);
    }
    return false;
}

bool check_reservations(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_RESERVED);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return check_deposits(run, err);
        check_run_find(run, "I-22",
                       "account %" PRId64 " is the deposit of contract %" PRId64
                       ", for which nobody paid ahead",
                       row->at[0], row->at[2]);
    }
    return false;
}
