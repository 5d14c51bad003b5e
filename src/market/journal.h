/* SPDX-License-Identifier: Apache-2.0 */
/* One business event in the books: its legs, built so that they balance (money.md 1.2 to 1.6).
 *
 * A renter pays from what was paid ahead for that contract, then from given credit, then from
 * bought credit, then into debt; whatever credits a renter settles the debt first. Turnover passes
 * through a control account per component, which nets to zero in every journal: 75 % to the host,
 * 25 % to the house.
 *
 * The key makes posting idempotent: the same key with the same body is the same event. The body is
 * what was asked, not how it was paid, so a retry after the balance moved is still the same; and
 * it can be recomputed from stored legs. store/ hashes it. */

#ifndef BERTH_MARKET_JOURNAL_H
#define BERTH_MARKET_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/instant.h"
#include "base/money.h"
#include "market/ledger.h"
#include "market/meter.h"

enum { JOURNAL_LEGS_MAX = 16, JOURNAL_KEY_SIZE = 96, JOURNAL_BODY_MAX = 4096 };

/* Stored in journal.kind. */
enum journal_kind {
    JOURNAL_USAGE = 1,        /* use:<instance>:<n> */
    JOURNAL_DEPOSIT = 2,      /* dep:<deposit> */
    JOURNAL_PROMO = 3,        /* promo:signup:<user>, promo:card:<fingerprint>, adj:<ticket> */
    JOURNAL_CORRECTION = 4,   /* cor:<instance>:<n>: usage that was charged wrongly, taken back */
    JOURNAL_HOST_INVOICE = 5, /* hinv:<host>:<date> */
    JOURNAL_PAYOUT = 6,       /* po:<payout>:<state> */
    JOURNAL_PROMO_EXPIRY = 7, /* exp:<grant> */
    JOURNAL_REFUND = 8,       /* ref:<refund>:<state> */
    JOURNAL_DISPUTE = 9,      /* dsp:<dispute>:<phase> */
    JOURNAL_PROVIDER = 10,    /* psp:<provider>:<transaction>: fees, and what is not matched yet */
    JOURNAL_ADJUSTMENT = 11,  /* adj:<ticket>: capital, debts written off, by hand */
    JOURNAL_HOLD = 12,        /* hold:<hold>:<what>: what became of money set aside */
    JOURNAL_RESERVATION = 13, /* res:<reservation>:<n>: paid ahead; what is left at the end */
};

/* What `ref_id` is the id of. Stored in journal.ref_kind. */
enum journal_ref {
    JOURNAL_REF_CONTRACT = 1,
    JOURNAL_REF_USER = 2,
    JOURNAL_REF_DEPOSIT = 3,
    JOURNAL_REF_INVOICE = 4,
    JOURNAL_REF_PAYOUT = 5,
    JOURNAL_REF_REFUND = 6,
    JOURNAL_REF_DISPUTE = 7,
    JOURNAL_REF_GRANT = 8,
    JOURNAL_REF_HOLD = 9,
};

/* Why a leg is there. Stored in transfer.code; a component's legs are 10 * component + these. */
enum leg_code {
    LEG_CHARGE = 1,     /* renter to control */
    LEG_HOST_SHARE = 2, /* control to host */
    LEG_FEE = 3,        /* control to house */
    LEG_BACK = 4,       /* the same three, taken back: control to renter, */
    LEG_HOST_BACK = 5,  /* host to control, */
    LEG_FEE_BACK = 6,   /* house to control */
    LEG_DEPOSIT = 51,   /* provider to control */
    LEG_CREDITED = 52,  /* control to renter */
    LEG_GRANTED = 53,   /* house to renter, or a host for its downtime */
    LEG_INVOICED = 61,  /* a host's earnings, accrued to payable */
    LEG_PAYOUT = 62,    /* payable to in transit */
    LEG_SENT = 63,      /* in transit to the bank or provider: paid */
    LEG_RETURNED = 64,  /* back again: it failed, or came back */
    LEG_TRANSFER = 65,  /* between the house's own accounts */
    LEG_PROVIDER_FEE = 66,
    LEG_EXPIRED = 67,     /* given credit that was never used */
    LEG_WRITTEN_OFF = 68, /* a debt that will not be paid */
    LEG_TAX = 69,
    LEG_FROZEN = 70,     /* by a dispute */
    LEG_KEPT_BACK = 71,  /* of a host's earnings */
    LEG_RESERVED = 72,   /* bought credit to a reserved rental's deposit */
    LEG_UNRESERVED = 73, /* and back */
    LEG_KEPT = 74,       /* of such a deposit: the discount, to control, */
    LEG_KEPT_SHARE = 75, /* control to host, */
    LEG_KEPT_FEE = 76,   /* control to house */
    LEG_GIVEN_UP = 77,   /* what a deleted account has left to the house */
};

struct leg {
    struct ledger_key debit, credit;
    struct money amount; /* above zero */
    int code;
};

struct journal {
    char key[JOURNAL_KEY_SIZE];
    enum journal_kind kind;
    enum journal_ref ref_kind;
    int64_t ref_id;
    int64_t corrects; /* a journal's id; 0: none */
    struct instant occurred;
    size_t leg_count;
    struct leg legs[JOURNAL_LEGS_MAX];
};

/* What a renter has, as posted: none is negative, and debt means that the others are zero. */
struct renter_funds {
    struct money promo, prepaid, receivable;
};

/* promo + prepaid - receivable. */
struct money renter_funds_balance(const struct renter_funds *funds);
bool renter_funds_are_valid(const struct renter_funds *funds);

struct journal_usage {
    int64_t contract_id, renter_id, host_id;
    int64_t number; /* counts the contract's usage journals from 1 */
    struct instant occurred;
    struct meter_charge charges[COMPONENT_COUNT]; /* at component - 1 */
    struct money deposit; /* paid ahead for the contract: for its GPU time and disk
                             (market/reserved.h), before anything that the renter has */
};

/* What of the deposit the charges take. */
struct money journal_usage_drawn(const struct journal_usage *usage);

enum journal_outcome {
    JOURNAL_BUILT,     /* the outputs are set: the journal, and what the renter has after it */
    JOURNAL_EMPTY,     /* nothing to post */
    JOURNAL_TOO_LARGE, /* money cannot hold what the renter would have or owe */
};

/* Charge a renter and share it out. */
NODISCARD enum journal_outcome journal_usage(const struct journal_usage *usage,
                                             const struct renter_funds *funds,
                                             struct journal *ret_journal,
                                             struct renter_funds *ret_after);

struct journal_credit {
    const char *key; /* whole, shorter than JOURNAL_KEY_SIZE: "dep:17" */
    int64_t renter_id, ref_id;
    enum journal_ref ref_kind;
    struct instant occurred;
    struct money amount;   /* never negative */
    enum ledger_code from; /* deposit: the bank, a provider, or what was not matched until now;
                              promo: PROMO_GRANTED or GOODWILL */
    struct money fee;      /* deposit: what its provider kept of it, which the house bears */
};

/* Money that came in becomes bought credit; given credit. Debt is settled first. */
NODISCARD enum journal_outcome journal_deposit(const struct journal_credit *credit,
                                               const struct renter_funds *funds,
                                               struct journal *ret_journal,
                                               struct renter_funds *ret_after);
NODISCARD enum journal_outcome journal_promo(const struct journal_credit *credit,
                                             const struct renter_funds *funds,
                                             struct journal *ret_journal,
                                             struct renter_funds *ret_after);

/* What needs no dividing up: the legs are those given, without those that move nothing. */
struct journal_moves {
    const char *key; /* whole, shorter than JOURNAL_KEY_SIZE: "hinv:12:2026-11-27" */
    enum journal_kind kind;
    enum journal_ref ref_kind;
    int64_t ref_id;
    struct instant occurred;
    const struct leg *legs;
    size_t leg_count; /* at most JOURNAL_LEGS_MAX; amounts are never negative */
};
NODISCARD enum journal_outcome journal_moves(const struct journal_moves *moves,
                                             struct journal *ret_journal);

/* Legs positive and between different accounts of the chart, control accounts at net zero. */
bool journal_is_balanced(const struct journal *journal);

/* The bytes under the body hash. Works on a journal read back from storage too, whose legs may
 * be in any order. */
void journal_body(struct buf *out, const struct journal *journal);

#endif
