/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"
#include "base/json.h"
#include "check.h"
#include "support_market.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char texts[2][1024] = { "[]" };
static int current;

const char *gone(void)
{
    (void)pthread_mutex_lock(&lock);
    const char *text = texts[current];
    (void)pthread_mutex_unlock(&lock);
    return text;
}

void market_want_gone(struct market *market, int64_t volume_id, int64_t gen, bool is_signed)
{
    struct desired_instance signer = { .id = volume_id, .gen = gen };
    struct desired_gone order = { .id = volume_id, .gen = gen };
    struct desired desired = { .session_epoch = 1, .gone_count = 1, .gone = &order };
    auto_buf struct buf text = buf_of(4096);
    auto_json json_t *root = NULL;
    struct error err;

    if (is_signed) {
        market_sign_destroy(market, &signer);
        memcpy(order.destroy_token, signer.destroy_token, sizeof order.destroy_token);
    }
    desired_encode(&text, &desired);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    char *dumped = json_dumps(json_object_get(root, "gone"), JSON_COMPACT);
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(texts[!current], sizeof texts[0], "%s", volume_id != 0 ? dumped : "[]");
    current = !current;
    (void)pthread_mutex_unlock(&lock);
    free(dumped);
    market_want_ops(market, NULL, 0); /* another revision */
}
