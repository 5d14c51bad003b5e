/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/outbound.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sys/address.h"

enum { HOST_SIZE = 256 };

struct posting {
    const struct outbound *request;
    struct buf *response;
    size_t read;
    bool is_refused, is_full;
};

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

/* A part of the URL, owned by the caller until curl_free(); NULL: it has none. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* Numbers in whatever spelling have become plain ones in here. */
static bool is_local_number(const char *host)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    char bare[HOST_SIZE] = "";
    size_t length = strlen(host);

    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return !address_is_public((const struct sockaddr *)&v4);
    if (host[0] != '[' || length >= sizeof bare || length < 2)
        return false;
    memcpy(bare, host + 1, length - 2);
    bare[length - 2] = '\0';
    return inet_pton(AF_INET6, bare, &v6.sin6_addr) != 1 ||
           !address_is_public((const struct sockaddr *)&v6);
}

static bool check_parts(CURLU *url, bool allows_local, struct error *err)
{
    char *scheme = part_of(url, CURLUPART_SCHEME), *host = part_of(url, CURLUPART_HOST);
    char *user = part_of(url, CURLUPART_USER), *password = part_of(url, CURLUPART_PASSWORD);
    char *zone = part_of(url, CURLUPART_ZONEID);
    bool is_web = scheme != NULL &&
                  (strcmp(scheme, "https") == 0 || (allows_local && strcmp(scheme, "http") == 0));
    bool has_login = user != NULL || password != NULL;
    bool has_host = host != NULL && host[0] != '\0' && zone == NULL;
    bool is_local = has_host && !allows_local && is_local_number(host);

    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_free(zone);
    if (!is_web)
        return error_set(err, ERROR_INVALID, "the URL must begin with https://");
    if (has_login)
        return error_set(err, ERROR_INVALID, "the URL must hold no login");
    if (!has_host || is_local)
        return error_set(err, ERROR_INVALID, "the URL's host is no public one");
    return true;
}

bool outbound_check(const char *url, bool allows_local, struct error *err)
{
    CURLU *parts;
    bool is_good;

    if (strlen(url) > OUTBOUND_URL_MAX)
        return error_set(err, ERROR_INVALID, "the URL is longer than %d bytes", OUTBOUND_URL_MAX);
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '\\')
            return error_set(err, ERROR_INVALID, "the URL has a byte that it must not");
    }
    parts = curl_url();
    if (parts == NULL)
        abort();
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        is_good = error_set(err, ERROR_INVALID, "this is no URL");
    else
        is_good = check_parts(parts, allows_local, err);
    curl_url_cleanup(parts);
    return is_good;
}

/* After names were resolved, and for each address that is tried. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct posting *posting = context;

    (void)purpose;
    if (!posting->request->allows_local && !address_is_public(&address->addr)) {
        posting->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct posting *posting = context;
    struct buf *response = posting->response;
    size_t length = size * count, room = response->limit - response->length;

    posting->read += length;
    posting->is_full = posting->read > OUTBOUND_READ_MAX;
    buf_append(response, bytes, length < room ? length : room);
    return posting->is_full ? 0 : length;
}

static void configure(CURL *curl, struct posting *posting, const struct curl_slist *headers)
{
    const struct outbound *request = posting->request;

    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                           request->allows_local ? "http,https" : "https");
    (void)curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)OUTBOUND_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, posting);
    (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body->length);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body->bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, posting);
}

static struct curl_slist *list_of(const char *const *headers)
{
    /* What curl would ask for by itself, and wait. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; list != NULL && headers[i] != NULL; i++)
        list = curl_slist_append(list, headers[i]);
    if (list == NULL)
        abort();
    return list;
}

bool outbound_post(const struct outbound *request, int *ret_status, struct buf *response,
                   struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct posting posting = { .request = request, .response = response };
    long status = 0;

    (void)pthread_once(&once, start_curl);
    if (!outbound_check(request->url, request->allows_local, err))
        return false;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = list_of(request->headers);
    if (curl == NULL)
        abort();
    configure(curl, &posting, headers);
    CURLcode result = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (posting.is_refused && result != CURLE_OK)
        return error_set(err, ERROR_FORBIDDEN, "the address is no public one");
    if (result == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, ERROR_TIMEOUT, "no answer in time");
    if (result != CURLE_OK && !posting.is_full)
        return error_set(err, ERROR_UNREACHABLE, "%s", curl_easy_strerror(result));
    *ret_status = (int)status;
    return true;
}
