/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_card.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/autopay.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "market/billing.h"
#include "store/ledger.h"

enum { KEY_SIZE = 64 };

struct card_work {
    const struct flow *flow;
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    int64_t id, count;
    struct card_page_row page;
    struct card_row *cards;
    size_t card_count;
    int64_t ids[TEST_CREDIT_BATCH_MAX];
    size_t id_count;
};

static bool page_work(struct db *db, void *context, struct error *err)
{
    struct card_work *work = context;
    const struct pay pay = { db, work->flow, work->now, work->arena };
    struct card_page_row page = {
        .user_id = work->caller->user_id, .provider = "stripe", .url = "", .created = work->now
    };
    bool has;

    if (!user_lock(db, page.user_id, err) ||
        !card_page_newest(db, page.user_id,
                          instant_add(work->now, -PAY_REUSE_SECONDS * US_PER_SECOND), work->arena,
                          &work->page, &has, err))
        return false;
    if (has)
        return true;
    if (!card_page_insert(db, &page, err) || !pay_in_send(&pay, page.user_id, err))
        return false;
    work->page = page;
    return true;
}

bool flow_pay_card_page(const struct flow *flow, const struct caller *caller, struct arena *arena,
                        struct card_page_row *ret, enum pay_in_outcome *ret_outcome,
                        struct error *err)
{
    struct card_work work = {
        .flow = flow, .caller = caller, .now = clock_now(flow->clock), .arena = arena
    };

    *ret_outcome = PAY_IN_OFF;
    if (flow->pay == NULL || !flow->pay->has_stripe)
        return true;
    if (!store_write(flow->store, page_work, &work, err))
        return error_context(err, "make a page for a card");
    *ret = work.page;
    *ret_outcome = PAY_IN_DONE;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct card_work *work = context;

    return card_list(db, work->caller->user_id, work->arena, &work->cards, &work->card_count, err);
}

bool flow_pay_card_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                        struct card_row **ret, size_t *ret_count, struct error *err)
{
    struct card_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list cards");
    *ret = work.cards;
    *ret_count = work.card_count;
    return true;
}

static bool remove_work(struct db *db, void *context, struct error *err)
{
    struct card_work *work = context;

    return user_lock_open(db, work->caller->user_id, err) &&
           card_remove(db, work->caller->user_id, work->id, work->now, &work->count, err);
}

bool flow_pay_card_remove(const struct flow *flow, const struct caller *caller, int64_t id,
                          enum pay_in_outcome *ret_outcome, struct error *err)
{
    struct card_work work = { .caller = caller, .now = clock_now(flow->clock), .id = id };

    if (!store_write(flow->store, remove_work, &work, err))
        return error_context(err, "forget a card");
    *ret_outcome = work.count == 1 ? PAY_IN_DONE : PAY_IN_NONE;
    return true;
}

char *pay_card_mailbox(const char *email, char ret[static EMAIL_LENGTH_MAX + 1])
{
    const char *at = strrchr(email, '@');
    size_t length = 0, name_length = at != NULL ? (size_t)(at - email) : strlen(email);
    bool has_dots =
        at != NULL && strcmp(at, "@gmail.com") != 0 && strcmp(at, "@googlemail.com") != 0;

    for (size_t i = 0; i < name_length && length < EMAIL_LENGTH_MAX && email[i] != '+'; i++) {
        if (email[i] != '.' || has_dots)
            ret[length++] = (char)tolower((unsigned char)email[i]);
    }
    for (const char *rest = at; rest != NULL && *rest != '\0' && length < EMAIL_LENGTH_MAX; rest++)
        ret[length++] = (char)tolower((unsigned char)*rest);
    ret[length] = '\0';
    return ret;
}

/* Two unique rows say that it was given, to whom and for which card; the journal's key says so
 * again. */
static bool give_test_credit(const struct pay *pay, int64_t user_id, const char *fingerprint,
                             struct error *err)
{
    char mailbox[EMAIL_LENGTH_MAX + 1], key[KEY_SIZE];
    struct money amount = pay->flow->pay->test_credit;
    struct user_row user;
    bool has, is_new;

    if (!user_load(pay->db, user_id, pay->arena, &user, &has, err))
        return false;
    if (!has || !user.is_verified || amount.nanodollars == 0 || fingerprint[0] == '\0')
        return true;
    const struct test_credit_row row = { user_id, fingerprint,
                                         pay_card_mailbox(user.email, mailbox), amount, pay->now };
    if (!test_credit_insert(pay->db, &row, &is_new, err))
        return false;
    (void)snprintf(key, sizeof key, "promo:signup:%" PRId64, user_id);
    return !is_new || funds_grant(pay->db, user_id, amount, key, pay->now, err);
}

/* What the provider does not have any more is not to be charged. */
static bool forget_others(const struct pay *pay, int64_t user_id, const struct stripe_object *cards,
                          size_t count, struct error *err)
{
    struct card_row *ours;
    size_t our_count;
    int64_t changed;

    if (!card_list(pay->db, user_id, pay->arena, &ours, &our_count, err))
        return false;
    for (size_t i = 0; i < our_count; i++) {
        bool is_there = false;

        for (size_t k = 0; k < count; k++)
            is_there = is_there || strcmp(cards[k].id, ours[i].object_id) == 0;
        if (!is_there && !card_remove(pay->db, user_id, ours[i].id, pay->now, &changed, err))
            return false;
    }
    return true;
}

bool pay_card_take(const struct pay *pay, const char *customer, const struct stripe_object *cards,
                   size_t count, struct error *err)
{
    int64_t user_id;
    bool has;

    if (!customer_find(pay->db, "stripe", customer, &user_id, &has, err))
        return false;
    if (!has)
        return true; /* somebody else's, who shares the account */
    if (!user_lock(pay->db, user_id, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct card_row row = { .user_id = user_id,
                                      .provider = "stripe",
                                      .object_id = cards[i].id,
                                      .brand = cards[i].brand,
                                      .last4 = cards[i].last4,
                                      .fingerprint = cards[i].fingerprint,
                                      .month = cards[i].card_month,
                                      .year = cards[i].card_year,
                                      .created = pay->now };

        if (cards[i].kind == STRIPE_CARD &&
            (!card_put(pay->db, &row, err) ||
             !give_test_credit(pay, user_id, cards[i].fingerprint, err)))
            return false;
    }
    return forget_others(pay, user_id, cards, count, err) &&
           (count == 0 || autopay_renew(pay, user_id, err)) &&
           db_notify(pay->db, TOPIC_USER, user_id, err);
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct card_work *work = context;

    return test_credit_due(db, instant_add(work->now, -TEST_CREDIT_DAYS * BILLING_DAY_US),
                           work->ids, TEST_CREDIT_BATCH_MAX, &work->id_count, err);
}

/* No more than is left of all given credit: what was used first is not known, and does not matter.
 */
static bool expire_work(struct db *db, void *context, struct error *err)
{
    const struct card_work *work = context;
    char key[JOURNAL_KEY_SIZE];
    struct renter_funds funds;
    struct journal journal;
    enum ledger_outcome outcome;
    struct money amount;
    bool has;

    if (!user_lock(db, work->id, err) || !test_credit_load(db, work->id, &amount, &has, err))
        return false;
    if (!has)
        return true;
    if (!ledger_load_funds(db, work->id, &funds, err))
        return false;
    (void)snprintf(key, sizeof key, "exp:%" PRId64, work->id);
    struct leg leg = { { LEDGER_RENTER_PROMO, work->id, 0 },
                       { .code = LEDGER_PROMO_EXPIRED },
                       money_compare(funds.promo, amount) < 0 ? funds.promo : amount,
                       LEG_EXPIRED };
    struct journal_moves moves = {
        key, JOURNAL_PROMO_EXPIRY, JOURNAL_REF_USER, work->id, work->now, &leg, 1
    };
    if (journal_moves(&moves, &journal) == JOURNAL_BUILT) {
        if (!ledger_post(db, &journal, work->now, &outcome, err))
            return false;
        if (outcome != LEDGER_POSTED)
            return error_set(err, ERROR_CORRUPT, "%s has been posted before", key);
    }
    return test_credit_expire(db, work->id, work->now, err) &&
           funds_set_t_zero(db, work->id, work->now, err);
}

bool flow_test_credit_expire(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct card_work work = { .flow = flow, .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for test credit that runs out");
    for (size_t i = 0; i < work.id_count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, expire_work, &work, err))
            return error_context(err, "end test credit of user %" PRId64, work.id);
    }
    *ret_count = work.id_count;
    return true;
}
