/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking: made once from an API key at the door, and passed down from there. */

#ifndef BERTH_FLOW_CALLER_H
#define BERTH_FLOW_CALLER_H

#include <stdbool.h>
#include <stdint.h>

/* Permission categories, api.md 2.11. SCOPE_MISC covers what every key may do. */
enum scope {
    SCOPE_INSTANCE_READ = 1 << 0,
    SCOPE_INSTANCE_WRITE = 1 << 1,
    SCOPE_USER_READ = 1 << 2,
    SCOPE_USER_WRITE = 1 << 3,
    SCOPE_BILLING_READ = 1 << 4,
    SCOPE_BILLING_WRITE = 1 << 5,
    SCOPE_MACHINE_READ = 1 << 6,
    SCOPE_MACHINE_WRITE = 1 << 7,
    SCOPE_MISC = 1 << 8,
    SCOPE_TEAM_READ = 1 << 9,
    SCOPE_TEAM_WRITE = 1 << 10,
    SCOPE_ALL = (1 << 11) - 1,
};

struct caller {
    int64_t user_id;
    int64_t key_id;
    int64_t scopes;      /* bits of enum scope */
    int64_t instance_id; /* of an instance's own key: it may touch that one only; else 0 */
    bool is_admin;
};

#endif
