/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bill_run.h"

#include "store/host_invoice.h"
#include "store/payout.h"
#include "store/support_rows.h"

static const struct instant cut = { 100000000 };

static struct bill_range all_of(const struct scene *scene)
{
    return (struct bill_range){ 0, scene->host + 1000, cut };
}

static size_t hosts_of(struct scene *scene, struct bill_range range, struct bill_host **ret)
{
    size_t count;

    CHECK_OK(bill_run_hosts(scene->db, &range, &scene->arena, ret, &count, &scene->err),
             &scene->err);
    return count;
}

/* Until it has been posted up to the cut, and while it can be. */
static void test_a_contract_is_unposted_before_the_cut(void **state)
{
    static const struct {
        const char *change;
        int64_t count;
    } rows[] = {
        { "UPDATE contract SET started_us = 1, posted_us = 99999999, destroyed_us = 0", 1 },
        { "UPDATE contract SET posted_us = 100000000", 0 },
        { "UPDATE contract SET posted_us = 5, started_us = 0", 0 },
        { "UPDATE contract SET started_us = 1, destroyed_us = 3, state = 8", 0 },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct bill_range range = all_of(&scene);
    struct bill_unposted *contracts;
    struct bill_host *hosts;
    size_t count;

    scene_run(&scene, "DELETE FROM contract WHERE id <> $1", DB_ARGS(db_int(scene.contract)));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].change);
        scene_run(&scene, rows[i].change, DB_NO_ARGS);
        CHECK_OK(bill_run_unposted(scene.db, &range, &scene.arena, &contracts, &count, &scene.err),
                 &scene.err);
        CHECK_COUNT(count, rows[i].count);
        CHECK(count == 0 ||
              (contracts[0].contract_id == scene.contract &&
               contracts[0].machine_id == scene.machine && contracts[0].renter_id == scene.ada));
        CHECK_COUNT(hosts_of(&scene, range, &hosts), 1);
        CHECK(hosts[0].is_unposted == (rows[i].count == 1));
    }
}

/* A host with two machines is there once; who is billed, or out of the range, is not. */
static void test_a_host_is_in_its_range_until_it_is_billed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct bill_range range = all_of(&scene);
    struct bill_host *hosts;

    (void)scene_machine(&scene, scene.bob, 77);
    CHECK_COUNT(hosts_of(&scene, range, &hosts), 2);
    CHECK(hosts[0].id < hosts[1].id);
    CHECK_INT(hosts[0].id + hosts[1].id, scene.bob + scene.host);
    range.first = range.last = scene.host;
    CHECK_COUNT(hosts_of(&scene, range, &hosts), 1);
    CHECK_INT(hosts[0].id, scene.host);
    range.first = range.last = scene.ada; /* who has no machine */
    CHECK_COUNT(hosts_of(&scene, range, &hosts), 0);
    range = all_of(&scene);
    CHECK_OK(host_invoice_set_billed(scene.db, &scene.host, 1, cut, &scene.err), &scene.err);
    CHECK_COUNT(hosts_of(&scene, range, &hosts), 1);
    CHECK_INT(hosts[0].id, scene.bob);
    range.cut.microseconds++;
    CHECK_COUNT(hosts_of(&scene, range, &hosts), 2);
}

/* Each fact beside that of another host, and none before there is one. */
static void test_what_a_host_has_comes_with_it(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct host_invoice_row invoice = { .host_id = scene.host,
                                        .number = "HINV-2026-000001",
                                        .from = scene_at(1),
                                        .until = scene_at(8),
                                        .made = scene_at(9) };
    struct payout_row payout = { .host_id = scene.host,
                                 .cut = cut,
                                 .amount = { 5 },
                                 .state = PAYOUT_CREATED,
                                 .provider = "manual",
                                 .reference = "",
                                 .reason = "" };
    struct payout_method_row method = { .user_id = scene.host,
                                        .provider = "stripe",
                                        .country = "US",
                                        .account = "acct_1",
                                        .is_ready = true,
                                        .reason = "",
                                        .link = "" };
    struct bill_host *hosts;
    int64_t id;

    (void)scene_machine(&scene, scene.bob, 77);
    CHECK_COUNT(hosts_of(&scene, all_of(&scene), &hosts), 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(hosts[i].last.microseconds, 0);
        CHECK_INT(hosts[i].owed.nanodollars, 0);
        CHECK_INT(hosts[i].payable.nanodollars, 0);
        CHECK(!hosts[i].has_payout && !hosts[i].has_method);
    }
    CHECK_OK(host_invoice_insert_later(scene.db, &invoice, &id, &scene.err) &&
                 payout_insert_later(scene.db, &payout, &payout.id, &scene.err) &&
                 payout_method_put(scene.db, &method, &scene.err) &&
                 db_settle(scene.db, &scene.err),
             &scene.err);
    /* Of what is payable a part is held; and nothing of others' counts. */
    scene_run(&scene,
              "INSERT INTO account (code, owner_id, sub_id, flags, dr_posted, cr_posted, "
              "dr_pending, cr_pending, created_us) VALUES "
              "(2120, $1, 0, 1, 10, 100, 7, 0, 0), (1220, $1, 0, 2, 30, 4, 0, 0, 0), "
              "(2120, $1, 5, 1, 0, 9999, 0, 0, 0), (2120, $2, 0, 1, 0, 50, 0, 0, 0)",
              DB_ARGS(db_int(scene.host), db_int(scene.bob)));
    CHECK_COUNT(hosts_of(&scene, all_of(&scene), &hosts), 2);
    const struct bill_host *host = &hosts[hosts[1].id == scene.host];
    const struct bill_host *other = &hosts[hosts[1].id != scene.host];
    CHECK_INT(host->last.microseconds, scene_at(8).microseconds);
    CHECK_INT(host->payable.nanodollars, 83);
    CHECK_INT(host->owed.nanodollars, 26);
    CHECK(host->has_payout);
    CHECK(host->has_method && host->method.is_ready);
    CHECK_TEXT(host->method.account, "acct_1");
    CHECK_INT(other->payable.nanodollars, 50);
    CHECK_INT(other->owed.nanodollars, 0);
    CHECK(!other->has_payout && !other->has_method);
    CHECK_INT(other->last.microseconds, 0);
    /* A payout of another week is none of this one's. */
    scene_run(&scene, "UPDATE payout SET cut_us = cut_us - 1", DB_NO_ARGS);
    CHECK_COUNT(hosts_of(&scene, all_of(&scene), &hosts), 2);
    CHECK(!hosts[0].has_payout && !hosts[1].has_payout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_contract_is_unposted_before_the_cut),
        cmocka_unit_test(test_a_host_is_in_its_range_until_it_is_billed),
        cmocka_unit_test(test_what_a_host_has_comes_with_it),
    };

    return SUPPORT_RUN(tests);
}
