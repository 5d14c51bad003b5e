/* SPDX-License-Identifier: Apache-2.0 */
/* When each API key was used last.
 *
 * Whoever calls with a key is noted here, in memory, once a second: a place is found and a number
 * set. Nothing is written for it, and nobody's answer waits for a write: a call that only reads
 * leaves the database as it was, and what was kept of it (store/kept.h) as good as it was. A job
 * writes uses down, many by one statement: of each key that was used since the use that was written
 * before, if that was KEY_USES_STEP_SECONDS ago. So what is written is true to within the hour; a
 * key costs a row an hour, two at most, however often it calls, and nothing while it rests. At an
 * orderly end the last use of every key is written. A crash loses what was not: an hour at most,
 * and of a key that had rested for as long only the seconds since the job last ran.
 *
 * Several servers each write what they have seen: the newest stays.
 *
 * At most KEY_USES_MAX keys are kept in mind, those that were used within the hour or two. One more
 * is not noted until another has rested for that long. */

#ifndef BERTH_SERVER_KEY_USES_H
#define BERTH_SERVER_KEY_USES_H

#include "flow/flow.h"

enum { KEY_USES_STEP_SECONDS = 3600, KEY_USES_MAX = 65536 };

struct key_uses;

struct key_uses *key_uses_open(void);
void key_uses_close(struct key_uses **uses);

/* From any thread. The clock that went back changes nothing. */
void key_uses_note(struct key_uses *uses, int64_t key_id, struct instant now);

/* Write down what is due now; or, at the end, all that is not written. One thread at a time. What
 * could not be written stays noted. */
NODISCARD bool key_uses_write(struct key_uses *uses, const struct flow *flow, struct error *err);
NODISCARD bool key_uses_write_all(struct key_uses *uses, const struct flow *flow,
                                  struct error *err);

#endif
