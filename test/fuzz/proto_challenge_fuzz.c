/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/challenge.h"
#include "proto_support.h"

/* Whatever of them it is. */
static bool pass(const json_t *root, struct arena *arena, struct buf *out)
{
    static struct challenge_list list;
    struct challenge_commit commit;
    struct challenge_verdict verdict;
    struct challenge_receipt receipt;
    struct challenge_slice slice;
    struct challenge_draw draw;
    struct challenge_nonce nonce;
    struct challenge_ask ask;
    const uint8_t *opening;
    const char *token;
    size_t length;
    struct error err;

    if (challenge_list_decode(root, &list, &err))
        challenge_list_encode(out, &list);
    else if (challenge_commit_decode(root, &commit, &err))
        challenge_commit_encode(out, &commit);
    else if (challenge_slice_decode(root, arena, &slice, &err))
        challenge_slice_encode(out, &slice);
    else if (challenge_ask_decode(root, &ask, &err))
        challenge_ask_encode(out, &ask);
    else if (challenge_nonce_decode(root, &nonce, &err))
        challenge_nonce_encode(out, &nonce);
    else if (challenge_draw_decode(root, &draw, &err))
        challenge_draw_encode(out, &draw);
    else if (challenge_verdict_decode(root, &verdict, &err))
        challenge_verdict_encode(out, &verdict);
    else if (challenge_receipt_decode(root, &receipt, &err))
        challenge_receipt_encode(out, &receipt);
    else if (challenge_opening_decode(root, arena, &token, &opening, &length, &err))
        challenge_opening_encode(out, token, opening, length);
    else
        return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    proto_there_and_back(bytes, length, pass);
    return 0;
}
