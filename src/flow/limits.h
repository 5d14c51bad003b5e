/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that flows share. */

#ifndef BERTH_FLOW_LIMITS_H
#define BERTH_FLOW_LIMITS_H

enum {
    /* What one transaction may load: an account's thousand contracts with their specs. */
    FLOW_ARENA_MAX = 64 << 20,
};

#endif
