/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ptx.h"

#include <stddef.h>

/* Ordered upwards; the last row is none, so that there may be no other. */
static const struct {
    int64_t compute_cap;
    const char *text;
} all[] = {
#include "agent/ptx_texts.inc"
    { 0, NULL },
};

const char *ptx_for(int64_t compute_cap)
{
    const char *best = NULL;

    for (size_t i = 0; all[i].text != NULL; i++)
        best = all[i].compute_cap <= compute_cap ? all[i].text : best;
    return best;
}
