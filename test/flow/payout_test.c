/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/payout.h"

#include <string.h>

#include "market/billing.h"
#include "support.h"

static enum payout_outcome move(struct world *world, const struct payout_request *request)
{
    enum payout_outcome outcome;
    enum payout_state now = PAYOUT_CREATED;
    struct error err;

    CHECK_OK(flow_payout_move(&world->flow, request, &outcome, &now, &err), &err);
    return outcome;
}

static void test_what_is_not_there_or_too_long_is_refused(void **state)
{
    char text[PAYOUT_TEXT_MAX + 2];
    struct world world;
    struct payout_row *payouts;
    struct payout_filter filter = { .max = 10 };
    struct error err;
    size_t count;

    world_open(&world, *state);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct hash before = world_dump(&world);
    struct payout_request request = { 1, PAYOUT_PAID, "", "" };
    CHECK_INT(move(&world, &request), PAYOUT_NOT_FOUND);
    request.reference = text;
    CHECK_INT(move(&world, &request), PAYOUT_TOO_LONG);
    text[PAYOUT_TEXT_MAX] = '\0';
    CHECK_INT(move(&world, &request), PAYOUT_NOT_FOUND);
    CHECK_UNCHANGED(&world, before);
    CHECK_OK(flow_payout_list(&world.flow, &filter, &world.arena, &payouts, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

static void test_a_payout_is_late_after_tuesday(void **state)
{
    struct payout_row payout = { .cut = WORLD_START, .state = PAYOUT_SUBMITTED };
    struct instant tuesday = instant_add(WORLD_START, BILLING_PAID_WITHIN_US);

    (void)state;
    CHECK(!payout_is_late(&payout, tuesday));
    CHECK(payout_is_late(&payout, instant_add(tuesday, 1)));
    payout.state = PAYOUT_PAID;
    CHECK(!payout_is_late(&payout, instant_add(tuesday, 1)));
}

/* What happens to one that exists is in bill_test.c, which makes them. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_there_or_too_long_is_refused),
        cmocka_unit_test(test_a_payout_is_late_after_tuesday),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
