/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may guess: a password, a second factor, a code, a key, a token (assurance.md
 * R26). Counted for what is guessed at and for the address that guesses, in the database, so that
 * neither a restart nor another server gives more tries. A try is counted before it is judged: of
 * many at once none is free. One that was right is given back.
 *
 * What is guessed at is counted by what the guesser says, whether there is such a thing or not, so
 * being slowed tells nothing. */

#ifndef BERTH_FLOW_THROTTLE_H
#define BERTH_FLOW_THROTTLE_H

#include "flow/flow.h"

enum throttle_kind {
    THROTTLE_ADDRESS,  /* all that is wrong, from one address; IPv6: one network of 64 bits */
    THROTTLE_PASSWORD, /* of an email */
    THROTTLE_FACTOR,   /* second factors of an account: under 10^-4 for a guesser in a day */
    THROTTLE_CODE,     /* codes in mails, by their number */
    THROTTLE_MAIL,     /* mails to an address that anybody can cause */
    THROTTLE_SIGN_UP,  /* accounts from one address */
    THROTTLE_KINDS,
};

struct guess {
    enum throttle_kind kind;
    const char *subject; /* what is guessed at; NULL: the address counts alone */
    const char *address; /* NULL: nobody's */
};

/* `*ret_wait_us` is 0, and it is counted; or how long to wait, and nothing was. */
NODISCARD bool flow_guess(const struct flow *flow, const struct guess *guess, int64_t *ret_wait_us,
                          struct error *err);
NODISCARD bool flow_guess_right(const struct flow *flow, const struct guess *guess,
                                struct error *err);

/* The same within a transaction. */
NODISCARD bool throttle_guess(struct db *db, const struct flow *flow, const struct guess *guess,
                              struct instant now, int64_t *ret_wait_us, struct error *err);
NODISCARD bool throttle_right(struct db *db, const struct flow *flow, const struct guess *guess,
                              struct instant now, struct error *err);

#endif
