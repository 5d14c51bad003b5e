/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000, NO_PROXY_LENGTH_MAX = 4096 };

struct http_client {
    CURL *curl;
    char *unix_socket; /* or NULL */
    char *ca_file;     /* or NULL */
    char *no_proxy;
};

/* One exchange, as the callbacks of curl see it. */
struct exchange {
    http_take *take;
    void *context;
    bool was_stopped;
};

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static char *copy_or_null(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    if (text != NULL && copy == NULL)
        abort();
    return copy;
}

/* Hosts that are asked directly: this machine, and whatever the environment names. */
static char *no_proxy_text(const char *unix_socket)
{
    auto_buf struct buf text = buf_of(NO_PROXY_LENGTH_MAX);
    const char *wanted = getenv("no_proxy") != NULL ? getenv("no_proxy") : getenv("NO_PROXY");

    if (unix_socket != NULL)
        return copy_or_null("*");
    if (wanted != NULL && strcmp(wanted, "*") == 0)
        return copy_or_null(wanted);
    buf_printf(&text, "localhost,127.0.0.1,::1");
    if (wanted != NULL && strlen(wanted) < text.limit - text.length)
        buf_printf(&text, ",%s", wanted);
    return buf_take(&text);
}

struct http_client *http_client_open(const char *unix_socket, const char *ca_file)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *client = calloc(1, sizeof *client);

    (void)pthread_once(&once, start_curl);
    if (client == NULL)
        abort();
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        abort();
    client->unix_socket = copy_or_null(unix_socket);
    client->ca_file = copy_or_null(ca_file);
    client->no_proxy = no_proxy_text(unix_socket);
    return client;
}

void http_client_close(struct http_client **client)
{
    if (*client == NULL)
        return;
    curl_easy_cleanup((*client)->curl);
    free((*client)->unix_socket);
    free((*client)->ca_file);
    free((*client)->no_proxy);
    free(*client);
    *client = NULL;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;

    if (exchange->take(exchange->context, bytes, size * count))
        return size * count;
    exchange->was_stopped = true;
    return size * count + 1; /* tells curl to stop */
}

/* A line end in a header would be a header more. */
static bool is_header(const char *line)
{
    for (const char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    }
    return strchr(line, ':') != NULL;
}

static void append_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        abort();
    *list = longer;
}

/* The caller's headers, and the defaults that they leave open. False where one is no header. */
static bool make_headers(const struct http_request *request, struct curl_slist **ret_list)
{
    bool has_type = false;

    append_header(ret_list, "Expect:");
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        const char *line = request->headers[i];

        if (!is_header(line))
            return false;
        has_type = has_type || strncasecmp(line, "Content-Type:", 13) == 0;
        append_header(ret_list, line);
    }
    if (!has_type)
        append_header(ret_list,
                      request->body != NULL ? "Content-Type: application/json" : "Content-Type:");
    return true;
}

static void set_connection(const struct http_client *client)
{
    CURL *curl = client->curl;

    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "berth");
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, client->no_proxy);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    if (client->unix_socket != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->unix_socket);
    if (client->ca_file != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
}

static void set_request(CURL *curl, const struct http_request *request)
{
    bool has_body = request->body != NULL;

    /* PUT and POST without a body still say that its length is zero. */
    if (has_body || strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(has_body ? request->body_length : 0));
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, has_body ? request->body : "");
    }
    if (strcmp(request->method, "HEAD") == 0)
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    (void)curl_easy_setopt(curl, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, request->silence_ms > 0 ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(request->silence_ms / 1000));
}

static enum error_code code_of(CURLcode result)
{
    if (result == CURLE_OPERATION_TIMEDOUT)
        return ERROR_TIMEOUT;
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        return ERROR_INVALID;
    return ERROR_UNREACHABLE;
}

bool http_client_stream(struct http_client *client, const struct http_request *request,
                        int *ret_status, http_take *take, void *context, struct error *err)
{
    struct exchange exchange = { .take = take, .context = context };
    struct curl_slist *headers = NULL;
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;

    assert(request->timeout_ms >= 0);
    curl_easy_reset(client->curl); /* keeps the connection */
    set_connection(client);
    set_request(client->curl, request);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &exchange);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, reason);
    if (!make_headers(request, &headers)) {
        curl_slist_free_all(headers);
        return error_set(err, ERROR_INVALID, "a header holds what no header may");
    }
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);

    CURLcode result = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
    if (result != CURLE_OK && !exchange.was_stopped)
        return error_set(err, code_of(result), "%s %s: %s", request->method, request->url,
                         reason[0] != '\0' ? reason : curl_easy_strerror(result));
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (int)status;
    return true;
}

static bool take_whole(void *context, const char *bytes, size_t length)
{
    struct buf *whole = context;

    buf_append(whole, bytes, length);
    return !whole->has_overflowed;
}

bool http_client_send(struct http_client *client, const struct http_request *request,
                      int *ret_status, struct buf *reply, struct error *err)
{
    auto_buf struct buf whole = buf_of(reply->limit - reply->length);
    int status;

    if (!http_client_stream(client, request, &status, take_whole, &whole, err))
        return false;
    if (whole.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the answer of %s is longer than %zu bytes",
                         request->url, whole.limit);
    buf_append(reply, whole.bytes, whole.length);
    *ret_status = status;
    return true;
}

const char *http_client_header(struct http_client *client, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(client->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}
