/* SPDX-License-Identifier: Apache-2.0 */
/* A database that fails at one statement, as it does where a disk does: whatever runs on it has to
 * say so and to leave. */

#ifndef BERTH_TEST_STORE_SUPPORT_FAILING_H
#define BERTH_TEST_STORE_SUPPORT_FAILING_H

#include "store/db.h"

/* From now on `count` more statements work on the connection, and the one after them fails with
 * ERROR_IO; below zero: all work. One connection at a time. */
void support_fail_after(struct db *db, int count);

/* From now on this process dies, as by kill -9, at the count-th call to a connection that was given
 * to support_fail_after(): before a statement is sent, or a transaction begun or committed, or
 * after it was committed. 0: it lives. Calls are counted from here on. */
void support_die_at(int64_t count);
int64_t support_calls(void);

/* Run it with its first statement failing, then with its second, and so on, each time in a
 * transaction that is rolled back, until none is left to fail. It must fail each time, with what
 * the database said, and succeed in the end. One transaction is open before and another after.
 * Returns how many statements it has. */
typedef bool support_work(struct db *db, void *context, struct error *err);
int support_fail_each(struct db *db, support_work *work, void *context);

/* The same with every number that is read being -77, one after another: whatever comes of it, the
 * program ends in order. */
int support_garble_each(struct db *db, support_work *work, void *context);

#endif
