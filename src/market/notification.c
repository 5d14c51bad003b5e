/* SPDX-License-Identifier: Apache-2.0 */
#include "market/notification.h"

#include <assert.h>
#include <string.h>

static const struct notification_kind kinds[] = {
#define NOTIFICATION(name, context, slug, topic, display, is_mandatory)                            \
    { context, slug, context ":" slug, topic, display, is_mandatory },
#include "market/notification.def"
#undef NOTIFICATION
};

const struct notification_kind *notification_kind(enum notification notification)
{
    assert((size_t)notification < NOTIFICATION_COUNT);
    return &kinds[notification];
}

enum notification notification_find(const char *key)
{
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        if (strcmp(kinds[i].key, key) == 0)
            return (enum notification)i;
    }
    return NOTIFICATION_COUNT;
}

struct notification_choice notification_default(void)
{
    return (struct notification_choice){ .email = true, .webhooks = false };
}
