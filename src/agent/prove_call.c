/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prove_call.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 60000, REPLY_MAX = 65536, URL_SIZE = 1024 };

struct http_client *prove_connect(const struct prove *prove)
{
    return http_client_open(NULL, prove->ca_file);
}

bool prove_post(const struct prove *prove, struct http_client *client, const char *path,
                const struct buf *body, struct buf *reply, struct error *err)
{
    const char *const headers[] = { "Content-Type: application/json", NULL };
    size_t length = strlen(prove->server_url);
    char url[URL_SIZE];
    int status = 0;

    (void)snprintf(url, sizeof url, "%.*s%s",
                   (int)(length - (prove->server_url[length - 1] == '/' ? 1 : 0)),
                   prove->server_url, path);
    const struct http_request request = { .method = "POST",
                                          .url = url,
                                          .headers = headers,
                                          .body = body->bytes,
                                          .body_length = body->length,
                                          .timeout_ms = ANSWER_MS };
    if (!http_client_send(client, &request, &status, reply, err))
        return false;
    return status == 200 || error_set(err, ERROR_IO, "%s: the server answers %d", path, status);
}

static bool post(const struct prove *prove, const char *path, const struct buf *body,
                 json_t **ret_reply, struct error *err)
{
    auto_http_client struct http_client *client = prove_connect(prove);
    auto_buf struct buf reply = buf_of(REPLY_MAX);

    return prove_post(prove, client, path, body, &reply, err) &&
           json_parse(reply.bytes, reply.length, ret_reply, err);
}

bool prove_nonce(const struct prove *prove, int64_t number, uint32_t *ret, struct error *err)
{
    struct challenge_ask ask = { prove->challenge.token, number };
    auto_buf struct buf body = buf_of(REPLY_MAX);
    auto_json json_t *root = NULL;
    struct challenge_nonce nonce;

    challenge_ask_encode(&body, &ask);
    if (!post(prove, "/agent/v1/liveness", &body, &root, err) ||
        !challenge_nonce_decode(root, &nonce, err))
        return false;
    *ret = (uint32_t)nonce.nonce;
    return true;
}

bool prove_ping(const struct prove *prove, struct error *err)
{
    uint32_t ignored;

    for (int64_t i = 0; i < CHALLENGE_PINGS && i < prove->challenge.nonces; i++) {
        if (!prove_nonce(prove, i, &ignored, err))
            return false;
    }
    return true;
}

bool prove_commit(const struct prove *prove, const struct hash *commitment,
                  struct challenge_draw *ret, struct error *err)
{
    struct challenge_commit said = { .token = prove->challenge.token };
    auto_buf struct buf body = buf_of(REPLY_MAX);
    auto_json json_t *drawn = NULL;

    memcpy(said.commitment, commitment->bytes, sizeof said.commitment);
    challenge_commit_encode(&body, &said);
    return post(prove, "/agent/v1/commit", &body, &drawn, err) &&
           challenge_draw_decode(drawn, ret, err);
}

bool prove_show(const struct prove *prove, const struct buf *opening, struct challenge_verdict *ret,
                struct error *err)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);
    auto_json json_t *judged = NULL;

    challenge_opening_encode(&body, prove->challenge.token, opening->bytes, opening->length);
    if (opening->has_overflowed || body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the opening is too long to be sent");
    return post(prove, "/agent/v1/opening", &body, &judged, err) &&
           challenge_verdict_decode(judged, ret, err);
}
