/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ops.h"

#include <string.h>

#include "check.h"
#include "support_home.h"
#include "sys/file.h"

#define ID "0123456789abcdef0123456789abcdef"

/* What a newer server asks for is answered, once, and not run as something else. */
static void test_an_operation_that_is_not_known_fails_with_the_reason(void **state)
{
    struct loop *loop = loop_open(&clock_system);
    struct ops_options options = { .ops_dir = home_identity()->ops_dir,
                                   .instances_path = "/nowhere",
                                   .engine_socket = "/nowhere/d.sock",
                                   .log = log_standard() };
    struct desired_op op = { .op_id = ID, .kind = OP_OTHER, .instance_id = 7, .expires_ms = 60000 };
    struct ops *ops = ops_open(loop, &options);
    auto_buf struct buf file = buf_of(1 << 16);
    struct error err;

    (void)state;
    ops_take(ops, &op, 1, loop_now_us(loop));
    ops_take(ops, &op, 1, loop_now_us(loop));
    CHECK_OK(file_read(home_identity()->ops_dir, ID ".json", &file, &err), &err);
    CHECK(memmem(file.bytes, file.length, "\"state\":\"ended\"", 15) != NULL);
    CHECK(memmem(file.bytes, file.length, "\"status\":\"failed\"", 17) != NULL);
    CHECK(memmem(file.bytes, file.length, "does not know that operation", 28) != NULL);
    ops_close(&ops);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_operation_that_is_not_known_fails_with_the_reason,
                                        home_setup, home_teardown),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
