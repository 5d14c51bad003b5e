/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/preempt.h"

#include "check.h"

static void expect(int64_t keep_ticks, const char *want)
{
    struct desired_notice notice = { 10000, "outbid", "bid", keep_ticks };
    auto_buf struct buf text = buf_of(PREEMPT_TEXT_MAX);

    /* 2026-11-22T14:03:32.9Z: told as the second that it is in, never later. */
    preempt_encode(&text, &notice, (struct instant){ INT64_C(1795356212900000) });
    CHECK(!text.has_overflowed);
    CHECK_TEXT(text.bytes, want);
}

static void test_a_notice_says_all_four_things(void **state)
{
    (void)state;
    expect(232, "{\"reason\":\"outbid\",\"deadline\":\"2026-11-22T14:03:32Z\","
                "\"winner_class\":\"bid\",\"price_to_keep\":0.232}");
    expect(12005, "{\"reason\":\"outbid\",\"deadline\":\"2026-11-22T14:03:32Z\","
                  "\"winner_class\":\"bid\",\"price_to_keep\":12.005}");
    expect(0, "{\"reason\":\"outbid\",\"deadline\":\"2026-11-22T14:03:32Z\","
              "\"winner_class\":\"bid\",\"price_to_keep\":0.000}");
    expect(-1, "{\"reason\":\"outbid\",\"deadline\":\"2026-11-22T14:03:32Z\","
               "\"winner_class\":\"bid\",\"price_to_keep\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_notice_says_all_four_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
