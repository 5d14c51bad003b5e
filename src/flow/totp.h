/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of authenticator apps: TOTP (RFC 6238) with SHA-1, six digits, thirty seconds, which is
 * what every app speaks; and the codes for when the app is lost. Nothing here is stored. */

#ifndef BERTH_FLOW_TOTP_H
#define BERTH_FLOW_TOTP_H

#include "base/instant.h"
#include "sys/crypto.h"

enum {
    TOTP_SEED_BYTES = 20,
    TOTP_SEED_SIZE = TOTP_SEED_BYTES / 5 * 8 + 1, /* as text, base32 */
    TOTP_STEP_SECONDS = 30,
    TOTP_DIGITS = 6,
    TOTP_DRIFT = 1,        /* steps that a clock may be off, either way */
    BACKUP_CODE_SIZE = 15, /* "XXXX-XXXX-XXXX" */
};

struct totp_seed {
    uint8_t bytes[TOTP_SEED_BYTES];
};

struct totp_seed totp_seed_make(void);

/* Base32 without padding (RFC 4648). */
char *totp_seed_text(const struct totp_seed *seed, char text[static TOTP_SEED_SIZE]);

/* The code of a step. */
char *totp_code(const struct totp_seed *seed, int64_t step, char text[static TOTP_DIGITS + 1]);

/* The step of which `code` is the code now, later than `last_step`; 0: of none. */
int64_t totp_find(const struct totp_seed *seed, const char *code, struct instant now,
                  int64_t last_step);

/* Sixty random bits, to be written down; and its hash, of this user. */
char *backup_code_make(char text[static BACKUP_CODE_SIZE]);
struct hash backup_code_hash(int64_t user_id, const char *text);

#endif
