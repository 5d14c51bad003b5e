/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/op_names.h"

#include <string.h>

#include "base/hex.h"

struct op_names op_names_draw(void)
{
    uint8_t id[(OP_ID_SIZE - 1) / 2];
    struct op_names names;

    crypto_random(id, sizeof id);
    (void)hex_format(id, sizeof id, names.id);
    (void)crypto_token(names.token);
    names.token_hash = crypto_sha256(names.token, strlen(names.token));
    return names;
}
