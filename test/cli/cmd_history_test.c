/* SPDX-License-Identifier: Apache-2.0 */
/* What a log comes to, worked out by hand beside what the market says and what is printed. */
#include "cli/cmd_history.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "support.h"

/* Joined a hundred days ago, and away for an hour ten days ago. The market's two numbers are what
 * market/reliability.h comes to for that. */
#define NOW    1800000000.0
#define DAY_S  86400.0
#define HALF_S (180 * DAY_S)
#define JOINED 1791360000
#define AWAY   1799132400
#define BACK   1799136000

static const struct support_reply replies[] = {
    { "GET /api/v0/machines/12/history/", 200,
      "{\"success\":true,\"machine_id\":12,\"now\":1800000000,\"is_online\":true,"
      "\"reliability\":0.9882,\"reliability_mult\":0.9,\"chance_7d\":0.92,\"chance_30d\":0.75,"
      "\"interruptions\":1.4622,\"up_hours\":1998.2,\"mtbf_hours\":1366,\"mttr_hours\":0.7,"
      "\"availability\":0.999,\"half_life_days\":180,\"events\":["
      "{\"kind\":\"outage\",\"start\":1799132400,\"end\":1799136000,\"severity\":1,"
      "\"had_rental\":false,\"cause\":\"contact_lost\"},"
      "{\"kind\":\"joined\",\"start\":1791360000,\"end\":1791360000,\"severity\":0,"
      "\"had_rental\":false,\"cause\":\"contact_lost\"}]}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static double weight(double when)
{
    return exp2(-(NOW - when) / HALF_S);
}

/* By small steps, as nobody would do it twice. */
static double weighed_hours(double from, double until)
{
    double sum = 0;

    for (double at = from; at < until; at += 60)
        sum += 60 * weight(at + 30);
    return sum / 3600;
}

static void check_line(const char *text, double want)
{
    char line[64];

    (void)snprintf(line, sizeof line, "%.4f = (", want);
    check_row("%s in\n%s", line, text);
    CHECK(strstr(text, line) != NULL);
}

static void test_a_chance_for_as_long_as_one_wants_it_is_worked_out(void **state)
{
    static const struct {
        const char *text;
        double hours;
    } rows[] = { { "72", 72 }, { "12", 12 }, { "2160", 2160 } };
    double lost = 0.5 + weight(BACK),
           up = 13.5 + weighed_hours(JOINED, AWAY) + weighed_hours(BACK, NOW);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BERTH(&result, "why-score", "12", "--hours", rows[i].text);
        check_line(result.out, pow(up / (up + rows[i].hours), lost));
        check_line(result.out, pow(up / (up + 24), lost));
        CHECK(strstr(result.out, "as long as you want it") != NULL);
    }
    BERTH(&result, "why-score", "12");
    CHECK(strstr(result.out, "as long as you want it") == NULL);
}

static void test_hours_are_a_number(void **state)
{
    static const char *const bad[] = { "0", "-1", "x", "3x", "", "87601", "1.5" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%s", bad[i]);
        BERTH(&result, "why-score", "12", "--hours", bad[i]);
        CHECK_INT(result.status, 2);
    }
    BERTH(&result, "why-score", "12", "--hours", "87600");
    CHECK_INT(result.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_chance_for_as_long_as_one_wants_it_is_worked_out),
        SUPPORT_TEST(test_hours_are_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
