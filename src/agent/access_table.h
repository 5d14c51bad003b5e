/* SPDX-License-Identifier: Apache-2.0 */
/* The table of instances on its way from the agent to the broker, and the counters on their way
 * back.
 *
 * The table is a text, handed over in a memory file: one line an instance, one a key. It comes
 * from our own parent, and is read strictly all the same. */

#ifndef BERTH_AGENT_ACCESS_TABLE_H
#define BERTH_AGENT_ACCESS_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/access.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

enum {
    ACCESS_CONTAINER_SIZE = 65,
    ACCESS_TABLE_LENGTH_MAX = 96 * 1024 * 1024,
    ACCESS_SLOTS_MAX = ACCESS_ENTRIES_MAX,
};

/* Shared memory: the agent gives slots to instances, the broker counts in them. */
struct access_slot {
    _Atomic int64_t instance_id; /* 0: free */
    _Atomic uint64_t bytes_up, bytes_down;
    _Atomic int64_t connection_count;
    _Atomic int listen_errno;
    _Atomic int64_t copies_asked_s;
};

/* A key that is good for one errand, as the table's text has it. */
struct access_errand {
    const char *base64;
    const char *text; /* "GREETING give HEX" or "GREETING take HEX HEX": what goes to a session */
};

/* An entry as the broker has it. */
struct access_row {
    int64_t instance_id;
    uint16_t port;
    uint16_t slot;
    char container_id[ACCESS_CONTAINER_SIZE]; /* "" while none runs */
    bool may_open, is_for_copies;
    char state_text[ACCESS_STATE_TEXT_MAX + 1];
    size_t key_count;
    const char *keys[ACCESS_KEYS_MAX]; /* base64, into the table's text */
    size_t errand_count;
    struct access_errand errands[ACCESS_COPIES_MAX];
};

struct access_table {
    char *text; /* owned */
    size_t count;
    struct access_row *rows; /* owned; sorted by instance */
};

#define auto_access_table __attribute__((cleanup(access_table_release)))
void access_table_release(struct access_table *table);

/* Add a line for the entry and one for each of its good keys. `*ret_key_count`: how many those
 * were. */
void access_table_write(struct buf *text, const struct access_entry *entry, uint16_t slot,
                        size_t *ret_key_count);

/* Take the text over, whatever comes of it. ERROR_CORRUPT: it was not written by the above. */
NODISCARD bool access_table_read(char *text, struct access_table *ret_table, struct error *err);

/* NULL where it is not listed. */
const struct access_row *access_table_find(const struct access_table *table, int64_t instance_id);

/* `*ret_errand` is "" for a key of the renter's, which may do anything. */
bool access_row_has_key(const struct access_row *row, const char *base64, const char **ret_errand);

#endif
