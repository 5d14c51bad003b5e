/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords, kept as Argon2id (RFC 9106) and nothing else.
 *
 * A check takes memory and time on purpose, so only a few run at once: the gate lets
 * PASSWORD_RUN_MAX in, lets PASSWORD_WAIT_MAX wait, and turns more away, so that guessers can
 * neither fill the memory nor keep all workers. Where there is no account, the same work is done
 * for nothing: how long an answer takes does not tell whether there is one. */

#ifndef BERTH_SYS_PASSWORD_H
#define BERTH_SYS_PASSWORD_H

#include <stdbool.h>

#include "base/compiler.h"

enum {
    PASSWORD_RUN_MAX = 2,
    PASSWORD_WAIT_MAX = 12,
    PASSWORD_LENGTH_MIN = 10, /* bytes */
    PASSWORD_LENGTH_MAX = 1024,
    PASSWORD_TEXT_SIZE = 128, /* of what is kept, with its NUL */
};

/* How dear: 64 MiB and two passes; or as little as there is, for tests of other things. */
enum password_cost { PASSWORD_COST_FULL, PASSWORD_COST_LEAST };

struct password_gate;

struct password_gate *password_gate_open(enum password_cost cost);
void password_gate_close(struct password_gate **gate);

enum password_outcome { PASSWORD_OK, PASSWORD_WRONG, PASSWORD_BUSY };

/* What to keep of a password. PASSWORD_OK or PASSWORD_BUSY. */
enum password_outcome password_hash(struct password_gate *gate, const char *password,
                                    char ret[static PASSWORD_TEXT_SIZE]);

/* `kept` "": there is none, which takes as long and is wrong. */
enum password_outcome password_check(struct password_gate *gate, const char *kept,
                                     const char *password);

#endif
