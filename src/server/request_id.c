/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request_id.h"

#include <string.h>

#include "base/hex.h"
#include "sys/crypto.h"

enum { RANDOM_SIZE = 8 };

void request_id_make(char id[static REQUEST_ID_SIZE])
{
    uint8_t random[RANDOM_SIZE];

    crypto_random(random, sizeof random);
    (void)hex_format(random, sizeof random, id);
}

bool request_id_is_good(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strspn(text, plain);

    return length > 0 && length < REQUEST_ID_SIZE && text[length] == '\0';
}

void request_id_take(char id[static REQUEST_ID_SIZE], const char *given)
{
    if (given != NULL && request_id_is_good(given))
        memcpy(id, given, strlen(given) + 1);
}
