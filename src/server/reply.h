/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in the API's one shape: each ends the call, so `return reply_...(call, ...)` is how a
 * handler leaves.
 *
 *     auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
 *     struct encoder json = encoder_of(&body);
 *     ...
 *     return reply_json(call, &body);
 *
 * Success is 200, whatever the method. An error is an object with a code for programs and a
 * sentence for people, always (api.md 1.6). What went wrong inside is logged here, once, and the
 * client is told no more than that. */

#ifndef BERTH_SERVER_REPLY_H
#define BERTH_SERVER_REPLY_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/encode.h"
#include "base/error.h"
#include "server/routes.h"

/* 200 with a JSON document, which is taken over. */
void reply_json(struct call *call, struct buf *body);

/* 200 {"success":true}. */
void reply_success(struct call *call);

/* 200 {"success":true,"msg":...}. */
void reply_message(struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* {"success":false,"error":code,"msg":sentence} with the status given: for outcomes. */
void reply_refuse(struct call *call, int status, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* 429 with Retry-After: so long, in whole seconds and not less. */
void reply_wait(struct call *call, int64_t wait_us);

/* 503 with Retry-After: what is asked for is dear, and too many ask. */
void reply_busy(struct call *call);

/* The same for an error of the world: status and code follow from the error's code. Those of 500
 * and up are logged, and their text stays here. */
void reply_error(struct call *call, const struct error *err);

/* 200 with text of another kind, which is taken over: logs, metrics. */
void reply_text(struct call *call, const char *content_type, struct buf *body);

/* 204, without a body: nothing new for an agent. */
void reply_nothing(struct call *call);

/* For those who have an exchange and no call: the door, the pool, the hub. */
void reply_refuse_exchange(struct http_exchange *exchange, int status, const char *code,
                           const char *text);

/* The API's code for an error: "invalid_args", "not_authorized", ... */
const char *reply_code(enum error_code code);

#endif
