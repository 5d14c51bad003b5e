/* SPDX-License-Identifier: Apache-2.0 */
#include "market/lifetime.h"

#include <stddef.h>

/* Ahead of the end, the earliest first. */
static const struct warning {
    int64_t ahead_us;
    const char *text;
} warnings[] = {
    { 7 * 24 * US_PER_HOUR, "7 days" },
    { 24 * US_PER_HOUR, "1 day" },
    { US_PER_HOUR, "1 hour" },
};
enum { WARNING_COUNT = sizeof warnings / sizeof warnings[0] };

static bool has_end(struct instant end)
{
    return instant_compare(end, INSTANT_NEVER) != 0;
}

struct instant lifetime_next_warning(struct instant end, struct instant now)
{
    for (size_t i = 0; has_end(end) && i < WARNING_COUNT; i++) {
        struct instant due = instant_add(end, -warnings[i].ahead_us);

        if (instant_compare(due, now) > 0)
            return due;
    }
    return INSTANT_NEVER;
}

const char *lifetime_warning(struct instant end, struct instant now)
{
    const char *text = NULL;

    if (!has_end(end) || instant_compare(end, now) <= 0)
        return NULL;
    for (size_t i = 0; i < WARNING_COUNT; i++)
        if (instant_compare(instant_add(end, -warnings[i].ahead_us), now) <= 0)
            text = warnings[i].text;
    return text;
}

struct instant lifetime_retention(struct instant end)
{
    return has_end(end) ? instant_add(end, LIFETIME_RETENTION_US) : INSTANT_NEVER;
}
