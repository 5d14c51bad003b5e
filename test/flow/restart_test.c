/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs is in the database, and nowhere else: whatever happens to servers, the same run on. */
#include <inttypes.h>

#include "check.h"
#include "flow/change.h"
#include "flow/decide_due.h"
#include "flow/limits.h"
#include "flow/support_bids.h"

enum { STEPS = 60, GPUS = 4, RUNNING_MAX = 4096 };

/* Contracts, their states and prices, and the GPUs that they hold. */
static bool running_work(struct db *db, void *context, struct error *err)
{
    struct buf *text = context;
    auto_db_rows struct db_rows rows = db_query(
        db,
        "SELECT c.id, c.state, c.gpu_hour, COALESCE(k.gpu_id, 0) FROM contract c LEFT JOIN "
        "gpu_claim k ON k.contract_id = c.id AND k.released_us IS NULL ORDER BY c.id, k.gpu_id",
        DB_NO_ARGS);

    text->length = 0;
    while (db_next(&rows, err))
        buf_printf(text, "%" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64 " ",
                   db_column_int(&rows, 0), db_column_int(&rows, 1), db_column_int(&rows, 2),
                   db_column_int(&rows, 3));
    return !rows.has_failed;
}

static bool decide_work(struct db *db, void *context, struct error *err)
{
    const struct place *place = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!change_begin(&change, db, place->machine.id, clock_now(&place->world.clock), &arena, &has,
                      err))
        return false;
    change.decides = true;
    return change_end(&change, err);
}

static void decide_again(struct place *place)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_decide_due(&place->world.flow, &count, &err), &err);
    support_write(place->world.support, decide_work, place);
}

/* The server goes, and another one takes over, at the same instant. */
static void restart(struct place *place)
{
    struct hash before = world_dump(&place->world);

    support_reopen(place->world.support);
    place->world.flow.store = place->world.support->store;
    CHECK_UNCHANGED(&place->world, before);
}

static void act(struct place *place, int64_t *ids, size_t *count)
{
    struct caller renter = check_random(2) == 0 ? place->ada : place->bob;
    int64_t size = (int64_t)1 << check_random(3);
    int64_t offer = world_offer(&place->world, place->machine.id, size);
    int64_t some = *count > 0 ? ids[check_random(*count)] : 0;
    enum change_outcome outcome;
    struct rental_reply made = { 0 };
    struct error err;

    switch (check_random(6)) {
    case 0:
    case 1:
        if (offer != 0)
            made = world_bid(&place->world, renter, place->machine.id, size,
                             50 + (int64_t)check_random(20));
        break;
    case 2:
        if (offer != 0)
            made = world_rent(&place->world, renter, offer);
        break;
    case 3:
        CHECK_OK(flow_stop(&place->world.flow, &renter, some, &outcome, &err), &err);
        break;
    case 4:
        CHECK_OK(flow_start(&place->world.flow, &renter, some, &outcome, &err), &err);
        break;
    default:
        CHECK_OK(flow_destroy(&place->world.flow, &renter, some, &outcome, &err), &err);
        break;
    }
    if (made.outcome == RENTAL_MADE && made.instance_id != 0)
        ids[(*count)++] = made.instance_id;
}

static void test_the_same_run_after_a_restart(void **state)
{
    struct place place;
    int64_t ids[STEPS];
    size_t count = 0, ran = 0;

    place_open(&place, state, GPUS);
    for (int step = 0; step < STEPS; step++) {
        auto_buf struct buf before = buf_of(RUNNING_MAX), after = buf_of(RUNNING_MAX);

        check_row("step %d", step);
        act(&place, ids, &count);
        if (check_random(2) == 0)
            place_run_s(&place, 5 * (1 + (int64_t)check_random(4)));
        decide_again(&place);
        support_read(place.world.support, running_work, &before);
        restart(&place);
        decide_again(&place);
        support_read(place.world.support, running_work, &after);
        if (before.length > 0)
            CHECK_TEXT(after.bytes, before.bytes);
        ran += before.length > 0;
    }
    CHECK(ran > STEPS / 2 && count > 5);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_run_after_a_restart),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
