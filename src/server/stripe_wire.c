/* SPDX-License-Identifier: Apache-2.0 */
#include "server/stripe_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "proto/stripe.h"
#include "proto/stripe_event.h"
#include "server/psp_keys.h"
#include "sys/crypto.h"
#include "sys/http_client.h"

enum { HEADER_SIZE = 512, URL_SIZE = STRIPE_BASE_SIZE + STRIPE_PATH_MAX };

static bool take_key(void *context, const char *name, const char *value, struct error *err)
{
    struct stripe_wire *wire = context;

    if (strcmp(name, "secret") == 0) {
        (void)snprintf(wire->key, sizeof wire->key, "%s", value);
        return true;
    }
    if (strcmp(name, "webhook") != 0)
        return error_set(err, ERROR_INVALID, "a line is \"secret KEY\" or \"webhook KEY\"");
    if (wire->secret_count == STRIPE_SECRETS_MAX)
        return error_set(err, ERROR_INVALID, "more than %d webhook secrets", STRIPE_SECRETS_MAX);
    (void)snprintf(wire->secrets[wire->secret_count++], STRIPE_KEY_SIZE, "%s", value);
    return true;
}

static bool read_keys(struct stripe_wire *wire, const char *path, struct error *err)
{
    if (!psp_keys_read(path, take_key, wire, err))
        return false;
    if (wire->key[0] == '\0')
        return error_set(err, ERROR_INVALID, "there is no line \"secret KEY\"");
    wire->is_live =
        strncmp(wire->key, "sk_live_", 8) == 0 || strncmp(wire->key, "rk_live_", 8) == 0;
    return true;
}

bool stripe_wire_read(const struct options *options, struct stripe_wire *ret, bool *ret_has,
                      struct error *err)
{
    const char *keys = options_get(options, "stripe-keys"),
               *base = options_get(options, "stripe-url");
    struct stripe_wire wire = { .secret_count = 0 };

    *ret_has = keys != NULL;
    if (keys == NULL)
        return base == NULL || error_set(err, ERROR_INVALID, "--stripe-url needs --stripe-keys");
    if (options_get(options, "public-url") == NULL)
        return error_set(err, ERROR_INVALID, "--stripe-keys needs --public-url: people come back");
    base = base != NULL ? base : "https://api.stripe.com";
    if (!psp_base_is_good(base))
        return error_set(err, ERROR_INVALID, "--stripe-url is https://HOST");
    if (!read_keys(&wire, keys, err))
        return error_context(err, "--stripe-keys %s", keys);
    (void)snprintf(wire.base, sizeof wire.base, "%s", base);
    *ret = wire;
    crypto_wipe(&wire, sizeof wire);
    return true;
}

void stripe_reply_release(struct stripe_reply *reply)
{
    json_decref(reply->json);
    reply->json = NULL;
}

static void read_headers(struct http_client *client, struct stripe_reply *reply)
{
    const char *advice = http_client_header(client, "stripe-should-retry");

    reply->advice = STRIPE_SAYS_NOTHING;
    if (advice != NULL)
        reply->advice = strcmp(advice, "true") == 0 ? STRIPE_SAYS_RETRY : STRIPE_SAYS_STOP;
    const char *replayed = http_client_header(client, "idempotent-replayed");
    reply->is_replayed = replayed != NULL && strcmp(replayed, "true") == 0;
    const char *id = http_client_header(client, "request-id");
    (void)snprintf(reply->request_id, sizeof reply->request_id, "%s", id != NULL ? id : "");
}

static bool send(const struct stripe_wire *wire, struct http_client *client,
                 const struct stripe_request *request, struct stripe_reply *reply, struct buf *body,
                 struct error *err)
{
    char key[HEADER_SIZE], once[HEADER_SIZE], account[HEADER_SIZE], url[URL_SIZE];
    const char *headers[8] = { "Content-Type: application/x-www-form-urlencoded",
                               "Accept: application/json", "Stripe-Version: " STRIPE_VERSION, key };
    size_t count = 4;
    const struct http_request sent = { .method = request->method,
                                       .url = url,
                                       .headers = headers,
                                       .body = request->body[0] != '\0' ? request->body : NULL,
                                       .body_length = strlen(request->body),
                                       .timeout_ms = STRIPE_TIMEOUT_MS };

    (void)snprintf(url, sizeof url, "%s%s", wire->base, request->path);
    (void)snprintf(key, sizeof key, "Authorization: Bearer %s", wire->key);
    if (request->once != NULL) {
        (void)snprintf(once, sizeof once, "Idempotency-Key: %s", request->once);
        headers[count++] = once;
    }
    if (request->account[0] != '\0') {
        (void)snprintf(account, sizeof account, "Stripe-Account: %s", request->account);
        headers[count++] = account;
    }
    bool is_sent = http_client_send(client, &sent, &reply->status, body, err);
    crypto_wipe(key, sizeof key);
    return is_sent;
}

bool stripe_wire_send(const struct stripe_wire *wire, struct http_client *client,
                      const struct stripe_request *request, struct stripe_reply *ret,
                      struct error *err)
{
    auto_buf struct buf body = buf_of(STRIPE_REPLY_MAX);
    struct stripe_reply reply = { .json = NULL };
    struct error none;

    if (!send(wire, client, request, &reply, &body, err))
        return false;
    read_headers(client, &reply);
    if (body.length > 0 && !json_parse(body.bytes, body.length, &reply.json, &none))
        reply.json = NULL;
    *ret = reply;
    return true;
}

bool stripe_wire_is_genuine(const struct stripe_wire *wire, const char *header, const char *body,
                            size_t length, int64_t now_s)
{
    auto_buf struct buf text = buf_of(STRIPE_EVENT_MAX + HEADER_SIZE);
    struct stripe_signature signature;
    bool is_genuine = false;

    if (length > STRIPE_EVENT_MAX || !stripe_signature_read(header, &signature) ||
        !stripe_signature_is_fresh(&signature, now_s))
        return false;
    buf_printf(&text, "%" PRId64 ".", signature.seconds);
    buf_append(&text, body, length);
    for (size_t i = 0; i < wire->secret_count; i++) {
        struct hash wanted =
            crypto_hmac(wire->secrets[i], strlen(wire->secrets[i]), text.bytes, text.length);

        for (size_t k = 0; k < signature.count; k++)
            is_genuine =
                is_genuine || crypto_equal(wanted.bytes, signature.signatures[k], HASH_SIZE);
    }
    return is_genuine;
}
