/* SPDX-License-Identifier: Apache-2.0 */
#include "market/payback.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static struct ledger_key house(enum ledger_code code)
{
    return (struct ledger_key){ .code = code };
}

static struct ledger_key of(enum ledger_code code, const struct payback *what)
{
    return (struct ledger_key){ .code = code, .owner_id = what->renter_id };
}

static struct ledger_key own(enum ledger_code code, const struct payback *what)
{
    return (struct ledger_key){ code, what->renter_id, what->id };
}

static struct money lesser(struct money a, struct money b)
{
    return money_compare(a, b) < 0 ? a : b;
}

static struct money less(struct money a, struct money b)
{
    return (struct money){ a.nanodollars - b.nanodollars };
}

static enum journal_outcome build(const struct payback *what, bool is_refund, const char *step,
                                  const struct leg *legs, size_t count, struct journal *ret)
{
    char key[JOURNAL_KEY_SIZE];
    const struct journal_moves moves = { .key = key,
                                         .kind = is_refund ? JOURNAL_REFUND : JOURNAL_DISPUTE,
                                         .ref_kind =
                                             is_refund ? JOURNAL_REF_REFUND : JOURNAL_REF_DISPUTE,
                                         .ref_id = what->id,
                                         .occurred = what->at,
                                         .legs = legs,
                                         .leg_count = count };

    (void)snprintf(key, sizeof key, "%s:%" PRId64 ":%s", is_refund ? "ref" : "dsp", what->id, step);
    return journal_moves(&moves, ret);
}

enum journal_outcome payback_ask(const struct payback *refund, struct journal *ret)
{
    const struct leg leg = { of(LEDGER_RENTER_PREPAID, refund), own(LEDGER_REFUND_TRANSIT, refund),
                             refund->amount, LEG_SENT };

    return build(refund, true, "asked", &leg, 1, ret);
}

enum journal_outcome payback_done(const struct payback *refund, struct journal *ret)
{
    const struct leg leg = { own(LEDGER_REFUND_TRANSIT, refund), house(LEDGER_STRIPE),
                             refund->amount, LEG_SENT };

    return build(refund, true, "done", &leg, 1, ret);
}

enum journal_outcome payback_failed(const struct payback *refund, bool was_done,
                                    const struct renter_funds *funds, struct journal *ret)
{
    struct ledger_key from = was_done ? house(LEDGER_SUSPENSE) : own(LEDGER_REFUND_TRANSIT, refund);
    struct money debt = lesser(funds->receivable, refund->amount);
    const struct leg legs[] = {
        { from, of(LEDGER_RENTER_RECEIVABLE, refund), debt, LEG_RETURNED },
        { from, of(LEDGER_RENTER_PREPAID, refund), less(refund->amount, debt), LEG_RETURNED },
    };

    return build(refund, true, "failed", legs, 2, ret);
}

enum journal_outcome payback_disputed(const struct payback *dispute, struct money fee,
                                      struct money frozen, struct journal *ret)
{
    const struct leg legs[] = {
        { own(LEDGER_DISPUTED, dispute), house(LEDGER_STRIPE), dispute->amount, LEG_TRANSFER },
        { house(LEDGER_DISPUTE_FEES), house(LEDGER_STRIPE), fee, LEG_PROVIDER_FEE },
        { of(LEDGER_RENTER_PREPAID, dispute), own(LEDGER_RENTER_HOLD, dispute), frozen,
          LEG_FROZEN },
    };

    return build(dispute, false, "taken", legs, 3, ret);
}

enum journal_outcome payback_won(const struct payback *dispute, struct money frozen,
                                 const struct renter_funds *funds, struct journal *ret)
{
    struct ledger_key held = own(LEDGER_RENTER_HOLD, dispute);
    struct money debt = lesser(funds->receivable, frozen);
    const struct leg legs[] = {
        { house(LEDGER_STRIPE), own(LEDGER_DISPUTED, dispute), dispute->amount, LEG_TRANSFER },
        { held, of(LEDGER_RENTER_RECEIVABLE, dispute), debt, LEG_FROZEN },
        { held, of(LEDGER_RENTER_PREPAID, dispute), less(frozen, debt), LEG_FROZEN },
    };

    return build(dispute, false, "won", legs, 3, ret);
}

enum journal_outcome payback_lost(const struct payback *dispute, struct money frozen,
                                  const struct renter_funds *funds, struct journal *ret)
{
    struct ledger_key taken = own(LEDGER_DISPUTED, dispute);
    struct money rest = less(dispute->amount, frozen);
    struct money prepaid = lesser(funds->prepaid, rest);
    struct money debt = less(rest, prepaid);
    /* Nobody has given credit and a debt at once. */
    struct money promo = debt.nanodollars > 0 ? funds->promo : (struct money){ 0 };
    const struct leg legs[] = {
        { own(LEDGER_RENTER_HOLD, dispute), taken, frozen, LEG_FROZEN },
        { of(LEDGER_RENTER_PREPAID, dispute), taken, prepaid, LEG_TRANSFER },
        { of(LEDGER_RENTER_PROMO, dispute), house(LEDGER_PROMO_EXPIRED), promo, LEG_EXPIRED },
        { of(LEDGER_RENTER_RECEIVABLE, dispute), taken, debt, LEG_TRANSFER },
    };

    assert(money_compare(frozen, dispute->amount) <= 0);
    return build(dispute, false, "lost", legs, 4, ret);
}
