/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/revival.h"

#include <string.h>

#include "sys/clock.h"

static int64_t pause_us(int64_t count)
{
    int64_t pause_ms = REVIVAL_FIRST_MS;

    for (int64_t i = 1; i < count && pause_ms < REVIVAL_MAX_MS; i++)
        pause_ms *= 2;
    return (pause_ms < REVIVAL_MAX_MS ? pause_ms : REVIVAL_MAX_MS) * US_PER_MS;
}

void revival_see(struct revival *revival, const struct seen *seen, int64_t now_us)
{
    char run[sizeof revival->run];

    if (seen == NULL || *seen_start_token(seen, run) == '\0') {
        revival->due_us = -1;
        return;
    }
    if (strcmp(run, revival->run) != 0) {
        memcpy(revival->run, run, sizeof run);
        revival->up_us = now_us;
        revival->has_ended = false;
    }
    if (seen->state != SEEN_EXITED) {
        revival->has_ended = false;
        revival->due_us = -1;
    } else if (!revival->has_ended) {
        bool was_long = now_us - revival->up_us >= REVIVAL_LONG_RUN_MS * US_PER_MS;

        revival->has_ended = true;
        revival->count = was_long ? 1 : revival->count + 1;
        revival->due_us = now_us + pause_us(revival->count);
    }
}
