/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mail_code.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

struct finding {
    struct world *world;
    const char *text;
    bool has;
    int64_t id;
};

static bool send(struct db *db, void *context, struct error *err)
{
    const struct mail_code_request request = { .kind = MAIL_CODE_VERIFY,
                                               .user_id = 7,
                                               .email = "ada@berth.test",
                                               .template = "verify_email",
                                               .members = "\"x\":1",
                                               .lifetime_s = 60 };

    (void)context;
    return mail_code_send(db, &request, WORLD_START, err);
}

static bool find(struct db *db, void *context, struct error *err)
{
    struct finding *finding = context;
    struct mail_code_row row;

    if (!mail_code_find(db, &finding->world->flow, finding->text, clock_now(&finding->world->clock),
                        &finding->world->arena, &row, &finding->has, err))
        return false;
    finding->id = finding->has ? row.id : 0;
    return true;
}

static bool is_good(struct world *world, const char *text)
{
    struct finding finding = { .world = world, .text = text };

    support_read(world->support, find, &finding);
    return finding.has;
}

static void test_a_code_is_good_as_a_whole_or_not_at_all(void **state)
{
    struct world world;
    char code[MAIL_CODE_SIZE], other[MAIL_CODE_SIZE + 8];
    struct error err;
    bool has;

    world_open(&world, *state);
    support_write(world.support, send, NULL);
    CHECK_OK(flow_mail_code(&world.flow, 1, code, &has, &err), &err);
    CHECK(has && is_good(&world, code));
    /* Also while another master key takes the place of the one that it was made with. */
    struct vault made_with = world.vault;
    world.vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 99 });
    CHECK(!is_good(&world, code));
    vault_add(&world.vault, (const uint8_t[SEAL_KEY_SIZE]){ 98 });
    vault_add(&world.vault, made_with.master.key);
    CHECK(is_good(&world, code));
    world.vault = made_with;
    for (size_t i = 0; i < strlen(code); i++) {
        memcpy(other, code, sizeof code);
        other[i] = other[i] == '0' ? '1' : '0';
        check_row("byte %zu", i);
        CHECK(!is_good(&world, other));
    }
    (void)snprintf(other, sizeof other, "0%s", code);
    CHECK(!is_good(&world, other));
    (void)snprintf(other, sizeof other, "%s0", code);
    CHECK(!is_good(&world, other));
    CHECK(!is_good(&world, "") && !is_good(&world, "-") && !is_good(&world, "1") &&
          !is_good(&world, "99999999999999999999-00"));
    /* With another key it is another code: what is in the database makes none. */
    world.vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 8 });
    CHECK(!is_good(&world, code));
    world.vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 7 });
    clock_advance(&world.clock, 60 * US_PER_SECOND);
    CHECK(!is_good(&world, code));
    CHECK_OK(flow_mail_code(&world.flow, 1, code, &has, &err), &err);
    CHECK(!has);
    world_close(&world);
}

static void test_guesses_are_counted_by_number(void **state)
{
    static const struct {
        const char *text, *number;
    } rows[] = {
        { "17-abc", "17" }, { "017-abc", "17" }, { "", "" },
        { "-", "" },        { "x-1", "" },       { "0-1", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char number[MAIL_CODE_SIZE];

        mail_code_number(rows[i].text, number);
        CHECK_TEXT(number, rows[i].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_is_good_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_guesses_are_counted_by_number),
    };
    return SUPPORT_RUN(tests);
}
