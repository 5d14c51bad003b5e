/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void check_run_find(struct check_run *run, const char *rule, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    run->counts.findings++;
    run->found(run->context, rule, text);
}

bool check_run_skip(struct check_run *run, struct audit_stream *stream, int64_t id,
                    const char *what, struct error *err)
{
    const struct audit_row *row;

    while (audit_see(stream, &row, err)) {
        if (row == NULL || row->at[0] >= id)
            return true;
        check_run_find(run, "I-2", "%s belong to %" PRId64 ", which does not exist", what,
                       row->at[0]);
        audit_take(stream);
    }
    return false;
}

bool check_run_take(struct audit_stream *stream, int64_t id, struct audit_row *ret_row,
                    bool *ret_has, struct error *err)
{
    const struct audit_row *row;

    if (!audit_see(stream, &row, err))
        return false;
    *ret_has = row != NULL && row->at[0] == id;
    if (*ret_has) {
        *ret_row = *row;
        audit_take(stream);
    }
    return true;
}
