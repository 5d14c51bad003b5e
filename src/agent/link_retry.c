/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link_retry.h"

#include <stdio.h>

#include "base/json.h"
#include "sys/crypto.h"

enum { BACKOFF_FIRST_MS = 250, BACKOFF_MAX_MS = 30000 };

int64_t retry_backoff_ms(int64_t first_ms, int64_t max_ms, unsigned failures)
{
    int64_t delay_ms = first_ms;
    uint16_t random;

    for (unsigned i = 1; i < failures && delay_ms < max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > max_ms)
        delay_ms = max_ms;
    crypto_random(&random, sizeof random);
    return delay_ms / 2 + delay_ms * random / UINT16_MAX;
}

int64_t link_backoff_ms(int failure_count)
{
    return retry_backoff_ms(BACKOFF_FIRST_MS, BACKOFF_MAX_MS,
                            failure_count > 0 ? (unsigned)failure_count : 0);
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

bool link_is_over(const struct web_answer *answer)
{
    return answer->is_answered &&
           (answer->status == 401 || answer->status == 403 || answer->status == 409);
}
