/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meters.h"

#include <string.h>

#include "store/support.h"

enum { CONTRACT = 41, EPOCHS_MAX = 64 };
static const struct instant start = { 1790000000000000 };

static void fresh_meters(struct meter of[static COMPONENT_COUNT])
{
    of[0] = meter_open(COMPONENT_GPU, (struct money){ 350000000 }, 1, 2500);
    of[1] = meter_open(COMPONENT_DISK, (struct money){ 150000000 }, 40, 2500);
    of[2] = meter_open(COMPONENT_UP, (struct money){ 20000000000 }, 1, 2500);
    of[3] = meter_open(COMPONENT_DOWN, (struct money){ 20000000000 }, 1, 2500);
}

static bool open_work(struct db *db, void *context, struct error *err)
{
    struct meter of[COMPONENT_COUNT];

    (void)context;
    fresh_meters(of);
    return meters_open(db, CONTRACT, of, start, err);
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    return meters_load(db, CONTRACT, context, err);
}

static bool save_work(struct db *db, void *context, struct error *err)
{
    return meters_save(db, context, err);
}

static struct meters load(struct support *support)
{
    struct meters meters;

    support_read(support, load_work, &meters);
    return meters;
}

static void check_same(const struct meters *got, const struct meters *want)
{
    CHECK_INT(got->contract_id, want->contract_id);
    CHECK_INT(got->version, want->version);
    CHECK_INT(got->is_closed, want->is_closed);
    CHECK_INT(got->closed.microseconds, want->closed.microseconds);
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        const struct meter *a = &got->of[i], *b = &want->of[i];

        CHECK_INT(a->component, b->component);
        CHECK_INT(a->rate.nanodollars, b->rate.nanodollars);
        CHECK_INT(a->quantity, b->quantity);
        CHECK_INT(a->fee_bps, b->fee_bps);
        CHECK_INT(a->total, b->total);
        CHECK_INT(a->posted_total, b->posted_total);
        CHECK_INT(a->remainder, b->remainder);
        CHECK_INT(a->fee_remainder, b->fee_remainder);
        CHECK_INT(a->gross_posted.nanodollars, b->gross_posted.nanodollars);
        CHECK_INT(a->host_posted.nanodollars, b->host_posted.nanodollars);
    }
}

static void test_new_meters_are_read_back(void **state)
{
    struct meters want = { .contract_id = CONTRACT };

    fresh_meters(want.of);
    support_write(*state, open_work, NULL);
    struct meters got = load(*state);
    check_same(&got, &want);
}

static void test_there_must_be_some(void **state)
{
    struct support *support = *state;
    struct meters meters;
    struct error err;

    CHECK_FAILS(store_read(support->store, load_work, &meters, &err), &err, ERROR_NOT_FOUND);
}

static void advance(struct meters *meters)
{
    struct meter_charge charge;

    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        int64_t more = (int64_t)check_random(7200000000);

        CHECK_INT(meter_advance(&meters->of[i], meters->of[i].total + more), METER_OK);
        if (check_random(2) == 0)
            CHECK_INT(meter_post(&meters->of[i], &meters->of[i], &charge), METER_OK);
    }
}

static void test_meters_are_saved_as_they_are(void **state)
{
    support_write(*state, open_work, NULL);
    struct meters meters = load(*state);
    for (int i = 0; i < 50; i++) {
        check_row("step %d", i);
        advance(&meters);
        support_write(*state, save_work, &meters);
        CHECK_INT(meters.version, i + 1);
        struct meters got = load(*state);
        check_same(&got, &meters);
    }
}

static void test_of_two_savers_the_second_loses(void **state)
{
    struct support *support = *state;
    struct error err;

    support_write(support, open_work, NULL);
    struct meters first = load(support), second = first;
    advance(&first);
    advance(&second);
    support_write(support, save_work, &first);
    CHECK_FAILS(store_write(support->store, save_work, &second, &err), &err, ERROR_CONFLICT);
    struct meters got = load(support);
    check_same(&got, &first);
}

struct repricing {
    struct meters meters;
    struct money rate;
    struct instant at;
};

static void post_all(struct meters *meters)
{
    struct meter_charge charge;

    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        CHECK_INT(meter_post(&meters->of[i], &meters->of[i], &charge), METER_OK);
}

static bool reprice_work(struct db *db, void *context, struct error *err)
{
    struct repricing *repricing = context;

    return meters_reprice(db, &repricing->meters, COMPONENT_GPU, repricing->rate, repricing->at,
                          err) &&
           meters_save(db, &repricing->meters, err);
}

static bool close_work(struct db *db, void *context, struct error *err)
{
    struct repricing *repricing = context;

    return meters_close(db, &repricing->meters, repricing->at, err);
}

struct epochs {
    enum component component;
    struct meter_epoch items[EPOCHS_MAX];
    size_t max, count;
};

static bool epochs_work(struct db *db, void *context, struct error *err)
{
    struct epochs *epochs = context;

    return meters_load_epochs(db, CONTRACT, epochs->component, epochs->items, epochs->max,
                              &epochs->count, err);
}

static void check_evidence(struct support *support, const struct meters *meters)
{
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        struct epochs epochs = { .component = (enum component)(i + 1), .max = EPOCHS_MAX };

        support_read(support, epochs_work, &epochs);
        CHECK(meter_matches(&meters->of[i], epochs.items, epochs.count));
    }
}

/* An auditor recomputes every meter from its epochs, however often the price changed. */
static void test_epochs_are_the_evidence_for_the_meters(void **state)
{
    struct support *support = *state;
    struct repricing repricing = { .at = start };
    struct error err;

    support_write(support, open_work, NULL);
    repricing.meters = load(support);
    check_evidence(support, &repricing.meters);
    for (int i = 0; i < 20; i++) {
        check_row("price %d", i);
        advance(&repricing.meters);
        post_all(&repricing.meters);
        repricing.rate.nanodollars = (int64_t)check_random(1000000000);
        repricing.at.microseconds += 1 + (int64_t)check_random(1000);
        support_write(support, reprice_work, &repricing);
        CHECK_INT(repricing.meters.of[0].rate.nanodollars, repricing.rate.nanodollars);
        check_evidence(support, &repricing.meters);
    }
    struct epochs epochs = { .component = COMPONENT_GPU, .max = 21 };
    support_read(support, epochs_work, &epochs);
    CHECK_INT((int64_t)epochs.count, 21);
    epochs.max = 20;
    CHECK_FAILS(store_read(support->store, epochs_work, &epochs, &err), &err, ERROR_OUT_OF_RANGE);

    support_write(support, close_work, &repricing);
    struct meters closed = load(support);
    check_same(&closed, &repricing.meters);
    CHECK(closed.is_closed);
    check_evidence(support, &closed);
}

static void test_meters_that_do_not_add_up_are_corrupt(void **state)
{
    static const struct {
        const char *plant, *words; /* of the error */
    } rows[] = {
        { "UPDATE meter SET gross_posted = gross_posted + 1 WHERE comp = 1;", "meter 1 of 41" },
        { "UPDATE meter SET ver = 5 WHERE comp = 2;", "meter 2 of 41" },
        { "UPDATE meter SET denom = 77 WHERE comp = 3;", "meter 3 of 41" },
        { "UPDATE meter SET rate = 9000000000000000000 WHERE comp = 4;", "meter 4 of 41" },
        { "UPDATE meter SET closed_us = 5 WHERE comp = 4;", "meter 4 of 41" },
        { "DELETE FROM rate_epoch WHERE comp = 4; DELETE FROM meter WHERE comp = 4;",
          "41 has 3 meters" },
        { "DELETE FROM rate_epoch WHERE comp = 2; DELETE FROM meter WHERE comp = 2;",
          "meter 2 of 41" },
        { "-- sqlite:\nPRAGMA ignore_check_constraints=ON;\n"
          "-- postgres:\nALTER TABLE meter DROP CONSTRAINT meter_comp_check;\n"
          "-- end\n"
          "INSERT INTO meter (instance_id, comp, denom, fee_bps, rate, qty) "
          "VALUES (41, 5, 1, 0, 0, 0);",
          "meter 5 of 41" },
    };
    struct support *support = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct meters meters = { .version = 99 };
        struct error err;

        check_row("%s", rows[i].plant);
        support_script(support, "DELETE FROM rate_epoch; DELETE FROM meter;");
        support_write(support, open_work, NULL);
        support_script(support, rows[i].plant);
        CHECK_FAILS(store_read(support->store, load_work, &meters, &err), &err, ERROR_CORRUPT);
        CHECK(strstr(err.text, rows[i].words) != NULL);
        CHECK_INT(meters.version, 99);
    }
}

/* A price cannot change where none was begun. */
static void test_a_meter_without_an_epoch_is_corrupt(void **state)
{
    struct support *support = *state;
    struct repricing repricing = { .at = start };
    struct error err;

    support_write(support, open_work, NULL);
    repricing.meters = load(support);
    support_script(support, "DELETE FROM rate_epoch WHERE comp = 1;");
    CHECK_FAILS(store_write(support->store, reprice_work, &repricing, &err), &err, ERROR_CORRUPT);
    CHECK_FAILS(store_write(support->store, close_work, &repricing, &err), &err, ERROR_CORRUPT);
    CHECK(!load(support).is_closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_meters_are_read_back),
        cmocka_unit_test(test_there_must_be_some),
        cmocka_unit_test(test_meters_are_saved_as_they_are),
        cmocka_unit_test(test_of_two_savers_the_second_loses),
        cmocka_unit_test(test_epochs_are_the_evidence_for_the_meters),
        cmocka_unit_test(test_meters_that_do_not_add_up_are_corrupt),
        cmocka_unit_test(test_a_meter_without_an_epoch_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
