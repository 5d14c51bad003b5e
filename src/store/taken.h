/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that the transaction at hand has taken, so that a row is taken with one statement
 * however many of a flow's parts want to be sure of it. It knows rows by a table and an id; where
 * it has no place for one it does not know it, and that one is taken again. Inside src/store/ only.
 */

#ifndef BERTH_STORE_TAKEN_H
#define BERTH_STORE_TAKEN_H

#include <stdbool.h>
#include <stdint.h>

enum { TAKEN_MAX = 1024 };

struct taken_row {
    const char *table; /* by its address */
    int64_t id;
    uint64_t transaction; /* 0: a free place */
};

struct taken {
    struct taken_row places[TAKEN_MAX];
    uint64_t transaction;
};

/* Another transaction: it has taken nothing. */
void taken_begin(struct taken *taken);

/* True the first time in a transaction. */
bool taken_add(struct taken *taken, const char *table, int64_t id);

#endif
