/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/instant.h"

static const char media_type[] = "application/json";

enum { SENTENCE_SIZE = 1024 };

static void write_refusal(struct buf *body, const char *code, const char *text)
{
    struct encoder json = encoder_of(body);

    encode_object(&json);
    encode_field_bool(&json, "success", false);
    encode_field_text(&json, "error", code);
    encode_field_text(&json, "msg", text);
    encode_end(&json);
}

void reply_refuse_exchange(struct http_exchange *exchange, int status, const char *code,
                           const char *text)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);

    assert(status >= 400 && text[0] != '\0');
    write_refusal(&body, code, text);
    http_reply(exchange, status, media_type, &body);
}

void reply_json(struct call *call, struct buf *body)
{
    http_reply(call->exchange, 200, media_type, body);
}

void reply_success(struct call *call)
{
    static const char body[] = "{\"success\":true}";

    http_reply_static(call->exchange, 200, media_type, body, sizeof body - 1);
}

void reply_message(struct call *call, const char *format, ...)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    char text[SENTENCE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", text);
    encode_end(&json);
    reply_json(call, &body);
}

void reply_refuse(struct call *call, int status, const char *code, const char *format, ...)
{
    char text[SENTENCE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reply_refuse_exchange(call->exchange, status, code, text);
}

void reply_wait(struct call *call, int64_t wait_us)
{
    char seconds[24];

    (void)snprintf(seconds, sizeof seconds, "%lld",
                   (long long)((wait_us + US_PER_SECOND - 1) / US_PER_SECOND));
    http_set_header(call->exchange, "Retry-After", seconds);
    reply_refuse_exchange(
        call->exchange, 429, "rate_limit_exceeded",
        "Too many requests in too little time; Retry-After says how long to wait.");
}

void reply_busy(struct call *call)
{
    http_set_header(call->exchange, "Retry-After", "1");
    reply_refuse_exchange(call->exchange, 503, "unavailable",
                          "Too many people log in at this moment; try again in a second.");
}

const char *reply_code(enum error_code code)
{
    switch (code) {
    case ERROR_INVALID:
    case ERROR_OUT_OF_RANGE:
        return "invalid_args";
    case ERROR_UNAUTHORIZED:
        return "auth_error";
    case ERROR_FORBIDDEN:
        return "not_authorized";
    case ERROR_NOT_FOUND:
        return "not_found";
    case ERROR_CONFLICT:
        return "conflict";
    case ERROR_TOO_MANY:
        return "rate_limit_exceeded";
    case ERROR_TIMEOUT:
        return "timeout";
    case ERROR_UNREACHABLE:
    case ERROR_UNAVAILABLE:
        return "unavailable";
    case ERROR_NONE:
    case ERROR_IO:
    case ERROR_CORRUPT:
        break;
    }
    return "internal_error";
}

/* Errors begin in lower case and have no full stop; sentences are the other way round. */
static void write_sentence(const struct error *err, char text[static SENTENCE_SIZE])
{
    (void)snprintf(text, SENTENCE_SIZE, "%s.", err->text);
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
}

void reply_error(struct call *call, const struct error *err)
{
    int status = error_http_status(err->code);
    char text[SENTENCE_SIZE];

    if (status < 500) {
        write_sentence(err, text);
        reply_refuse_exchange(call->exchange, status, reply_code(err->code), text);
        return;
    }
    log_write(call->log, LOG_ERROR, call->route->name, "%s: %s, request %s", error_name(err->code),
              err->text, call->request->id);
    (void)snprintf(text, sizeof text, "Something went wrong here: %s.", error_meaning(err->code));
    reply_refuse_exchange(call->exchange, status, reply_code(err->code), text);
}

void reply_text(struct call *call, const char *content_type, struct buf *body)
{
    http_reply(call->exchange, 200, content_type, body);
}

void reply_nothing(struct call *call)
{
    http_reply_static(call->exchange, 204, NULL, "", 0);
}
