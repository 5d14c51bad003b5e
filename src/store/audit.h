/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tables, for the checker: row after row in the order of their keys, however many there are.
 *
 * A stream reads a page at a time, from behind the last key of the page before, so it holds
 * little and no statement takes long. One row is seen before it is taken, which is what merging
 * two streams needs:
 *
 *     struct audit_stream legs = audit_open(db, AUDIT_LEGS);
 *     while (audit_see(&legs, &row, err) && row != NULL && row->at[0] == journal_id)
 *         audit_take(&legs);
 *
 * Nulls read as AUDIT_NULL. All streams of one transaction see the same moment. */

#ifndef BERTH_STORE_AUDIT_H
#define BERTH_STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "market/journal.h"
#include "store/db.h"

#define AUDIT_NULL INT64_C(-1)

/* Rows of a page. Where branches are counted it is 3, so that pages end everywhere. */
#ifndef BERTH_AUDIT_PAGE
#    define BERTH_AUDIT_PAGE 1024
#endif

enum {
    AUDIT_COLUMNS_MAX = 16,
    AUDIT_TEXT_SIZE = 100,
    AUDIT_PAGE = BERTH_AUDIT_PAGE,
    AUDIT_KEY_MAX = 5,
};

/* The columns of each, in order; the key first. */
enum audit_table {
    AUDIT_ACCOUNTS,    /* id, code, owner, flags, dr and cr posted, dr and cr pending, sub */
    AUDIT_TRANSFERS,   /* journal, leg, code, amount, debit, credit account */
    AUDIT_HOLD_DEBITS, /* account, sum of its open holds */
    AUDIT_HOLD_CREDITS,
    AUDIT_CAPTURED, /* holds that were: id, amount, what their journal took from where it was */
    AUDIT_DEBTORS,  /* owners that owe and have at once */
    AUDIT_JOURNALS, /* id, kind, occurred, posted, ref kind, ref id, corrects; key and body hash */
    AUDIT_LEGS,   /* journal, leg, code, amount, debit code, owner, sub, credit code, owner, sub */
    AUDIT_METERS, /* contract, component, denominator, fee bps, rate, quantity, total, posted total,
                   * remainder, fee remainder, gross posted, host posted, closed */
    AUDIT_EPOCHS, /* contract, component, epoch, rate, quantity, from total, to total */
    AUDIT_CONTRACTS, /* id, state, reason, GPUs, created, destroyed (0: not), kind, started, price
                      * an hour, list price, ticks of its bid, of its floor, whether it is charged
                      */
    AUDIT_INTERVALS, /* contract, start, id, metered, end */
    AUDIT_CLAIMS,    /* contract, id, GPU, claimed, released */
    AUDIT_GPUS,      /* GPU, claim id, contract, claimed, released */
    AUDIT_SEALS,     /* number, last journal, journals; hash */
    AUDIT_PROVIDER,  /* id, journal, account code, amount; what the journal moves on that code */
    AUDIT_SUSPENSE,  /* account, owner, credits older than a day, all debits */
    AUDIT_DEPOSITS,  /* id, state, amount, its journals, what they credit, those with its key, and
                      * what is held open for it */
    AUDIT_DEPOSITED, /* journals of deposits that do not exist */
    AUDIT_PAYOUTS,   /* id, host, state, amount; what is in transit for it */
    AUDIT_TRANSIT,   /* accounts in transit without a payout: account, host, payout, balance */
    AUDIT_PAID,      /* hosts: what was paid to them, what they have earned */
    AUDIT_INVOICES,  /* id, gross, total, drawn; its lines' gross and share; what its journal moves
                      */
    AUDIT_SERIES,    /* year, last number, how many there are, how many above the last */
    AUDIT_RENTER_INVOICES, /* id, owner, month, gross, total */
    AUDIT_RENTER_SERIES,   /* as AUDIT_SERIES, of renters' */
    AUDIT_RECEIPT_SERIES,  /* as AUDIT_SERIES, of receipts */
    AUDIT_LINES,           /* contract, day, component, kind, rate, gross, share */
    AUDIT_REFUNDS,         /* contract, component, id, rate, quantity, used, gross, host */
    AUDIT_RESERVATIONS, /* contract, kind, destroyed, open ones, paid, kept, given back; credits and
                           debits of the deposit, debits by usage, lines of what was kept */
    AUDIT_RESERVED,     /* account, owner, contract: of deposits that nobody made */
    AUDIT_RUNNERS,      /* users that something runs for; since when the first of it */
    AUDIT_ACCRUED,      /* users that have something, or had */
};

struct audit_row {
    int64_t at[AUDIT_COLUMNS_MAX];
    char key[AUDIT_TEXT_SIZE], hash[AUDIT_TEXT_SIZE];
};

struct audit_stream {
    struct db *db;
    enum audit_table table;
    struct audit_row *rows; /* owned */
    size_t row_count, next;
    bool is_last_page;
    int64_t last_key[AUDIT_KEY_MAX];
    uint64_t taken;
};

#define auto_audit __attribute__((cleanup(audit_close)))

struct audit_stream audit_open(struct db *db, enum audit_table table);

/* From behind the rows whose key begins with `key`. */
struct audit_stream audit_open_after(struct db *db, enum audit_table table, int64_t key);
void audit_close(struct audit_stream *stream);

/* The next row, which stays until it is taken and is NULL at the end. */
NODISCARD bool audit_see(struct audit_stream *stream, const struct audit_row **ret_row,
                         struct error *err);
void audit_take(struct audit_stream *stream);

/* A row of AUDIT_JOURNALS as a journal, whose legs are left as they are. */
void audit_journal(const struct audit_row *row, struct journal *journal);

/* The rows of AUDIT_LEGS that come next, if they are of this journal. More legs than there may be
 * are counted, not kept. */
NODISCARD bool audit_take_legs(struct audit_stream *legs, int64_t journal_id,
                               struct journal *journal, size_t *ret_count, struct error *err);

#endif
