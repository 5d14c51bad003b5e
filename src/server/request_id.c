/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request_id.h"

#include <string.h>

#include "base/hex.h"

/* One to one, and neighbours come out far apart: each step can be undone, a product with an odd
 * number as well. */
static uint64_t scatter(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

void request_id_make(char id[static REQUEST_ID_SIZE], uint64_t number)
{
    uint64_t scattered = scatter(number);
    uint8_t bytes[sizeof scattered];

    memcpy(bytes, &scattered, sizeof bytes);
    (void)hex_format(bytes, sizeof bytes, id);
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
