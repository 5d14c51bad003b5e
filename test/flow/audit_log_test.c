/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_log.h"

#include <string.h>

#include "support.h"

static void test_what_is_written_later_is_there_in_the_end(void **state)
{
    struct world world;
    struct audit_log_row *rows;
    struct user_address_row *addresses;
    size_t count;
    char text[32 * 1024];
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    audit_log_write(&world.flow, &ada, "192.0.2.1", "api.one", "{\"id\":1}");
    audit_log_write(&world.flow, &ada, "192.0.2.1", "api.two", text);
    /* What is written after it waits for it. */
    struct caller bo = world_user(&world, "bo@berth.test", 0);
    CHECK_OK(flow_audit_log(&world.flow, &ada, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(rows[1].args, "{\"id\":1}");
    /* Too long to be kept: that it was is. */
    CHECK_TEXT(rows[0].args, "{}");
    CHECK_OK(flow_audit_log(&world.flow, &bo, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(flow_audit_log(&world.flow, NULL, &world.arena, &rows, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_OK(flow_addresses(&world.flow, &ada, &world.arena, &addresses, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_later_is_there_in_the_end),
    };
    return SUPPORT_RUN(tests);
}
