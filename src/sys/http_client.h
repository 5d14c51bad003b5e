/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request and its whole answer, over TCP, TLS or a unix socket: libcurl.
 *
 * A client keeps its connection between requests and belongs to one thread. An answer with
 * any status is a success here; failing means that there was no answer. Redirects are not
 * followed. TLS is verified. */

#ifndef BERTH_SYS_HTTP_CLIENT_H
#define BERTH_SYS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct http_client; /* opaque: a curl handle and its settings */

struct http_request {
    const char *method;         /* "GET", "PUT", ... */
    const char *url;            /* absolute; with a unix socket, "http://engine/..." */
    const char *const *headers; /* "Name: value" lines, NULL-terminated; or NULL */
    const char *body;           /* or NULL: none */
    size_t body_length;
    int64_t timeout_ms; /* for the whole exchange; 0: none */
    int64_t silence_ms; /* without a byte: whole seconds; 0: none */
};

/* `unix_socket` is a path, or NULL for the network. `ca_file`: certificates to trust in
 * place of the system's, or NULL. */
struct http_client *http_client_open(const char *unix_socket, const char *ca_file);
void http_client_close(struct http_client **client);
#define auto_http_client __attribute__((cleanup(http_client_close)))

/* `reply` takes the body. ERROR_UNREACHABLE: no connection. ERROR_TIMEOUT: too late.
 * ERROR_OUT_OF_RANGE: the body passes the buffer's limit. */
NODISCARD bool http_client_send(struct http_client *client, const struct http_request *request,
                                int *ret_status, struct buf *reply, struct error *err);

/* The same, handing the body over in pieces as it comes: logs, pull progress. `take` returns
 * false to stop, which is a success. */
typedef bool http_take(void *context, const char *bytes, size_t length);
NODISCARD bool http_client_stream(struct http_client *client, const struct http_request *request,
                                  int *ret_status, http_take *take, void *context,
                                  struct error *err);

/* A header of the last answer, valid until the next request; NULL: there was none of that name. */
const char *http_client_header(struct http_client *client, const char *name);

#endif
