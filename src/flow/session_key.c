/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/session_key.h"

#include <string.h>

bool session_key_of(const struct session_identity *identity, struct instant now,
                    const struct signature *signature, const struct buf *text,
                    struct session_key *ret)
{
    struct session_key key = { .until = INSTANT_NEVER };

    if (text->has_overflowed)
        return false;
    memcpy(key.public_key, identity->public_key, sizeof key.public_key);
    if (!crypto_verify(key.public_key, signature, text->bytes, text->length)) {
        memcpy(key.public_key, identity->former_key, sizeof key.public_key);
        key.until = identity->former_until;
        if (instant_compare(now, key.until) >= 0 ||
            !crypto_verify(key.public_key, signature, text->bytes, text->length))
            return false;
    }
    *ret = key;
    return true;
}
