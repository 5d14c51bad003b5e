/* SPDX-License-Identifier: Apache-2.0 */
#include "market/run_list.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

#define HEAD "task,series,gpu_name,per_second\n"

static struct run_list list;

static void test_what_is_known_is_read(void **state)
{
    struct error err;

    (void)state;
    list = (struct run_list){ 0 };
    CHECK_OK(run_list_add(&list, run_list_known, &err), &err);
    CHECK(list.count > 100 && list.series_count >= 10);
    CHECK_INT(list.runs[0].task, DLPERF_TASK_RESNET50_FP32);
    CHECK_TEXT(list.runs[0].model->name, "A100 PCIE");
    CHECK(list.runs[0].per_second == 744.06);
    CHECK_TEXT(list.series[0].name, "resnet50-fp32-2020");
    size_t known = list.count, series = list.series_count;
    CHECK_OK(run_list_add(&list, HEAD "llm-decode,mine,RTX 4090,120.5\n\nllm-decode,mine,H200,250",
                          &err),
             &err);
    CHECK(list.count == known + 2);
    CHECK(list.series_count == series + 1);
    CHECK_INT(list.runs[known + 1].series, (int64_t)series);
    CHECK(list.runs[known].per_second == 120.5 && list.runs[known + 1].per_second == 250);
    CHECK(run_list_add(&list, HEAD "llm-decode,mine,RTX 4090,120.5\n", &err) == false);
}

/* And the list is as it was. */
static void test_what_is_wrong_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "", "line 0" },
        { "task,series,gpu,per_second\n", "line 1" },
        { "llm-decode,a,RTX 4090,1\n", "line 1" },
        { HEAD "llm-decode,a,RTX 4090,1\nllm-decode,a,RTX 4090,2\n", "line 3" },
        { HEAD "llm-decode,a,RTX 4090\n", "not four fields" },
        { HEAD "llm-decode,a,RTX 4090,1,2\n", "not four fields" },
        { HEAD "llm-decode,,RTX 4090,1\n", "not four fields" },
        { HEAD ",a,RTX 4090,1\n", "not four fields" },
        { HEAD "llm-decode,a,RTX 4090,\n", "not four fields" },
        { HEAD "llm-sleep,a,RTX 4090,1\n", "task" },
        { HEAD "llm-decode,a,RTX 40900,1\n", "GPU" },
        { HEAD "llm-decode,a,RTX 4090,0\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,-1\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,1.\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,.5\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,1e9\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,nan\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090, 1\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,1234567890123456\n", "no speed" },
        { HEAD "llm-decode,a,RTX 4090,1\nllm-prefill,a,H200,1\n", "two tasks" },
        { HEAD "llm-decode,a2345678901234567890123456789012345678901234567890,H200,1\n", "series" },
    };
    char line[400];
    struct error err;

    (void)state;
    list = (struct run_list){ 0 };
    CHECK_OK(run_list_add(&list, HEAD "llm-decode,b,RTX 4090,0.5\n", &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK(!run_list_add(&list, rows[i].text, &err));
        CHECK_INT(err.code, ERROR_INVALID);
        CHECK(strstr(err.text, rows[i].says) != NULL);
        CHECK(list.count == 1);
        CHECK(list.series_count == 1);
    }
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    CHECK(!run_list_add(&list, line, &err));
    CHECK(strstr(err.text, "too long") != NULL);
}

static void test_lists_end(void **state)
{
    char line[200];
    struct error err;
    size_t models;
    const struct gpu_model *all = gpu_models(&models);

    (void)state;
    list = (struct run_list){ 0 };
    for (int i = 0; i < RUN_SERIES_MAX; i++) {
        (void)snprintf(line, sizeof line, HEAD "llm-decode,series-%d,H200,%d\n", i, i + 1);
        CHECK_OK(run_list_add(&list, line, &err), &err);
    }
    CHECK(!run_list_add(&list, HEAD "llm-decode,one-more,H200,1\n", &err));
    for (size_t i = list.count; i < RUN_LIST_MAX + 1; i++) {
        size_t at = i - RUN_SERIES_MAX;
        const char *name = all[at / RUN_SERIES_MAX].name;

        if (strcmp(name, "H200") == 0)
            name = all[models - 1].name;
        (void)snprintf(line, sizeof line, HEAD "llm-decode,series-%d,%s,1\n",
                       (int)(at % RUN_SERIES_MAX), name);
        CHECK(run_list_add(&list, line, &err) == (i < RUN_LIST_MAX));
    }
    CHECK(list.count == RUN_LIST_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_is_read),
        cmocka_unit_test(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_lists_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
