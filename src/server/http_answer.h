/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange is answered with: from what a handler says to what the library is given.
 *
 * An exchange is answered once, by whoever comes first. http_inside.h says who locks what. */

#ifndef BERTH_SERVER_HTTP_ANSWER_H
#define BERTH_SERVER_HTTP_ANSWER_H

#include "server/http_exchange.h"

/* Decide the reply if it is owed still: false, dropping `response`, if it is not. */
bool exchange_answer(struct http_exchange *exchange, int status, struct MHD_Response *response,
                     size_t length);

/* 204: what was waited for has not come. */
void exchange_answer_nothing(struct http_exchange *exchange);

/* The response is ours no longer, to keep or to queue; a page's goes on being the page's. */
void exchange_drop_response(struct http_exchange *exchange);

/* A reply of {"success":false,...}; code and text are literals without quotes. */
bool exchange_refuse(struct http_exchange *exchange, int status, const char *code,
                     const char *text);

/* A reply with the headers that all of ours have. Takes `bytes`, from malloc(), where `is_ours`. */
struct MHD_Response *exchange_response(const char *content_type, const void *bytes, size_t length,
                                       bool is_ours);

/* One more. */
void exchange_add_header(struct MHD_Response *response, const char *name, const char *value);

#endif
