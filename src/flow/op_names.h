/* SPDX-License-Identifier: Apache-2.0 */
/* What a new operation is called. Inside src/flow/. */

#ifndef BERTH_FLOW_OP_NAMES_H
#define BERTH_FLOW_OP_NAMES_H

#include "proto/desired.h"
#include "sys/crypto.h"

struct op_names {
    char id[OP_ID_SIZE];         /* for its agent */
    char token[TOKEN_TEXT_SIZE]; /* for who asked: who has it may read the result */
    struct hash token_hash;      /* which is all that is kept of it */
};

/* Unguessable ones. */
struct op_names op_names_draw(void);

#endif
