/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter reads as an instance's state, for each pair that the market says (rental_view(),
 * market/rental.h). */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"

#define ROW(id, actual, intended)                                                                  \
    "{\"id\":" id ",\"actual_status\":" actual ",\"intended_status\":\"" intended "\"}"

static const struct support_reply replies[] = {
    { "GET /api/v1/instances/?limit=25", 200,
      /* clang-format off */
      "{\"instances\":["
      ROW("1", "\"created\"", "running") ","
      ROW("2", "\"loading\"", "running") ","
      ROW("3", "\"running\"", "running") ","
      ROW("4", "\"scheduling\"", "running") ","
      ROW("5", "\"stopped\"", "running") ","
      ROW("6", "\"stopping\"", "stopped") ","
      ROW("7", "\"stopped\"", "stopped") ","
      ROW("8", "\"created\"", "stopped") ","
      ROW("9", "\"exited\"", "stopped") ","
      ROW("10", "\"offline\"", "running") ","
      ROW("11", "null", "running") ","
      ROW("12", "null", "stopped") ","
      ROW("13", "\"pausing\"", "running") "],"
                                                                                                                                                                             /* clang-format on */
                                                                                                                                                                             "\"next_token\":null}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_a_state_is_what_it_is_and_waits_for_gpus_is_one(void **state)
{
    static const char *const want[] = { "created",  "loading", "running", "waiting", "waiting",
                                        "stopping", "stopped", "created", "exited",  "offline",
                                        "waiting",  "ending",  "pausing" };

    (void)state;
    BERTH(&result, "show", "instances");
    CHECK_INT(result.status, 0);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        char start[64];

        (void)snprintf(start, sizeof start, "\n%*zu  %s ", i < 9 ? 2 : 0, i + 1, want[i]);
        check_row("%s in\n%s", start, result.out);
        CHECK(strstr(result.out, start) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_state_is_what_it_is_and_waits_for_gpus_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
