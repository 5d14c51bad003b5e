/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "market/run_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Whatever lines say, a list is as it was or has good runs, each of a series that it knows. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct run_list list;
    char *text = calloc(1, length + 1);
    struct error err;

    if (text == NULL)
        abort();
    memcpy(text, bytes, length);
    list.count = list.series_count = 0;
    if (!run_list_add(&list, text, &err) && (list.count != 0 || list.series_count != 0))
        abort();
    for (size_t i = 0; i < list.count; i++) {
        const struct run *run = &list.runs[i];

        if (run->model == NULL || !(run->per_second > 0) ||
            (size_t)run->series >= list.series_count || list.series[run->series].task != run->task)
            abort();
    }
    free(text);
    return 0;
}
