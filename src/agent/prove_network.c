/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prove_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/prove_call.h"
#include "sys/proof_slice.h"
#include "sys/thread.h"

enum { LANES = 8, RECEIPT_MAX = 4096 };

/* One connection: every LANES-th slice. */
typedef bool lane_do(const struct prove *prove, struct http_client *client, uint32_t number,
                     struct hash *ret, struct error *err);
struct lane {
    const struct prove *prove;
    lane_do *one;
    uint32_t first, count;
    struct hash *digests; /* of all lanes */
    bool is_done;
    struct error err;
};

static bool take_slice(const struct prove *prove, struct http_client *client, uint32_t number,
                       struct hash *ret, struct error *err)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), slice = buf_of(SLICE_DOWN_SIZE);

    challenge_ask_encode(&body, &(struct challenge_ask){ prove->challenge.token, number });
    if (!prove_post(prove, client, "/agent/v1/slice", &body, &slice, err))
        return false;
    *ret = crypto_sha256(slice.bytes, slice.length);
    return true;
}

static bool send_slice(const struct prove *prove, struct http_client *client, uint32_t number,
                       struct hash *ret, struct error *err)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX), reply = buf_of(RECEIPT_MAX);
    auto_free uint8_t *bytes = malloc(SLICE_UP_SIZE);
    auto_json json_t *root = NULL;
    struct challenge_receipt receipt;

    if (bytes == NULL)
        abort(); /* As base/buf.h says. */
    slice_up(prove->challenge.seed, number, bytes);
    challenge_slice_encode(&body, &(struct challenge_slice){
                                      { prove->challenge.token, number }, bytes, SLICE_UP_SIZE });
    if (!prove_post(prove, client, "/agent/v1/fill", &body, &reply, err) ||
        !json_parse(reply.bytes, reply.length, &root, err) ||
        !challenge_receipt_decode(root, &receipt, err))
        return false;
    memcpy(ret->bytes, receipt.receipt, sizeof ret->bytes);
    return true;
}

static void *run_lane(void *context)
{
    struct lane *lane = context;
    auto_http_client struct http_client *client = prove_connect(lane->prove);

    lane->is_done = true;
    for (uint32_t i = lane->first; lane->is_done && i < lane->count; i += LANES)
        lane->is_done = lane->one(lane->prove, client, i, &lane->digests[i], &lane->err);
    return NULL;
}

/* All slices of one way; the digest over them. */
static bool run_lanes(const struct prove *prove, lane_do *one, int64_t count, struct hash *ret,
                      struct error *err)
{
    struct hash digests[SLICES_MAX];
    struct lane lanes[LANES];
    pthread_t threads[LANES];
    bool is_done = true;
    uint32_t begun = 0;

    for (; begun < LANES && begun < count && is_done; begun++) {
        lanes[begun] = (struct lane){ prove, one, begun, (uint32_t)count, digests, false, { 0 } };
        is_done = thread_start(&threads[begun], run_lane, &lanes[begun], err);
    }
    begun -= is_done ? 0 : 1;
    for (uint32_t i = 0; i < begun; i++) {
        (void)pthread_join(threads[i], NULL);
        if (is_done && !lanes[i].is_done)
            *err = lanes[i].err;
        is_done = is_done && lanes[i].is_done;
    }
    if (is_done)
        *ret = slices_digest(digests, (size_t)count);
    return is_done;
}

bool prove_network(const struct prove *prove, char ret_verdict[static 16], struct error *err)
{
    const struct challenge *challenge = &prove->challenge;
    auto_buf struct buf opening = buf_of(sizeof(struct hash));
    struct challenge_verdict judged;
    struct challenge_draw draw;
    struct hash received, receipts;

    if (challenge->n > SLICES_MAX || challenge->rounds > SLICES_MAX)
        return error_set(err, ERROR_INVALID, "a challenge of impossible size");
    if (!prove_ping(prove, err) || !run_lanes(prove, take_slice, challenge->n, &received, err) ||
        !prove_commit(prove, &received, &draw, err) ||
        !run_lanes(prove, send_slice, challenge->rounds, &receipts, err))
        return false;
    buf_append(&opening, (const char *)receipts.bytes, sizeof receipts.bytes);
    if (!prove_show(prove, &opening, &judged, err))
        return false;
    (void)snprintf(ret_verdict, 16, "%s", judged.verdict);
    return true;
}
