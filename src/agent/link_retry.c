/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link_retry.h"

#include <stdio.h>

#include "base/json.h"
#include "sys/crypto.h"

enum { BACKOFF_FIRST_MS = 250, BACKOFF_MAX_MS = 30000 };

int64_t link_backoff_ms(int failure_count)
{
    int64_t delay_ms = BACKOFF_FIRST_MS;
    uint16_t random;

    for (int i = 1; i < failure_count && delay_ms < BACKOFF_MAX_MS; i++)
        delay_ms *= 2;
    if (delay_ms > BACKOFF_MAX_MS)
        delay_ms = BACKOFF_MAX_MS;
    crypto_random(&random, sizeof random);
    return delay_ms / 2 + delay_ms * random / UINT16_MAX;
}

void link_refusal(const struct web_answer *answer, char *text, size_t size)
{
    auto_json json_t *root = NULL;
    struct error ignored;
    const char *message = NULL;

    if (!answer->is_answered) {
        (void)snprintf(text, size, "%s", answer->err.text);
        return;
    }
    if (json_parse(answer->body, answer->length, &root, &ignored))
        message = json_string_value(json_object_get(root, "msg"));
    (void)snprintf(text, size, "the server answers %d%s%s", answer->status,
                   message != NULL ? ": " : "", message != NULL ? message : "");
}
