/* SPDX-License-Identifier: Apache-2.0 */
#include "market/relaying.h"

#include <assert.h>

static void add(struct relaying_want *wants, size_t *count, struct relaying_want want)
{
    for (size_t i = 0; i < *count; i++)
        if (wants[i].inside == want.inside &&
            (wants[i].protocol == RELAYING_UDP) == (want.protocol == RELAYING_UDP))
            return;
    assert(*count < RELAYING_WANTS_MAX);
    wants[(*count)++] = want;
}

size_t relaying_wants(const struct relaying_ask *ask,
                      struct relaying_want ret[static RELAYING_WANTS_MAX])
{
    size_t count = 0;

    assert(ask->port_count <= LAUNCH_PORTS_MAX);
    if (ask->mode.has_ssh && (ask->wants_proxy || ask->is_behind_nat))
        add(ret, &count,
            (struct relaying_want){ RELAYING_SSH_PORT, ask->mode.has_jupyter ? 2 : 1,
                                    RELAYING_TCP });
    if (ask->mode.has_jupyter)
        add(ret, &count, (struct relaying_want){ LAUNCH_JUPYTER_PORT, 1, RELAYING_HTTPS });
    for (size_t i = 0; ask->is_behind_nat && i < ask->port_count; i++)
        add(ret, &count,
            (struct relaying_want){ ask->ports[i].port, 1,
                                    ask->ports[i].is_udp ? RELAYING_UDP : RELAYING_TCP });
    return count;
}

int64_t relaying_pick(const struct relaying_window *window, int64_t run)
{
    int64_t at = window->first;

    assert(run > 0);
    for (size_t i = 0; i < window->taken_count; i++) {
        if (window->taken[i] < at)
            continue;
        if (window->taken[i] - at >= run)
            break;
        at = window->taken[i] + 1;
    }
    bool is_known = !window->is_cut || window->taken_count == 0 ||
                    at + run - 1 <= window->taken[window->taken_count - 1];
    return is_known && at + run - 1 <= window->last ? at : 0;
}
