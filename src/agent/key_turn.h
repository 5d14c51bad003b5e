/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's key is turned by itself, when it is old enough or somebody at the host asks.
 *
 *   DATA/machine.key.next  made and on disk before the server hears of it
 *   DATA/machine.key.former  the one that it had, until the turn after
 *   DATA/machine.first     the first public key, once there is a second: what it is called here
 *   DATA/machine.age       how old the key is: "SECONDS WALL PUBLIC_KEY"
 *   DATA/turn-key          somebody asks; once that was in vain, why; gone when it is done
 *
 * The server lets both in for a day, from when it has taken the new one over. Whatever is lost in
 * between, the next session is opened by a key that is good: the present one, or, once that is
 * refused, the next one (agent/link.c); and what was announced is announced again until it is said
 * to be so. Then the new one takes the place of the old one in one rename. And a server that was
 * restored from a backup of before the turn knows the old one alone: that is kept, and tried last;
 * once it is let in the new one is announced again.
 *
 * A day lies between two turns: a server that refuses one says from when on it is to be asked
 * again, and is asked then. Somebody who asks has it tried at once, and reads the answer.
 *
 * The age counts by the clock that does not jump while the agent runs; only how long it was away is
 * from the wall's, so one that is wrong turns the key early at worst. */

#ifndef BERTH_AGENT_KEY_TURN_H
#define BERTH_AGENT_KEY_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/identity.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "sys/clock.h"
#include "sys/log.h"

enum { KEY_TURN_EVERY_S = 180 * 86400 };

struct key_turn {
    struct loop *loop; /* borrowed, as is the identity */
    struct identity *identity;
    const struct clock *clock;
    struct log log;
    int64_t every_us; /* how old a key gets */

    uint8_t key[PUBLIC_KEY_SIZE]; /* that all below is of */
    int64_t age_us, at_us;        /* so old at that moment of the loop's */
    int64_t saved_us, tried_us, retry_us;
    bool is_under_way;
};

/* The first five are set. */
void key_turn_open(struct key_turn *turn);

/* Every second; the link may be NULL. */
void key_turn_tend(struct key_turn *turn, struct link *link);

/* The answer to LINK_POST_KEY, or NULL. */
void key_turn_posted(struct key_turn *turn, struct link *link, const struct web_answer *answer);

int64_t key_turn_age_us(const struct key_turn *turn);

/* berth-host turn-key: ask the agent that runs on the folder, and wait until it is done or has been
 * refused, which is ERROR_UNAVAILABLE. */
NODISCARD bool key_turn_ask(FILE *out, const char *data_dir, struct error *err);

#endif
