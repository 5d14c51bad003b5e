/* SPDX-License-Identifier: Apache-2.0 */
#include "server/paypal_wire.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "proto/paypal.h"
#include "proto/paypal_object.h"
#include "sys/crypto.h"
#include "sys/http_client.h"

enum {
    HEADER_SIZE = PAYPAL_TOKEN_SIZE + 64,
    URL_SIZE = PSP_BASE_SIZE + PAYPAL_PATH_MAX,
    PAIR_SIZE = 2 * PSP_KEY_SIZE,
    BASIC_SIZE = PAIR_SIZE * 4 / 3 + 8,
    STATUS_OK = 200,
    STATUS_UNAUTHORIZED = 401,
};

static bool take_key(void *context, const char *name, const char *value, struct error *err)
{
    struct paypal_wire *wire = context;
    char *into = strcmp(name, "client") == 0    ? wire->client
                 : strcmp(name, "secret") == 0  ? wire->secret
                 : strcmp(name, "webhook") == 0 ? wire->webhook
                                                : NULL;

    if (into == NULL)
        return error_set(err, ERROR_INVALID,
                         "a line is \"client ID\", \"secret KEY\" or \"webhook ID\"");
    (void)snprintf(into, PSP_KEY_SIZE, "%s", value);
    return true;
}

bool paypal_wire_read(const struct options *options, struct paypal_wire *ret, bool *ret_has,
                      struct error *err)
{
    const char *keys = options_get(options, "paypal-keys"),
               *base = options_get(options, "paypal-url");
    struct paypal_wire wire = { .base = "" };

    *ret_has = keys != NULL;
    if (keys == NULL)
        return base == NULL || error_set(err, ERROR_INVALID, "--paypal-url needs --paypal-keys");
    base = base != NULL ? base : "https://api-m.paypal.com";
    if (!psp_base_is_good(base))
        return error_set(err, ERROR_INVALID, "--paypal-url is https://HOST");
    if (!psp_keys_read(keys, take_key, &wire, err))
        return error_context(err, "--paypal-keys %s", keys);
    if (wire.client[0] == '\0' || wire.secret[0] == '\0')
        return error_set(err, ERROR_INVALID,
                         "--paypal-keys %s: \"client ID\" and \"secret KEY\" are needed", keys);
    (void)snprintf(wire.base, sizeof wire.base, "%s", base);
    *ret = wire;
    crypto_wipe(&wire, sizeof wire);
    return true;
}

void paypal_reply_release(struct paypal_reply *reply)
{
    json_decref(reply->json);
    reply->json = NULL;
}

/* Of "client:secret": base64 as everybody else has it, with padding. */
static void write_basic(const struct paypal_wire *wire, char header[static HEADER_SIZE])
{
    char pair[PAIR_SIZE], text[BASIC_SIZE];
    int length = snprintf(pair, sizeof pair, "%s:%s", wire->client, wire->secret);

    (void)base64_format((const uint8_t *)pair, (size_t)length, text);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '-' ? '+' : *at == '_' ? '/' : *at;
    (void)snprintf(header, HEADER_SIZE, "Authorization: Basic %s%s", text,
                   length % 3 == 1   ? "=="
                   : length % 3 == 2 ? "="
                                     : "");
    crypto_wipe(pair, sizeof pair);
    crypto_wipe(text, sizeof text);
}

static bool send(const struct paypal_wire *wire, struct http_client *client,
                 const struct paypal_request *request, const char *const *headers,
                 struct paypal_reply *ret, struct error *err)
{
    auto_buf struct buf body = buf_of(PAYPAL_REPLY_MAX);
    char url[URL_SIZE];
    struct paypal_reply reply = { .json = NULL };
    const struct http_request sent = { .method = request->method,
                                       .url = url,
                                       .headers = headers,
                                       .body = request->body[0] != '\0' ? request->body : NULL,
                                       .body_length = strlen(request->body),
                                       .timeout_ms = PAYPAL_TIMEOUT_MS };
    struct error none;

    (void)snprintf(url, sizeof url, "%s%s", wire->base, request->path);
    if (!http_client_send(client, &sent, &reply.status, &body, err))
        return false;
    if (body.length > 0 && !json_parse(body.bytes, body.length, &reply.json, &none))
        reply.json = NULL;
    *ret = reply;
    return true;
}

/* `*ret` is what was said instead, where there is none. */
static bool need_token(const struct paypal_wire *wire, struct paypal_session *session,
                       struct http_client *client, int64_t now_s, struct paypal_reply *ret,
                       struct error *err)
{
    const struct paypal_request request = { "POST", PAYPAL_TOKEN_PATH, PAYPAL_TOKEN_BODY, NULL,
                                            now_s };
    char key[HEADER_SIZE];
    const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
                                    "Accept: application/json", key, NULL };
    auto_paypal_reply struct paypal_reply reply = { .json = NULL };
    struct paypal_token token;

    if (session->token[0] != '\0' && now_s < session->until_s)
        return true;
    session->token[0] = '\0';
    write_basic(wire, key);
    bool is_sent = send(wire, client, &request, headers, &reply, err);
    crypto_wipe(key, sizeof key);
    if (!is_sent)
        return error_context(err, "ask for a token");
    if (reply.status != STATUS_OK) {
        *ret = reply;
        reply.json = NULL;
        return true;
    }
    if (!paypal_token_read(reply.json, &token, err))
        return error_context(err, "ask for a token");
    (void)snprintf(session->token, sizeof session->token, "%s", token.text);
    session->until_s = now_s + token.lives_s - PAYPAL_TOKEN_SPARE_S;
    return true;
}

static bool send_once(const struct paypal_wire *wire, struct paypal_session *session,
                      struct http_client *client, const struct paypal_request *request,
                      struct paypal_reply *ret, struct error *err)
{
    char key[HEADER_SIZE], once[PAYPAL_HEADER_MAX];
    const char *const headers[] = { "Content-Type: application/json", "Accept: application/json",
                                    key, request->once != NULL ? once : NULL, NULL };

    if (!need_token(wire, session, client, request->now_s, ret, err))
        return false;
    if (session->token[0] == '\0')
        return true;
    (void)snprintf(key, sizeof key, "Authorization: Bearer %s", session->token);
    if (request->once != NULL)
        (void)snprintf(once, sizeof once, "PayPal-Request-Id: %s", request->once);
    bool is_sent = send(wire, client, request, headers, ret, err);
    crypto_wipe(key, sizeof key);
    return is_sent;
}

bool paypal_wire_send(const struct paypal_wire *wire, struct paypal_session *session,
                      struct http_client *client, const struct paypal_request *request,
                      struct paypal_reply *ret, struct error *err)
{
    bool had_token = session->token[0] != '\0';

    *ret = (struct paypal_reply){ .json = NULL };
    if (!send_once(wire, session, client, request, ret, err))
        return false;
    if (ret->status != STATUS_UNAUTHORIZED || session->token[0] == '\0')
        return true;
    /* It may have been taken back before its time. */
    session->token[0] = '\0';
    if (!had_token)
        return true;
    paypal_reply_release(ret);
    return send_once(wire, session, client, request, ret, err);
}
