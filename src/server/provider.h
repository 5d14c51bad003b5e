/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a payment provider, and how: the half of flow/provider.h that has sockets. Each
 * provider that is spoken with is one of these; by hand there is nothing to say.
 *
 * They are called by the one thread of server/payments.h. */

#ifndef BERTH_SERVER_PROVIDER_H
#define BERTH_SERVER_PROVIDER_H

#include "server/payments_inside.h"

/* What an answer, or none, says of a call. */
enum provider_verdict {
    PROVIDER_TAKEN,
    PROVIDER_REFUSED, /* it was executed, and came to nothing */
    PROVIDER_AGAIN,
    PROVIDER_DOUBT, /* it will say nothing else: look for it */
    PROVIDER_KEY,   /* it is we who are refused */
};

struct provider {
    const char *name; /* as in outbox.provider and psp_event.provider */

    /* Make a call, and take what it comes to into the books. `*ret_status` stays 0 without an
     * answer. */
    enum provider_verdict (*call)(const struct payments_asker *asker,
                                  const struct outbox_item *item, int *ret_status);

    /* What an event is about, as it is now. */
    enum pay_effect (*event)(const struct payments_asker *asker, const struct psp_event_row *event);

    /* What is due to be asked, of which nobody tells; false: nothing was. NULL: there is no such.
     */
    bool (*look)(const struct payments_asker *asker);

    /* Once a night: all that we may not have heard of. NULL: `look` does. */
    bool (*sweep)(const struct payments_asker *asker);
};

#endif
