/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever statement of the files that keep money fails, the caller hears of it. */
#include <stdio.h>

#include "store/accrued.h"
#include "store/approval.h"
#include "store/audit.h"
#include "store/bill_run.h"
#include "store/burn.h"
#include "store/deposit.h"
#include "store/driver.h"
#include "store/hold.h"
#include "store/host_invoice.h"
#include "store/ledger.h"
#include "store/ledger_many.h"
#include "store/meters.h"
#include "store/parked.h"
#include "store/payout.h"
#include "store/refund.h"
#include "store/renter_invoice.h"
#include "store/reservation.h"
#include "store/seal.h"
#include "store/support_failing.h"
#include "store/support_rows.h"
#include "store/trial.h"
#include "store/wallet.h"

static struct journal moves(const struct scene *scene, const char *key, enum journal_kind kind)
{
    struct leg legs[] = {
        { { LEDGER_BANK, 0, 0 }, { LEDGER_RENTER_PREPAID, scene->ada, 0 }, { 1000 }, LEG_TRANSFER },
        { { LEDGER_BANK, 0, 0 }, { LEDGER_HOST_PAYABLE, scene->host, 0 }, { 800 }, LEG_TRANSFER },
        { { LEDGER_BANK, 0, 0 }, { LEDGER_HOST_PAYABLE, scene->bob, 0 }, { 10 }, LEG_TRANSFER },
        { { LEDGER_BANK, 0, 0 }, { LEDGER_HOST_PAYABLE, scene->ada, 0 }, { 10 }, LEG_TRANSFER },
    };
    struct journal_moves moves = { .key = key,
                                   .kind = kind,
                                   .ref_kind = JOURNAL_REF_CONTRACT,
                                   .ref_id = scene->contract,
                                   .occurred = scene_at(1),
                                   .legs = legs,
                                   .leg_count = sizeof legs / sizeof legs[0] };
    struct journal journal;

    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    return journal;
}

/* A journal that is new, and one that was posted before. */
static bool post(struct db *db, const struct scene *scene, struct error *err)
{
    struct journal journal = moves(scene, "adj:1", JOURNAL_DEPOSIT);
    enum ledger_outcome outcome;

    return ledger_post(db, &journal, scene_at(1), &outcome, err) &&
           ledger_post(db, &journal, scene_at(1), &outcome, err);
}

/* And one that corrects it. */
static bool correct(struct db *db, const struct scene *scene, int64_t corrected, struct error *err)
{
    struct journal journal = moves(scene, "adj:3", JOURNAL_ADJUSTMENT);
    enum ledger_outcome outcome;

    journal.corrects = corrected;
    return ledger_post(db, &journal, scene_at(1), &outcome, err);
}

static bool ledger_work(struct db *db, void *context, struct error *err)
{
    const struct scene *scene = context;
    struct ledger_key prepaid = { LEDGER_RENTER_PREPAID, scene->ada, 0 };
    struct ledger_sums sums, *trial;
    struct renter_funds funds;
    struct instant posted;
    struct journal journal;
    struct money earned;
    int64_t newest;
    size_t count;
    bool has;

    (void)ledger_chart(&count);
    trial = calloc(count, sizeof *trial);
    bool is_done = post(db, scene, err) && ledger_load_funds(db, scene->ada, &funds, err) &&
                   ledger_load_sums(db, prepaid, &sums, err) &&
                   ledger_load_earnings(db, scene->host, &earned, err) &&
                   ledger_newest(db, &newest, err) && correct(db, scene, newest, err) &&
                   ledger_load_journal(db, "adj:1", &journal, &posted, &has, err) &&
                   trial_load(db, trial, err);
    free(trial);
    return is_done;
}

static bool hold_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct hold_row hold = { .key = "credit:t1",
                             .kind = HOLD_CREDIT,
                             .user_id = scene->ada,
                             .amount = { 300 },
                             .note = "why",
                             .created = scene_at(2),
                             .expires = scene_at(9) },
                    other = hold, back, *list;
    struct hold_row unknown = hold;
    struct hold_filter filter = { .max = 8, .state = -1 };
    struct leg taken = hold_leg(HOLD_CREDIT, scene->ada, (struct money){ 100 });
    struct journal journal;
    enum hold_placing placing;
    struct hold_sums sums;
    struct money captured;
    int64_t ids[8];
    size_t count;
    bool has;

    other.key = "credit:t2";
    unknown.key = "deposit:t3";
    unknown.kind = HOLD_DEPOSIT;
    unknown.user_id = scene->bob;
    CHECK_INT(hold_take(1, &taken, scene_at(6), &journal), JOURNAL_BUILT);
    return hold_place(db, &unknown, &placing, err) && post(db, scene, err) &&
           hold_place(db, &hold, &placing, err) && hold_place(db, &hold, &placing, err) &&
           hold_place(db, &other, &placing, err) &&
           hold_load(db, hold.id, &scene->arena, &back, &has, err) &&
           hold_find(db, "credit:t1", &scene->arena, &back, &has, err) &&
           hold_due(db, scene_at(10), ids, 8, &count, err) &&
           hold_list(db, &filter, &scene->arena, &list, &count, err) &&
           hold_sums(db, scene->ada, &sums, err) &&
           hold_end(db, &hold, HOLD_RELEASED, scene_at(3), err) &&
           hold_capture(db, &other, &journal, scene_at(3), err) &&
           hold_captured(db, scene->ada, HOLD_CREDIT, scene_at(0), &captured, err);
}

static bool meters_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct meter of[COMPONENT_COUNT];
    struct meter_epoch epochs[8];
    struct accrued_part part = { .contract_id = scene->contract }, *parts;
    struct burn_row *burns;
    struct accrual line;
    struct meters meters;
    size_t count;

    for (size_t i = 0; i < COMPONENT_COUNT; i++)
        of[i] = meter_open((enum component)(i + 1), (struct money){ 1000 }, 1, 2500);
    return meters_open(db, scene->contract, of, scene_at(1), err) &&
           meters_load(db, scene->contract, &meters, err) && meters_save(db, &meters, err) &&
           meters_reprice(db, &meters, COMPONENT_GPU, (struct money){ 7 }, scene_at(2), err) &&
           meters_resize(db, &meters, 2, scene_at(2), err) &&
           meters_load_epochs(db, scene->contract, COMPONENT_GPU, epochs, 8, &count, err) &&
           burn_list(db, scene->ada, &scene->arena, &burns, &count, err) &&
           burn_list_of(db, scene->contract, &scene->arena, &burns, &count, err) &&
           burn_list_hosted(db, scene->host, &scene->arena, &burns, &count, err) &&
           accrued_save(db, &part, err) &&
           accrued_list(db, scene->ada, &scene->arena, &parts, &count, err) &&
           accrued_list_due(db, scene->ada, scene_at(2), &scene->arena, &parts, &count, err) &&
           accrued_sum(db, scene->ada, &line, err) && accrued_set_sum(db, scene->ada, &line, err) &&
           accrued_drop(db, scene->contract, err) && meters_close(db, &meters, scene_at(3), err);
}

static bool payout_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct payout_row payout = { .host_id = scene->host,
                                 .cut = scene_at(1),
                                 .amount = { 500 },
                                 .state = PAYOUT_CREATED,
                                 .provider = "by hand, at the counter",
                                 .reference = "a number that the bank gave",
                                 .reason = "the account was closed" },
                      back, *list;
    struct payout_filter filter = { .max = 8 };
    struct payout_waiting waiting;
    size_t count;
    bool has;

    if (!payout_waiting(db, &waiting, err) || !payout_insert_later(db, &payout, &payout.id, err) ||
        !db_settle(db, err) || !payout_load(db, payout.id, &scene->arena, &back, &has, err))
        return false;
    payout.state = PAYOUT_SUBMITTED;
    return payout_update(db, &payout, PAYOUT_CREATED, err) &&
           payout_list(db, &filter, &scene->arena, &list, &count, err);
}

static bool parked_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct parked_row row = { .contract_id = scene->contract, .gpu_us = 5, .parked = scene_at(1) },
                      back, *list;
    struct parked_waiting waiting;
    int64_t tick_max_us = 7;
    size_t count;
    bool has;

    if (!parked_guard(db, &tick_max_us, err) || !parked_insert(db, &row, err) ||
        !parked_insert_dropped(db, &row, err) || !parked_waiting(db, &waiting, err) ||
        !parked_list(db, 8, &scene->arena, &list, &count, err) ||
        !parked_load(db, count > 0 ? list[0].id : 0, &scene->arena, &back, &has, err))
        return false;
    back.state = PARKED_DROPPED;
    back.decided = scene_at(1);
    return parked_decide(db, &back, err);
}

static bool renter_invoice_work(struct db *db, struct scene *scene, struct error *err)
{
    struct renter_invoice_row invoice = {
        .owner_id = scene->host, .number = "INV-2026-000001", .month = 24322, .gross = { 4 }
    };
    struct renter_invoice_row back, *list;
    int64_t ids[8], day, billed;
    struct money gross;
    size_t count;
    bool has;

    return renter_invoice_due(db, 24322, scene_at(9), ids, 8, &count, err) &&
           renter_invoice_is_due(db, scene->host, 24322, scene_at(9), &has, &billed, err) &&
           renter_invoice_next_day(db, scene->host, 0, &day, err) &&
           renter_invoice_gross(db, scene->host, 0, 99999, &gross, err) &&
           renter_invoice_insert(db, &invoice, err) &&
           renter_invoice_set_billed(db, scene->host, 24322, err) &&
           renter_invoice_list(db, scene->host, &scene->arena, &list, &count, err) &&
           renter_invoice_load(db, scene->host, 24322, &scene->arena, &back, &has, err);
}

static bool invoice_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct host_invoice_row invoice = { .host_id = scene->host,
                                        .number = "HINV-2026-000001",
                                        .from = scene_at(1),
                                        .until = scene_at(2),
                                        .gross = { 4 },
                                        .total = { 3 },
                                        .drawn = { 3 },
                                        .made = scene_at(3) },
                            back, *list;
    struct usage_sum line = { .machine_id = scene->machine,
                              .component = COMPONENT_GPU,
                              .kind = USAGE_USED,
                              .used = 5,
                              .gross = { 4 },
                              .host = { 3 },
                              .accrued = { 3 } },
                     *lines;
    const struct bill_range range = { scene->host, scene->host, scene_at(9) };
    struct bill_span span = { 0, INT64_MAX };
    struct bill_unposted *unposted;
    struct bill_host *hosts;
    char number[BILL_NUMBER_SIZE];
    int64_t ids[8];
    size_t count;
    bool has;

    return renter_invoice_work(db, scene, err) && bill_number(db, "HINV", 2026, number, err) &&
           host_invoice_due(db, scene_at(9), &span, ids, 8, &count, err) &&
           host_invoice_due_span(db, scene_at(9), &span, err) &&
           bill_run_unposted(db, &range, &scene->arena, &unposted, &count, err) &&
           bill_run_hosts(db, &range, &scene->arena, &hosts, &count, err) &&
           host_invoice_insert_later(db, &invoice, &invoice.id, err) && db_settle(db, err) &&
           host_invoice_add_line(db, invoice.id, &line, err) &&
           host_invoice_set_billed(db, &scene->host, 1, scene_at(2), err) &&
           host_invoice_list(db, scene->host, scene_at(0), scene_at(9), &scene->arena, &list,
                             &count, err) &&
           host_invoice_load(db, invoice.id, &scene->arena, &back, &has, err) &&
           host_invoice_lines(db, invoice.id, &scene->arena, &lines, &count, err);
}

static bool usage_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct usage_line line = { .contract_id = scene->contract,
                               .owner_id = scene->ada,
                               .host_id = scene->host,
                               .machine_id = scene->machine,
                               .day = 20,
                               .component = COMPONENT_GPU,
                               .kind = USAGE_USED,
                               .rate = { 5 },
                               .quantity = 1,
                               .used = 100,
                               .gross = { 4 },
                               .host = { 3 },
                               .accrued = { 3 },
                               .from = scene_at(1),
                               .until = scene_at(2) },
                      *list;
    struct usage_range range = { .user_id = scene->ada, .until_day = 99 };
    struct usage_range hosted = { .user_id = scene->host, .until_day = 99 };
    struct usage_hosts both = { 0, scene->host, 0, 99 };
    struct refund_row refund = { .ticket = "t/1",
                                 .contract_id = scene->contract,
                                 .component = COMPONENT_GPU,
                                 .refund = { { 5 }, 1, 7 },
                                 .at = scene_at(1) };
    struct wallet_entry *entries;
    struct usage_sum *sums;
    struct usage_rate *rates;
    struct money money;
    size_t count;

    return usage_line_add(db, &line, err) &&
           usage_line_of_renter(db, &range, &scene->arena, &list, &count, err) &&
           usage_line_sum_host(db, &hosted, false, &scene->arena, &sums, &count, err) &&
           usage_line_sum_host(db, &hosted, true, &scene->arena, &sums, &count, err) &&
           usage_line_sum_hosts(db, &both, &scene->arena, &sums, &count, err) &&
           usage_line_rates(db, scene->contract, COMPONENT_GPU, &scene->arena, &rates, &count,
                            err) &&
           usage_line_accrued(db, scene->host, 1, &money, err) && refund_insert(db, &refund, err) &&
           refund_paid_bought(db, scene->contract, COMPONENT_GPU, &money, err) &&
           refund_sum(db, scene->ada, scene_at(0), &money, err) &&
           wallet_list(db, scene->ada, scene_at(0), scene_at(9), &scene->arena, &entries, &count,
                       err);
}

static bool deposit_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct deposit_row deposit = {
        .user_id = scene->ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row other = deposit,
                       paid = { .user_id = scene->ada,
                                .provider = "stripe",
                                .object_id = "",
                                .amount = { 5 },
                                .page = "page",
                                .url = "url",
                                .reason = "why" },
                       back, *list;
    int64_t changed;
    size_t count;
    bool is_new, has;

    if (!deposit_make(db, &paid, err) ||
        !deposit_load(db, paid.id, &scene->arena, &back, &has, err) ||
        !deposit_unsent(db, scene->ada, "stripe", &scene->arena, &list, &count, err) ||
        !deposit_open_page(db, &paid, scene_at(0), &scene->arena, &back, &has, err) ||
        !deposit_update(db, &paid, &changed, err))
        return false;
    paid.object_id = "pi_7";
    paid.state = DEPOSIT_ON_ITS_WAY;
    if (!deposit_update(db, &paid, &changed, err))
        return false;
    paid.state = DEPOSIT_FAILED;
    paid.settled = scene_at(3);
    if (!deposit_update(db, &paid, &changed, err) ||
        !deposit_find(db, "stripe", "pi_7", &scene->arena, &back, &has, err) ||
        !deposit_list(db, scene->ada, 8, &scene->arena, &list, &count, err))
        return false;
    other.object_id = "wire 2";
    return deposit_expect(db, &deposit, scene_at(1), &is_new, err) &&
           deposit_arrive(db, &deposit, scene_at(2), &is_new, err) &&
           deposit_arrive(db, &deposit, scene_at(2), &is_new, err) &&
           deposit_number(db, deposit.id, scene_at(2), err) &&
           deposit_expect(db, &other, scene_at(1), &is_new, err) &&
           deposit_cancel(db, other.id, scene_at(2), err);
}

static bool approval_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct approval_row row = { .what = "take:7",
                                .body = "all of it",
                                .amount = { 500 },
                                .asked_by = scene->ada,
                                .asked = scene_at(3) },
                        back, *list;
    struct approval_filter filter = { .max = 8 };
    size_t count;
    bool has;

    return approval_ask(db, &row, err) &&
           approval_find(db, "take:7", &scene->arena, &back, &has, err) &&
           approval_give(db, back.id, scene->bob, scene_at(4), err) &&
           approval_list(db, &filter, &scene->arena, &list, &count, err);
}

static bool reservation_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct contract_row contract = { .id = scene->contract, .owner_id = scene->ada };
    struct reservation_row row = { .contract_id = scene->contract,
                                   .owner_id = scene->ada,
                                   .begun = scene_at(1),
                                   .gpu_hour = { 360 },
                                   .disk_month = { 150 },
                                   .hours = 720,
                                   .paid = { 1000 },
                                   .payments = 1,
                                   .last_paid = { 1000 },
                                   .ends = scene_at(9) },
                           back;
    struct money left;
    int64_t ids[4];
    size_t count;
    bool has;

    return reservation_insert(db, &row, err) &&
           reservation_load(db, scene->contract, &back, &has, err) &&
           reservation_update(db, &row, err) &&
           reservation_set_ends(db, scene->contract, scene_at(5), err) &&
           reservation_due(db, scene_at(6), ids, 4, &count, err) &&
           reservation_left(db, &contract, &left, err);
}

static bool seal_work(struct db *db, void *context, struct error *err)
{
    struct journal journal = { .leg_count = 0 };
    struct seal seal;
    size_t leg_count;
    int64_t last;

    if (!post(db, context, err) || !seal_find_settled(db, 0, scene_at(9), &last, err))
        return false;
    struct audit_stream legs = audit_open(db, AUDIT_LEGS);
    bool is_read = audit_take_legs(&legs, last, &journal, &leg_count, err);
    audit_close(&legs);
    struct seal fresh = { .number = 1, .last_journal = last, .journal_count = 1 };
    (void)snprintf(fresh.hash, sizeof fresh.hash, "h");
    return is_read && seal_insert(db, &fresh, scene_at(9), err) && seal_load_newest(db, &seal, err);
}

/* Two journals at once, of which one brings accounts that are not there. */
static bool many_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct journal journals[2];
    struct ledger_sums sums;

    for (int64_t i = 0; i < 2; i++) {
        const struct leg leg = { { LEDGER_RENTER_RECEIVABLE, scene->ada, 0 },
                                 { LEDGER_HOST_ACCRUED, scene->host + i, 0 },
                                 { 5 },
                                 LEG_HOST_SHARE };
        const struct journal_moves moves = { i == 0 ? "adj:many1" : "adj:many2",
                                             JOURNAL_ADJUSTMENT,
                                             JOURNAL_REF_USER,
                                             1,
                                             scene_at(1),
                                             &leg,
                                             1 };

        CHECK_INT(journal_moves(&moves, &journals[i]), JOURNAL_BUILT);
    }
    return ledger_post_many(db, journals, 2, scene_at(2), err) &&
           ledger_load_sums(db, (struct ledger_key){ LEDGER_RENTER_RECEIVABLE, scene->ada, 0 },
                            &sums, err);
}

static const struct row {
    support_work *work;
    int statements;   /* at least */
    bool is_of_books; /* whose numbers no other statement has written than ours */
} rows[] = {
    { ledger_work, 14, true },  { hold_work, 30, true },     { meters_work, 14, false },
    { payout_work, 4, false },  { invoice_work, 24, false }, { usage_work, 10, false },
    { deposit_work, 7, false }, { approval_work, 4, false }, { seal_work, 8, true },
    { parked_work, 5, false },  { many_work, 11, false },    { reservation_work, 6, false },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void test_every_statement_that_fails_is_heard_of(void **state)
{
    auto_scene struct scene scene = scene_open(*state);

    for (size_t i = 0; i < ROWS; i++) {
        scene_keep(&scene);
        int statements = support_fail_each(scene.db, rows[i].work, &scene);
        check_row("row %zu, with %d statements", i, statements);
        CHECK(statements >= rows[i].statements);
    }
}

static bool read_hold_work(struct db *db, void *context, struct error *err)
{
    struct scene *scene = context;
    struct wallet_entry *entries;
    struct hold_filter filter = { .max = 8, .state = -1 };
    struct hold_row back, *list;
    struct hold_sums sums;
    size_t count;
    bool has;

    return hold_find(db, "credit:t1", &scene->arena, &back, &has, err) &&
           hold_list(db, &filter, &scene->arena, &list, &count, err) &&
           hold_sums(db, scene->ada, &sums, err) &&
           wallet_list(db, scene->ada, scene_at(0), scene_at(9), &scene->arena, &entries, &count,
                       err) &&
           count > 0;
}

static void place_one(struct scene *scene, struct hold_row *ret)
{
    enum hold_placing placing;

    *ret = (struct hold_row){ .key = "credit:t1",
                              .kind = HOLD_CREDIT,
                              .user_id = scene->ada,
                              .amount = { 300 },
                              .note = "why",
                              .created = scene_at(2),
                              .expires = scene_at(9) };
    CHECK_OK(post(scene->db, scene, &scene->err), &scene->err);
    CHECK_OK(hold_place(scene->db, ret, &placing, &scene->err), &scene->err);
    scene_keep(scene);
}

static void test_numbers_that_cannot_be_are_no_end(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold;

    arena_release(&scene.arena);
    scene.arena = arena_of(64 << 20); /* for as many rounds as there are numbers */
    for (size_t i = 0; i < ROWS; i++) {
        scene_keep(&scene);
        if (!rows[i].is_of_books)
            CHECK(support_garble_each(scene.db, rows[i].work, &scene) > 0);
    }
    place_one(&scene, &hold);
    CHECK(support_garble_each(scene.db, read_hold_work, &scene) > 10);
}

static void test_without_room_nothing_is_half_loaded(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct arena whole = scene.arena;

    for (size_t i = 0; i < ROWS; i++) {
        bool is_done = false;

        scene_keep(&scene);
        for (size_t limit = 1; !is_done; limit += 8) {
            struct error err;

            check_row("row %zu, with %zu bytes", i, limit);
            scene.arena = arena_of(limit);
            is_done = rows[i].work(scene.db, &scene, &err);
            CHECK(is_done || err.code == ERROR_OUT_OF_RANGE);
            CHECK(limit < 64 * 1024);
            arena_release(&scene.arena);
            db_rollback(scene.db);
            CHECK_OK(db_begin(scene.db, TRANSACTION_WRITE, &err), &err);
        }
    }
    scene.arena = whole;
}

/* A connection that has not met the accounts yet. */
static bool end_work(struct db *db, void *context, struct error *err)
{
    return hold_end(db, context, HOLD_EXPIRED, scene_at(3), err);
}

static void test_a_hold_ends_where_its_accounts_can_be_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct hold_row hold;
    struct db *other = support_connect(*state);

    place_one(&scene, &hold);
    CHECK_OK(db_commit(scene.db, &scene.err), &scene.err);
    for (int statements = 0; statements < 4; statements++) {
        CHECK_OK(db_begin(other, TRANSACTION_WRITE, &scene.err), &scene.err);
        support_fail_after(other, statements);
        bool is_done = end_work(other, &hold, &scene.err);
        CHECK(is_done == (statements == 3));
        support_fail_after(other, -1);
        db_rollback(other);
    }
    db_close(&other);
    CHECK_OK(db_begin(scene.db, TRANSACTION_WRITE, &scene.err), &scene.err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_that_fails_is_heard_of),
        cmocka_unit_test(test_numbers_that_cannot_be_are_no_end),
        cmocka_unit_test(test_without_room_nothing_is_half_loaded),
        cmocka_unit_test(test_a_hold_ends_where_its_accounts_can_be_found),
    };

    return SUPPORT_RUN(tests);
}
