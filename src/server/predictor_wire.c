/* SPDX-License-Identifier: Apache-2.0 */
#include "server/predictor_wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

enum { RUNS_FILE_MAX = 1 << 18 };

static bool read_runs(const char *path, struct run_list *list, struct error *err)
{
    auto_buf struct buf text = buf_of(RUNS_FILE_MAX);

    return run_list_add(list, run_list_known, err) && file_read(AT_FDCWD, path, &text, err) &&
           run_list_add(list, text.length > 0 ? text.bytes : "", err);
}

bool predictor_wire_read(const struct options *options, struct run_list **ret_runs,
                         bool *ret_uses_formula, struct error *err)
{
    const char *path = options_get(options, "runs"), *rule = options_get(options, "predictor");
    bool uses_formula = rule != NULL && strcmp(rule, "off") == 0;

    if (rule != NULL && !uses_formula && strcmp(rule, "on") != 0)
        return error_set(err, ERROR_INVALID, "--predictor is on or off");
    *ret_uses_formula = uses_formula;
    *ret_runs = NULL;
    if (path == NULL)
        return true;
    struct run_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        abort(); /* As base/buf.h says. */
    if (!read_runs(path, list, err)) {
        free(list);
        return error_context(err, "--runs %s", path);
    }
    *ret_runs = list;
    return true;
}
