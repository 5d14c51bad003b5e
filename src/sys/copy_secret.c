/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/copy_secret.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_SIZE = 128 };

struct copy_secret copy_secret_of(const struct key_pair *server_keys, const char *op_id)
{
    char label[LABEL_SIZE];

    int length = snprintf(label, sizeof label, "berth-copy-v1\n%.64s", op_id);
    return (struct copy_secret){ crypto_hmac(
        server_keys->secret_key, sizeof server_keys->secret_key, label, (size_t)length) };
}

struct key_pair copy_secret_keys(const struct copy_secret *secret)
{
    static const char label[] = "berth-copy-key";
    const struct hash seed =
        crypto_hmac(secret->seed.bytes, sizeof secret->seed.bytes, label, sizeof label - 1);

    return crypto_key_pair_of(&seed);
}

struct hash copy_secret_greeting(const struct copy_secret *secret)
{
    static const char label[] = "berth-copy-greeting";

    return crypto_hmac(secret->seed.bytes, sizeof secret->seed.bytes, label, sizeof label - 1);
}
