/* SPDX-License-Identifier: Apache-2.0 */
#include "server/stripe_wire.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "proto/stripe.h"
#include "proto/stripe_event.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/http_client.h"

enum { KEYS_FILE_MAX = 8192, HEADER_SIZE = 512, URL_SIZE = STRIPE_BASE_SIZE + STRIPE_PATH_MAX };

/* Keys go into headers: nothing in them may end one. */
static bool is_key(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
            return false;
    }
    return length > 0 && length < STRIPE_KEY_SIZE;
}

static bool take_line(struct stripe_wire *wire, const char *line, size_t length, struct error *err)
{
    size_t name_length = strcspn(line, " \n");
    const char *value = line + name_length + 1;
    size_t value_length = name_length < length ? length - name_length - 1 : 0;

    if (length == 0 || line[0] == '#')
        return true;
    if (name_length >= length || !is_key(value, value_length))
        return error_set(err, ERROR_INVALID, "a line is \"secret KEY\" or \"webhook KEY\"");
    if (name_length == 6 && strncmp(line, "secret", 6) == 0) {
        (void)snprintf(wire->key, sizeof wire->key, "%.*s", (int)value_length, value);
        return true;
    }
    if (name_length != 7 || strncmp(line, "webhook", 7) != 0)
        return error_set(err, ERROR_INVALID, "a line is \"secret KEY\" or \"webhook KEY\"");
    if (wire->secret_count == STRIPE_SECRETS_MAX)
        return error_set(err, ERROR_INVALID, "more than %d webhook secrets", STRIPE_SECRETS_MAX);
    (void)snprintf(wire->secrets[wire->secret_count++], STRIPE_KEY_SIZE, "%.*s", (int)value_length,
                   value);
    return true;
}

static bool read_keys(struct stripe_wire *wire, const char *path, struct error *err)
{
    auto_buf struct buf text = buf_of(KEYS_FILE_MAX);
    struct stat found;

    if (stat(path, &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_INVALID, "only its owner may read a file of keys: chmod 600");
    if (!file_read(AT_FDCWD, path, &text, err))
        return false;
    bool is_read = true;
    for (const char *line = text.length > 0 ? text.bytes : ""; is_read && *line != '\0';) {
        size_t length = strcspn(line, "\n");

        is_read = take_line(wire, line, length, err);
        line += length + (line[length] == '\n');
    }
    if (text.length > 0)
        crypto_wipe(text.bytes, text.length);
    if (is_read && wire->key[0] == '\0')
        return error_set(err, ERROR_INVALID, "there is no line \"secret KEY\"");
    wire->is_live =
        strncmp(wire->key, "sk_live_", 8) == 0 || strncmp(wire->key, "rk_live_", 8) == 0;
    return is_read;
}

/* In the clear only to this machine itself: a test's. */
static bool is_base(const char *url)
{
    static const char *const local[] = { "http://127.0.0.1:", "http://localhost:",
                                         "http://[::1]:" };

    if (strlen(url) >= STRIPE_BASE_SIZE || strchr(url, '@') != NULL)
        return false;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        size_t length = strlen(local[i]);

        if (strncmp(url, local[i], length) == 0)
            return strspn(url + length, "0123456789") == strlen(url + length);
    }
    return strncmp(url, "https://", 8) == 0 && strchr(url + 8, '/') == NULL;
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
    if (!is_base(base))
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
