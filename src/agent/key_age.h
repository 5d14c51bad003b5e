/* SPDX-License-Identifier: Apache-2.0 */
/* How old a host's key is, and when another takes its place: from what lies in its folder, whether
 * or not an agent runs (agent/key_turn.h). */

#ifndef BERTH_AGENT_KEY_AGE_H
#define BERTH_AGENT_KEY_AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "sys/crypto.h"

#define KEY_AGE_FILE   "machine.age" /* "SECONDS WALL PUBLIC_KEY" */
#define KEY_ASKED_FILE "turn-key"

enum {
    KEY_WHY_MAX = 256, /* why a turn that was asked for was refused */
    KEY_AGE_TEXT = 160,
    KEY_SPAN_SIZE = 32,
    KEY_LATE_S = 2 * 86400, /* a key may wait a day for the one before it, and one for its market */
};

/* False: nobody has noted it yet. Whose key it is of is in `ret_key`. */
bool key_age_read(int dir, struct instant now, int64_t *ret_age_s,
                  uint8_t ret_key[static PUBLIC_KEY_SIZE]);

/* How old a key gets that is to be turned every so often: up to half a hundredth more, after the
 * key itself, so that hosts that began together do not turn together. */
int64_t key_age_max_us(const uint8_t key[static PUBLIC_KEY_SIZE], int64_t every_us);

/* "12 days"; of less than two "47 hours"; below one "less than an hour". */
const char *key_age_span(int64_t seconds, char text[static KEY_SPAN_SIZE]);

/* In words, and what is known of a turn that somebody asked for. True: it is as it should be, and
 * not older by KEY_LATE_S. */
bool key_age_tell(int dir, struct instant now, int64_t every_us, char text[static KEY_AGE_TEXT]);

#endif
