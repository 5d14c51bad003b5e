/* SPDX-License-Identifier: Apache-2.0 */
/* One request on its way through the HTTP library, from its first line to its reply.
 * http_inside.h says who locks what. */

#ifndef BERTH_SERVER_HTTP_EXCHANGE_H
#define BERTH_SERVER_HTTP_EXCHANGE_H

#include "server/http_inside.h"
#include "server/request_id.h"

enum { REPLY_HEADERS_MAX = 8 };

enum exchange_state {
    EXCHANGE_ARRIVING,
    EXCHANGE_OWED,     /* somebody has it and owes a reply */
    EXCHANGE_ANSWERED, /* the reply is decided, or nobody is left to take it */
};

struct http_exchange {
    struct http *http;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    struct http_exchange *next, *previous; /* among the server's waiting */
    atomic_int holders;

    pthread_mutex_t lock; /* guards all of this paragraph */
    enum exchange_state state;
    bool is_suspended;
    int64_t hold_until_us;
    int status;
    struct MHD_Response *response; /* owned until it is queued, unless it is the page's */
    struct http_page *page;        /* held as long; or NULL */
    size_t reply_length;

    http_handler *work; /* what a worker is to call */
    void *work_context;
    int tag;
    int64_t started_us;
    size_t reply_header_count;
    struct http_pair reply_headers[REPLY_HEADERS_MAX];

    struct arena arena;
    const char *raw_target; /* where it lies in the library's buffer */
    size_t raw_target_length;
    const char *target; /* a copy of it */
    bool has_head, discards_body, is_waiting_listed;
    uint64_t discarded;
    struct buf body;
    struct http_request request;
    char client[HTTP_ADDRESS_SIZE], id[REQUEST_ID_SIZE];
};

/* The library's callbacks. */
void *exchange_begin(void *http, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_advance(void *http, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_length, void **exchange);
void exchange_end(void *http, struct MHD_Connection *mhd, void **exchange,
                  enum MHD_RequestTerminationCode reason);

void exchange_release(struct http_exchange *exchange);

/* Its client has hung up: let go of what is held for it, of nothing else. Under the server's lock,
 * for one on its list. */
void exchange_let_go(struct http_exchange *exchange);

/* Under the server's lock: answer 204 to what has been held for long enough; refuse what is held,
 * or all that waits. */
void exchanges_expire(struct http *http, int64_t now_us);
void exchanges_refuse(struct http *http, bool includes_workers);

#endif
