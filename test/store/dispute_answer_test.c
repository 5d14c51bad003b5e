/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dispute_answer.h"

#include "store/deposit.h"
#include "store/payment_back.h"
#include "store/support_rows.h"
#include "store/usage_line.h"

static int64_t dispute_of(struct scene *scene, const char *name, int64_t due_s)
{
    struct deposit_row deposit = {
        .user_id = scene->ada, .provider = "stripe", .amount = { 500 }, .created = scene_at(1)
    };
    struct dispute_row row = { .provider = "stripe",
                               .object_id = name,
                               .user_id = scene->ada,
                               .amount = { 500 },
                               .reason = "fraudulent",
                               .created = scene_at(2) };
    struct dispute_row found;
    bool has;

    CHECK_OK(deposit_make(scene->db, &deposit, &scene->err), &scene->err);
    row.deposit_id = deposit.id;
    CHECK_OK(dispute_insert(scene->db, &row, &scene->err), &scene->err);
    row.asks = due_s != 0;
    row.due = scene_at(due_s);
    CHECK_OK(dispute_update(scene->db, &row, &scene->err), &scene->err);
    CHECK_OK(dispute_load(scene->db, row.id, &scene->arena, &found, &has, &scene->err),
             &scene->err);
    CHECK(has && found.asks == row.asks);
    CHECK_INT(found.due.microseconds, row.due.microseconds);
    CHECK_TEXT(found.object_id, name);
    return row.id;
}

static struct dispute_answer_row answer_of(int64_t dispute_id)
{
    return (struct dispute_answer_row){ .dispute_id = dispute_id,
                                        .state = DISPUTE_ANSWER_REFUSED,
                                        .note = "n",
                                        .facts = { "e", "na", "b", "ad", "s", "p", "ac", "r" },
                                        .made = scene_at(3),
                                        .sent = scene_at(4),
                                        .by_user = 5,
                                        .tries = 6,
                                        .reason = "why",
                                        .reminded = 1 };
}

static void put(struct scene *scene, const struct dispute_answer_row *row)
{
    CHECK_OK(dispute_answer_put(scene->db, row, &scene->err), &scene->err);
}

static void test_an_answer_comes_back_as_it_was_put(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_answer_row row = answer_of(dispute_of(&scene, "dp_1", 100)), found;
    bool has;

    CHECK_OK(dispute_answer_load(scene.db, row.dispute_id, &scene.arena, &found, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    for (int round = 0; round < 2; round++) {
        row.note = round == 0 ? "n" : "another";
        row.tries += round;
        put(&scene, &row);
        CHECK_OK(
            dispute_answer_load(scene.db, row.dispute_id, &scene.arena, &found, &has, &scene.err),
            &scene.err);
        CHECK(has);
        CHECK_INT(found.state, DISPUTE_ANSWER_REFUSED);
        CHECK_TEXT(found.note, row.note);
        CHECK_TEXT(found.facts.email, "e");
        CHECK_TEXT(found.facts.name, "na");
        CHECK_TEXT(found.facts.billing, "b");
        CHECK_TEXT(found.facts.address, "ad");
        CHECK_TEXT(found.facts.served, "s");
        CHECK_TEXT(found.facts.product, "p");
        CHECK_TEXT(found.facts.activity, "ac");
        CHECK_TEXT(found.facts.record, "r");
        CHECK_INT(found.made.microseconds, scene_at(3).microseconds);
        CHECK_INT(found.sent.microseconds, scene_at(4).microseconds);
        CHECK_INT(found.by_user, 5);
        CHECK_INT(found.tries, 6 + round);
        CHECK_TEXT(found.reason, "why");
        CHECK_INT(found.reminded, 1);
    }
    CHECK_TEXT(dispute_answer_state_name(DISPUTE_ANSWER_DRAFT), "draft");
    CHECK_TEXT(dispute_answer_state_name(DISPUTE_ANSWER_REFUSED), "refused");
}

static size_t due(struct scene *scene, int64_t now_s, int64_t until_s, int64_t reminders)
{
    const struct dispute_due wanted = { scene_at(now_s), scene_at(until_s), reminders };
    int64_t ids[4];
    size_t count;

    CHECK_OK(dispute_answer_due(scene->db, &wanted, ids, 4, &count, &scene->err), &scene->err);
    return count;
}

/* Both sides of its day; and nothing of what is answered, decided, not asked for or told of. */
static void test_what_is_due_and_unanswered_is_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_answer_row row = answer_of(dispute_of(&scene, "dp_1", 100));
    struct dispute_answer_row other = answer_of(dispute_of(&scene, "dp_2", 0));

    put(&scene, &other);
    CHECK_INT((int64_t)due(&scene, 10, 100, 2), 0); /* without an answer at all */
    put(&scene, &row);
    CHECK_INT((int64_t)due(&scene, 99, 100, 2), 1);
    CHECK_INT((int64_t)due(&scene, 100, 200, 2), 0);
    CHECK_INT((int64_t)due(&scene, 10, 99, 2), 0);
    CHECK_INT((int64_t)due(&scene, 10, 100, 1), 0);
    for (enum dispute_answer_state at = DISPUTE_ANSWER_DRAFT; at <= DISPUTE_ANSWER_REFUSED; at++) {
        row.state = at;
        put(&scene, &row);
        CHECK_INT((int64_t)due(&scene, 10, 100, 2),
                  at == DISPUTE_ANSWER_DRAFT || at == DISPUTE_ANSWER_REFUSED);
    }
    for (int64_t at = DISPUTE_SAID; at <= DISPUTE_LOST; at++) {
        scene_run(&scene, "UPDATE dispute SET state = $1", DB_ARGS(db_int(at)));
        CHECK_INT((int64_t)due(&scene, 10, 100, 2), at == DISPUTE_SAID || at == DISPUTE_TAKEN);
    }
}

static void add_usage(struct scene *scene, int64_t day, enum component component,
                      enum usage_kind kind, int64_t used)
{
    int64_t sign = kind == USAGE_USED ? 1 : -1;
    const struct usage_line line = { .contract_id = scene->contract,
                                     .owner_id = scene->ada,
                                     .host_id = scene->host,
                                     .machine_id = scene->machine,
                                     .day = day,
                                     .component = component,
                                     .kind = kind,
                                     .rate = { 1000 },
                                     .quantity = 1,
                                     .used = used,
                                     .gross = { sign * 100 },
                                     .host = { sign * 75 },
                                     .accrued = { sign * 75 },
                                     .from = scene_at(day),
                                     .until = scene_at(day + 1) };

    CHECK_OK(usage_line_add(scene->db, &line, &scene->err), &scene->err);
}

static void test_rentals_are_summed_from_a_day_on(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_rental *rentals;
    size_t count;

    add_usage(&scene, 10, COMPONENT_GPU, USAGE_USED, 1000);
    add_usage(&scene, 11, COMPONENT_GPU, USAGE_USED, 7);
    add_usage(&scene, 12, COMPONENT_GPU, USAGE_USED, 8);
    add_usage(&scene, 12, COMPONENT_UP, USAGE_USED, 20);
    add_usage(&scene, 12, COMPONENT_DOWN, USAGE_USED, 30);
    add_usage(&scene, 12, COMPONENT_GPU, USAGE_REFUNDED, 5);
    CHECK_OK(
        dispute_rentals(scene.db, scene.ada, 11, 9, &scene.arena, &rentals, &count, &scene.err),
        &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(rentals[0].contract_id, scene.contract);
    CHECK_INT(rentals[0].machine_id, scene.machine);
    CHECK_INT(rentals[0].from.microseconds, scene_at(11).microseconds);
    CHECK_INT(rentals[0].until.microseconds, scene_at(13).microseconds);
    CHECK_INT(rentals[0].gpu_us, 15);
    CHECK_INT(rentals[0].up_bytes, 20);
    CHECK_INT(rentals[0].down_bytes, 30);
    CHECK_INT(rentals[0].gross.nanodollars, 300);
    CHECK_OK(dispute_rentals(scene.db, scene.bob, 0, 9, &scene.arena, &rentals, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 0);
}

static void mail(struct scene *scene, const char *key, const char *provider, const char *to,
                 int64_t state)
{
    scene_run(scene,
              "INSERT INTO outbox (idem_key, provider, method, path, body, next_us, state, "
              "first_sent_us) VALUES ($1, $2, 'POST', $3, $1, 0, $4, 7)",
              DB_ARGS(db_text(key), db_text(provider), db_text(to), db_int(state)));
}

static void test_mails_that_were_sent_come_newest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct dispute_mail *mails;
    size_t count;

    mail(&scene, "a", "mail", "ada@x.test", 1);
    mail(&scene, "b", "mail", "ada@x.test", 0);
    mail(&scene, "c", "mail", "bob@x.test", 1);
    mail(&scene, "d", "webhook", "ada@x.test", 1);
    mail(&scene, "e", "mail", "ada@x.test", 1);
    CHECK_OK(dispute_mails(scene.db, "ada@x.test", 9, &scene.arena, &mails, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(mails[0].body, "e");
    CHECK_TEXT(mails[1].body, "a");
    CHECK_INT(mails[0].sent.microseconds, 7);
    CHECK_OK(dispute_mails(scene.db, "ada@x.test", 1, &scene.arena, &mails, &count, &scene.err),
             &scene.err);
    CHECK_INT((int64_t)count, 1);
}

static void test_operators_whose_email_works_are_told(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct operator_row *operators;
    size_t count;

    scene_run(&scene, "UPDATE users SET is_admin = 0", DB_NO_ARGS);
    scene_run(&scene, "UPDATE users SET is_admin = 1, email_verified_us = 0 WHERE id = $1",
              DB_ARGS(db_int(scene.bob)));
    scene_run(&scene, "UPDATE users SET is_admin = 1, email_verified_us = 9 WHERE id = $1",
              DB_ARGS(db_int(scene.ada)));
    CHECK_OK(operator_list(scene.db, 9, &scene.arena, &operators, &count, &scene.err), &scene.err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(operators[0].id, scene.ada);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_back_as_it_was_put),
        cmocka_unit_test(test_what_is_due_and_unanswered_is_found),
        cmocka_unit_test(test_rentals_are_summed_from_a_day_on),
        cmocka_unit_test(test_mails_that_were_sent_come_newest_first),
        cmocka_unit_test(test_operators_whose_email_works_are_told),
    };

    return SUPPORT_RUN(tests);
}
