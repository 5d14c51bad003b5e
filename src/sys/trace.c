/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/trace.h"

#include <stdio.h>

static _Thread_local char current[TRACE_SIZE];

void trace_set(const char *id)
{
    char copy[TRACE_SIZE]; /* it may be our own */

    (void)snprintf(copy, sizeof copy, "%s", id != NULL ? id : "");
    (void)snprintf(current, sizeof current, "%s", copy);
}

const char *trace_get(void)
{
    return current;
}
