/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/gpu_gauge.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static const char good[] = "{\"uuid\":\"GPU-a\",\"permille\":1000,\"memory_used_mb\":5,"
                           "\"temperature_c\":60,\"power_w\":300,\"core_mhz\":1755,"
                           "\"memory_mhz\":9501,\"brakes\":63}";

static bool decode(const char *text, struct gpu_gauge *ret, size_t *ret_count, struct error *err)
{
    auto_json json_t *root = NULL;

    CHECK_OK(json_parse(text, strlen(text), &root, err), err);
    return gpu_gauges_decode(root, ret, ret_count, err);
}

/* As many as there may be, and none. */
static void test_what_is_written_is_read(void **state)
{
    (void)state;
    for (size_t count = 0; count <= GPUS_MAX; count += GPUS_MAX / 2) {
        static struct gpu_gauge want[GPUS_MAX], got[GPUS_MAX];
        auto_buf struct buf text = buf_of(1 << 20);
        struct encoder json = encoder_of(&text);
        size_t got_count = 99;
        struct error err;

        memset(want, 0, sizeof want);
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(want[i].uuid, sizeof want[i].uuid, "GPU-%zu", i);
            want[i].permille = (int64_t)check_random(1002) - 1;
            want[i].temperature_c = (int64_t)check_random(1002) - 1;
            want[i].brakes = (int64_t)check_random(GPU_BRAKES_ALL + 2) - 1;
        }
        gpu_gauges_encode(&json, want, count);
        CHECK_OK(decode(text.bytes, got, &got_count, &err), &err);
        CHECK_INT((int64_t)got_count, (int64_t)count);
        CHECK(memcmp(want, got, count * sizeof want[0]) == 0);
    }
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum error_code code;
    } rows[] = {
        { "\"permille\":1000", "\"permille\":1001", ERROR_OUT_OF_RANGE },
        { "\"permille\":1000", "\"permille\":-2", ERROR_OUT_OF_RANGE },
        { "\"brakes\":63", "\"brakes\":64", ERROR_OUT_OF_RANGE },
        { "\"brakes\":63", "\"brake\":63", ERROR_INVALID },
        { "\"temperature_c\":60", "\"temperature_c\":1001", ERROR_OUT_OF_RANGE },
        { "\"power_w\":300", "\"power_w\":100001", ERROR_OUT_OF_RANGE },
        { "\"core_mhz\":1755", "\"core_mhz\":\"fast\"", ERROR_INVALID },
        { "GPU-a", "GPU-\\u0007", ERROR_INVALID },
    };
    struct gpu_gauge gauges[GPUS_MAX];
    struct error err;
    size_t count = 99;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(4096);
        const char *at = strstr(good, rows[i].from);

        check_row("%s", rows[i].to);
        CHECK(at != NULL);
        buf_printf(&text, "[%.*s%s%s]", (int)(at - good), good, rows[i].to,
                   at + strlen(rows[i].from));
        CHECK_FAILS(decode(text.bytes, gauges, &count, &err), &err, rows[i].code);
    }
    CHECK_FAILS(decode("{}", gauges, &count, &err), &err, ERROR_INVALID);

    auto_buf struct buf many = buf_of(1 << 20);
    for (int i = 0; i <= GPUS_MAX; i++)
        buf_printf(&many, "%s%s", i == 0 ? "[" : ",", good);
    buf_append(&many, "]", 1);
    CHECK_FAILS(decode(many.bytes, gauges, &count, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_INT((int64_t)count, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
