/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/web.h"

#include <assert.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONNECT_TIMEOUT_MS = 10000 };

struct web {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct web_call *calls; /* all that are under way */
};

struct web_call {
    struct web *web;
    struct web_call *next;
    struct web_call **owner;
    CURL *easy;
    struct curl_slist *headers;
    char *body; /* of the request */
    struct buf reply;
    http_take *take;
    web_on_done *on_done;
    void *context;
    bool was_stopped; /* by `take` */
    char reason[CURL_ERROR_SIZE];
};

/* A socket of curl's, watched by the loop. */
struct web_socket {
    struct web *web;
    struct loop_watch *watch;
    curl_socket_t fd;
};

static void finish_calls(struct web *web);

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        abort();
    return memory;
}

static void on_socket_ready(void *context, short revents)
{
    struct web_socket *socket = context;
    struct web *web = socket->web;
    int running, mask = 0;

    if (revents & (POLLIN | POLLHUP))
        mask |= CURL_CSELECT_IN;
    if (revents & POLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (revents & (POLLERR | POLLNVAL))
        mask |= CURL_CSELECT_ERR;
    (void)curl_multi_socket_action(web->multi, socket->fd, mask, &running);
    finish_calls(web);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    struct web *web = context;
    struct web_socket *socket = socket_context;
    short events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            loop_unwatch(&socket->watch);
            free(socket);
        }
        (void)curl_multi_assign(web->multi, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        events |= POLLIN;
    if (what & CURL_POLL_OUT)
        events |= POLLOUT;
    if (socket == NULL) {
        socket = allocate(sizeof *socket);
        socket->web = web;
        socket->fd = fd;
        socket->watch = loop_watch(web->loop, fd, events, on_socket_ready, socket);
        (void)curl_multi_assign(web->multi, fd, socket);
    }
    loop_watch_events(socket->watch, events);
    return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct web *web = context;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(web->timer);
    else
        loop_timer_set(web->timer, timeout_ms);
    return 0;
}

static void on_time(void *context)
{
    struct web *web = context;
    int running;

    (void)curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_calls(web);
}

struct web *web_open(struct loop *loop)
{
    struct web *web = allocate(sizeof *web);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    web->loop = loop;
    web->multi = curl_multi_init();
    if (web->multi == NULL)
        abort();
    web->timer = loop_timer(loop, on_time, web);
    (void)curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
    (void)curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    (void)curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
    return web;
}

static void call_free(struct web_call *call)
{
    struct web_call **link = &call->web->calls;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    (void)curl_multi_remove_handle(call->web->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->body);
    buf_release(&call->reply);
    free(call);
}

void web_cancel(struct web_call **owner)
{
    struct web_call *call = *owner;

    if (call == NULL)
        return;
    *owner = NULL;
    call_free(call);
}

void web_close(struct web **web)
{
    if (*web == NULL)
        return;
    while ((*web)->calls != NULL)
        web_cancel((*web)->calls->owner);
    (void)curl_multi_cleanup((*web)->multi);
    loop_timer_close(&(*web)->timer);
    free(*web);
    *web = NULL;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct web_call *call = context;

    if (call->take == NULL) {
        buf_append(&call->reply, bytes, size * count);
        return call->reply.has_overflowed ? size * count + 1 : size * count;
    }
    if (call->take(call->context, bytes, size * count))
        return size * count;
    call->was_stopped = true;
    return size * count + 1; /* tells curl to stop */
}

static void append_header(struct web_call *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);

    if (longer == NULL)
        abort();
    call->headers = longer;
}

static void set_headers(struct web_call *call, const struct http_request *http)
{
    bool has_type = false;

    append_header(call, "Expect:");
    for (size_t i = 0; http->headers != NULL && http->headers[i] != NULL; i++) {
        has_type = has_type || strncasecmp(http->headers[i], "Content-Type:", 13) == 0;
        append_header(call, http->headers[i]);
    }
    if (!has_type)
        append_header(call,
                      http->body != NULL ? "Content-Type: application/json" : "Content-Type:");
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_body(struct web_call *call, const struct http_request *http)
{
    if (http->body != NULL) {
        call->body = allocate(http->body_length + 1);
        memcpy(call->body, http->body, http->body_length);
    }
    if (http->body != NULL || strcmp(http->method, "POST") == 0 ||
        strcmp(http->method, "PUT") == 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(http->body != NULL ? http->body_length : 0));
        (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS,
                               call->body != NULL ? call->body : "");
    }
}

static void set_options(struct web_call *call, const struct web_request *request)
{
    CURL *easy = call->easy;

    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "berth-host");
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->http.timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY,
                           request->unix_socket != NULL ? "*" : "localhost,127.0.0.1,::1");
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->http.method);
    (void)curl_easy_setopt(easy, CURLOPT_URL, request->http.url);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    if (request->unix_socket != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    if (request->ca_file != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->idle_timeout_ms > 0) {
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                               (long)((request->idle_timeout_ms + 999) / 1000));
    }
}

void web_send(struct web *web, const struct web_request *request, struct web_call **owner)
{
    struct web_call *call = allocate(sizeof *call);

    assert(*owner == NULL);
    call->web = web;
    call->owner = owner;
    call->next = web->calls;
    web->calls = call;
    call->reply = buf_of(request->reply_max);
    call->take = request->take;
    call->on_done = request->on_done;
    call->context = request->context;
    call->easy = curl_easy_init();
    if (call->easy == NULL)
        abort();
    set_options(call, request);
    set_headers(call, &request->http);
    set_body(call, &request->http);
    *owner = call;
    (void)curl_multi_add_handle(web->multi, call->easy);
}

static enum error_code code_of(CURLcode result)
{
    if (result == CURLE_OPERATION_TIMEDOUT)
        return ERROR_TIMEOUT;
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        return ERROR_INVALID;
    return ERROR_UNREACHABLE;
}

static void finish(struct web_call *call, CURLcode result)
{
    struct web_answer answer = { .body = "" };
    curl_off_t retry_after_s = 0;
    long status = 0;

    *call->owner = NULL;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (call->reply.has_overflowed) {
        (void)error_set(&answer.err, ERROR_OUT_OF_RANGE, "the answer is longer than %zu bytes",
                        call->reply.limit);
    } else if (result != CURLE_OK && !call->was_stopped) {
        (void)error_set(&answer.err, code_of(result), "%s",
                        call->reason[0] != '\0' ? call->reason : curl_easy_strerror(result));
    } else {
        answer.is_answered = true;
        answer.status = (int)status;
        answer.retry_after_s = retry_after_s;
        answer.length = call->reply.length;
        answer.body = call->reply.bytes != NULL ? call->reply.bytes : "";
    }
    call->on_done(call->context, &answer);
    call_free(call);
}

static void finish_calls(struct web *web)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(web->multi, &left)) != NULL) {
        char *call = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        finish((struct web_call *)(void *)call, result);
    }
}
