/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/parse.h"
#include "sys/http_client.h"

enum {
    TIMEOUT_MS = 120000,
    TRIES = 4,
    PAUSE_MS = 150,
    PATIENCE_S = 10, /* who is told to wait for longer is told so */
    FETCH_TRIES = 60,
    FETCH_PAUSE_MS = 200,
};

struct client {
    struct http_client *http; /* owned */
    char url[SETTINGS_URL_SIZE];
    char authorization[sizeof "Authorization: Bearer " + SETTINGS_KEY_SIZE]; /* "": no key */
};

struct client *client_open(const struct settings *settings)
{
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL)
        abort();
    client->http = http_client_open(NULL, NULL);
    memcpy(client->url, settings->url, sizeof client->url);
    if (*settings->api_key != '\0')
        (void)snprintf(client->authorization, sizeof client->authorization,
                       "Authorization: Bearer %s", settings->api_key);
    return client;
}

void client_close(struct client **client)
{
    if (*client == NULL)
        return;
    http_client_close(&(*client)->http);
    free(*client);
    *client = NULL;
}

static void pause_ms(long milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

    while (nanosleep(&time, &time) != 0)
        continue;
}

static enum error_code code_of(int status)
{
    static const struct {
        int status;
        enum error_code code;
    } rows[] = {
        { 401, ERROR_UNAUTHORIZED }, { 403, ERROR_FORBIDDEN }, { 404, ERROR_NOT_FOUND },
        { 409, ERROR_CONFLICT },     { 429, ERROR_TOO_MANY },  { 503, ERROR_UNAVAILABLE },
        { 504, ERROR_TIMEOUT },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return rows[i].code;
    }
    return status < 500 ? ERROR_INVALID : ERROR_IO;
}

/* What others wrote: it steers no terminal. */
static void clean(struct error *err)
{
    for (char *at = err->text; *at != '\0'; at++)
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
}

/* The market's sentence as an error's text: one line, no full stop. */
static bool refuse(int status, const json_t *reply, struct error *err)
{
    const char *message = json_string_value(json_member(reply, "msg"));

    if (message == NULL || *message == '\0')
        return error_set(err, code_of(status), "the market answered with status %d", status);

    (void)error_set(err, status < 400 ? ERROR_CONFLICT : code_of(status), "%s", message);
    clean(err);
    size_t length = strlen(err->text);
    if (length > 1 && err->text[length - 1] == '.' && err->text[length - 2] != '.')
        err->text[length - 1] = '\0';
    return false;
}

/* No market speaks so: what does is a proxy, a login page, or a door for another protocol. */
static bool refuse_strange(int status, const char *location, struct error *err)
{
    if (status >= 400)
        return error_set(err, code_of(status), "the market answered with status %d", status);
    if (status < 300 || location == NULL)
        return error_set(err, ERROR_INVALID,
                         "what answers at this address is no market: its answer is no JSON");
    (void)error_set(err, ERROR_INVALID,
                    "this address is not the market's own, which is %.128s: log in there",
                    location);
    clean(err);
    return false;
}

static bool read_reply(int status, const struct buf *text, const char *location, json_t **ret_reply,
                       struct error *err)
{
    auto_json json_t *reply = NULL;
    const json_t *success;

    if (!json_parse(text->length > 0 ? text->bytes : "", text->length, &reply, err))
        return refuse_strange(status, location, err);
    /* A bid that has to wait was taken all the same, and of several rentals some: it says what was
     * made. */
    success = json_member(reply, "success");
    bool has_made =
        json_member(reply, "new_contract") != NULL || json_member(reply, "new_contracts") != NULL;
    if (status >= 400 || (json_is_false(success) && !has_made))
        return refuse(status, reply, err);
    *ret_reply = reply;
    reply = NULL;
    return true;
}

/* Whether the market says that it did not begin, so that asking again does nothing twice. */
static bool is_too_busy(int status, const char *method)
{
    return status == 429 || (status >= 502 && status <= 504 && strcmp(method, "GET") == 0);
}

/* What the last answer says in seconds; -1: nothing. */
static int64_t retry_after_s(struct client *client)
{
    const char *text = http_client_header(client->http, "Retry-After");
    uint64_t seconds;

    return text != NULL && parse_u64(text, &seconds) && seconds <= INT32_MAX ? (int64_t)seconds
                                                                             : -1;
}

bool client_call(struct client *client, const char *method, const char *path,
                 const struct buf *body, json_t **ret_reply, struct error *err)
{
    const char *const headers[] = {
        "Accept: application/json",
        *client->authorization != '\0' ? client->authorization : NULL,
        NULL,
    };
    char url[SETTINGS_URL_SIZE + CLIENT_PATH_SIZE];
    int length = snprintf(url, sizeof url, "%s%s", client->url, path);
    struct http_request request = { .method = method,
                                    .url = url,
                                    .headers = headers,
                                    .body = body == NULL ? NULL : body->bytes,
                                    .body_length = body == NULL ? 0 : body->length,
                                    .timeout_ms = TIMEOUT_MS };

    if (length < 0 || (size_t)length >= sizeof url)
        return error_set(err, ERROR_OUT_OF_RANGE, "the request is too long");
    for (int attempt = 1;; attempt++) {
        auto_buf struct buf reply = buf_of(CLIENT_REPLY_MAX);
        int status;

        if (!http_client_send(client->http, &request, &status, &reply, err))
            return false;
        int64_t wait_s = is_too_busy(status, method) ? retry_after_s(client) : -1;
        if (is_too_busy(status, method) && attempt < TRIES && wait_s <= PATIENCE_S) {
            pause_ms(wait_s > 0 ? (long)wait_s * 1000 : PAUSE_MS << attempt);
            continue;
        }
        return read_reply(status, &reply, http_client_header(client->http, "Location"), ret_reply,
                          err) ||
               (wait_s > 0 ? error_context(err, "try again in %lld s", (long long)wait_s) : false);
    }
}

/* Of the last answer. */
static int exit_code_of(struct client *client)
{
    const char *text = http_client_header(client->http, "X-Exit-Code");
    uint64_t code;

    return text != NULL && parse_u64(text, &code) && code <= 255 ? (int)code : -1;
}

bool client_fetch(struct client *client, const char *url, struct buf *text, int *ret_exit_code,
                  struct error *err)
{
    struct http_request request = { .method = "GET", .url = url, .timeout_ms = TIMEOUT_MS };

    for (int attempt = 0; attempt < FETCH_TRIES; attempt++) {
        auto_buf struct buf reply = buf_of(text->limit - text->length);
        int status;

        if (!http_client_send(client->http, &request, &status, &reply, err))
            return false;
        if (status == 200) {
            buf_append(text, reply.bytes, reply.length);
            *ret_exit_code = exit_code_of(client);
            return true;
        }
        if (status != 404 && status != 202 && status != 429)
            return error_set(err, code_of(status), "the result's address answered with status %d",
                             status);
        pause_ms(FETCH_PAUSE_MS);
    }
    return error_set(err, ERROR_TIMEOUT, "the host did not answer within %d s",
                     FETCH_TRIES * FETCH_PAUSE_MS / 1000);
}

void client_escape(struct buf *path, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            buf_append(path, text, 1);
        else
            buf_printf(path, "%%%02X", (unsigned char)*text);
    }
}
