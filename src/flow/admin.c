/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/admin.h"

#include <stdio.h>
#include <string.h>

#include "flow/change.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/post_usage.h"
#include "store/machine_standing.h"

struct admin_work {
    struct instant now;
    int64_t id;
    struct money amount;
    const char *key;
    bool is_deposit;
    enum verification verification;
    enum admin_outcome outcome;

    size_t max, count;
    struct arena *arena;
    struct user_row *users;
    struct machine_row *machines;
};

static bool has_user(struct db *db, struct admin_work *work, bool *ret_has, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;

    work->outcome = ADMIN_NOT_FOUND;
    *ret_has = false;
    if (!user_lock(db, work->id, err) || !user_load(db, work->id, &arena, &user, ret_has, err))
        return false;
    *ret_has = *ret_has && user.closed.microseconds == 0;
    return true;
}

static bool credit_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    bool has;

    if (!has_user(db, work, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = ADMIN_DONE;
    return post_usage_of_renter(db, work->id, work->now, &arena, err) &&
           (work->is_deposit ? funds_deposit : funds_grant)(db, work->id, work->amount, work->key,
                                                            work->now, err) &&
           db_notify(db, TOPIC_USER, work->id, err);
}

static bool add_credit(const struct flow *flow, struct admin_work *work, const char *ticket,
                       enum admin_outcome *ret, struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    int length = snprintf(key, sizeof key, work->is_deposit ? "%s" : "adj:%s", ticket);

    *ret = ADMIN_BAD_AMOUNT;
    if (work->amount.nanodollars <= 0 || length >= JOURNAL_KEY_SIZE)
        return true;
    work->now = clock_now(flow->clock);
    work->key = key;
    if (!store_write(flow->store, credit_work, work, err))
        return error_context(err, "add credit to user %lld", (long long)work->id);
    *ret = work->outcome;
    return true;
}

bool flow_grant_credit(const struct flow *flow, int64_t user_id, struct money amount,
                       const char *ticket, enum admin_outcome *ret, struct error *err)
{
    struct admin_work work = { .id = user_id, .amount = amount };

    return add_credit(flow, &work, ticket, ret, err);
}

bool flow_deposit(const struct flow *flow, int64_t user_id, struct money amount, const char *ticket,
                  enum admin_outcome *ret, struct error *err)
{
    struct admin_work work = { .id = user_id, .amount = amount, .is_deposit = true };

    return add_credit(flow, &work, ticket, ret, err);
}

static bool limit_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;
    int64_t count;

    if (!user_set_credit_limit(db, work->id, work->amount, &count, err))
        return false;
    work->outcome = count == 1 ? ADMIN_DONE : ADMIN_NOT_FOUND;
    return count == 0 || (funds_set_t_zero(db, work->id, work->now, err) &&
                          db_notify(db, TOPIC_USER, work->id, err));
}

bool flow_set_credit_limit(const struct flow *flow, int64_t user_id, struct money limit,
                           enum admin_outcome *ret, struct error *err)
{
    struct admin_work work = { .now = clock_now(flow->clock), .id = user_id, .amount = limit };

    *ret = ADMIN_BAD_AMOUNT;
    if (limit.nanodollars < 0)
        return true;
    if (!store_write(flow->store, limit_work, &work, err))
        return error_context(err, "set the credit limit of user %lld", (long long)user_id);
    *ret = work.outcome;
    return true;
}

static bool cap_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;
    int64_t count;

    if (!user_set_spend_cap(db, work->id, work->amount, &count, err))
        return false;
    work->outcome = count == 1 ? ADMIN_DONE : ADMIN_NOT_FOUND;
    return true;
}

bool flow_set_spend_cap(const struct flow *flow, int64_t user_id, struct money cap,
                        enum admin_outcome *ret, struct error *err)
{
    struct admin_work work = { .id = user_id, .amount = cap };

    *ret = ADMIN_BAD_AMOUNT;
    if (cap.nanodollars < 0)
        return true;
    if (!store_write(flow->store, cap_work, &work, err))
        return error_context(err, "cap what user %lld spends", (long long)user_id);
    *ret = work.outcome;
    return true;
}

struct place_work {
    int64_t id;
    const char *place;
    int64_t count;
};

static bool place_work(struct db *db, void *context, struct error *err)
{
    struct place_work *work = context;

    return machine_set_geolocation(db, work->id, work->place, &work->count, err) &&
           (work->count == 0 || db_notify(db, TOPIC_MACHINE, work->id, err));
}

/* Printable, and of a country. */
static bool is_place(const char *place)
{
    char code[3];

    if (strlen(place) > ADMIN_PLACE_MAX)
        return false;
    for (const char *at = place; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return *place == '\0' || *machine_country(place, code) != '\0';
}

bool flow_set_place(const struct flow *flow, int64_t machine_id, const char *place,
                    enum admin_outcome *ret, struct error *err)
{
    struct place_work work = { .id = machine_id, .place = place };

    *ret = ADMIN_BAD_PLACE;
    if (!is_place(place))
        return true;
    if (!store_write(flow->store, place_work, &work, err))
        return error_context(err, "place machine %lld", (long long)machine_id);
    *ret = work.count == 1 ? ADMIN_DONE : ADMIN_NOT_FOUND;
    return true;
}

static bool verify_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;
    int64_t count;

    if (!machine_set_said(db, work->id, work->verification,
                          work->verification != VERIFICATION_UNVERIFIED, &count, err))
        return false;
    work->outcome = count == 1 ? ADMIN_DONE : ADMIN_NOT_FOUND;
    if (count == 0)
        return true;
    /* It may run rentals again, or no longer. */
    if (!machine_decide_at(db, work->id, work->now, err))
        return false;
    /* An operator who verifies it has looked: its hardware counts as it is now. */
    if (work->verification == VERIFICATION_VERIFIED &&
        (!machine_set_quarantined(db, work->id, false, err) ||
         !session_forget_hardware(db, work->id, err) || !machine_bump(db, work->id, err)))
        return false;
    return db_notify(db, TOPIC_MACHINE, work->id, err);
}

bool flow_set_verification(const struct flow *flow, int64_t machine_id,
                           enum verification verification, enum admin_outcome *ret,
                           struct error *err)
{
    struct admin_work work = { .id = machine_id,
                               .verification = verification,
                               .now = clock_now(flow->clock) };

    if (!store_write(flow->store, verify_work, &work, err))
        return error_context(err, "verify machine %lld", (long long)machine_id);
    *ret = work.outcome;
    return true;
}

static bool users_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;

    return user_list(db, work->id, work->max, work->arena, &work->users, &work->count, err);
}

bool flow_user_list(const struct flow *flow, int64_t after, size_t max, struct arena *arena,
                    struct user_row **ret, size_t *ret_count, struct error *err)
{
    struct admin_work work = { .id = after, .max = max, .arena = arena };

    if (!store_read(flow->store, users_work, &work, err))
        return error_context(err, "list users");
    *ret = work.users;
    *ret_count = work.count;
    return true;
}

static bool machines_work(struct db *db, void *context, struct error *err)
{
    struct admin_work *work = context;

    return machine_list_all(db, work->id, work->max, work->arena, &work->machines, &work->count,
                            err);
}

bool flow_machine_list(const struct flow *flow, int64_t after, size_t max, struct arena *arena,
                       struct machine_row **ret, size_t *ret_count, struct error *err)
{
    struct admin_work work = { .id = after, .max = max, .arena = arena };

    if (!store_read(flow->store, machines_work, &work, err))
        return error_context(err, "list machines");
    *ret = work.machines;
    *ret_count = work.count;
    return true;
}
