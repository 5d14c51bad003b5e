/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/smtp.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_MS = 10000, TIMEOUT_MS = 30000, URL_LENGTH_MAX = 512 };

struct sending {
    const struct buf *text;
    size_t sent;
    struct buf *reply;
};

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static const char *host_of(const char *url)
{
    if (strncmp(url, "smtp://", 7) == 0)
        return url + 7;
    return strncmp(url, "smtps://", 8) == 0 ? url + 8 : NULL;
}

bool smtp_url_is_good(const char *url)
{
    const char *host = host_of(url);

    return host != NULL && strlen(url) <= URL_LENGTH_MAX && host[0] != '\0' && host[0] != ':' &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
               strlen(host);
}

static bool is_this_machine(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           strcmp(host, "localhost") == 0 || strncmp(host, "localhost:", 10) == 0;
}

static size_t give(char *into, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    size_t left = sending->text->length - sending->sent;
    size_t length = left < size * count ? left : size * count;

    memcpy(into, sending->text->bytes + sending->sent, length);
    sending->sent += length;
    return length;
}

/* What the server says, its last line over those before it. */
static size_t hear(char *bytes, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    struct buf *reply = sending->reply;
    size_t length = size * count;

    buf_release(reply);
    buf_append(reply, bytes, length < reply->limit ? length : reply->limit);
    return length;
}

static void configure(CURL *curl, const struct smtp_server *server, struct sending *sending)
{
    const char *host = host_of(server->url);
    long tls = is_this_machine(host) ? CURLUSESSL_TRY : CURLUSESSL_ALL;

    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(curl, CURLOPT_URL, server->url);
    (void)curl_easy_setopt(curl, CURLOPT_USE_SSL, tls);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (server->user != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
    if (server->password != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password);
    if (server->ca_file != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, sending);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, hear);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, sending);
}

bool smtp_send(const struct smtp_server *server, const struct smtp_mail *mail, int *ret_code,
               struct buf *reply, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sending sending = { .text = mail->text, .reply = reply };
    char reason[CURL_ERROR_SIZE] = "";
    long code = 0;

    (void)pthread_once(&once, start_curl);
    CURL *curl = curl_easy_init();
    struct curl_slist *to = curl_slist_append(NULL, mail->to);
    if (curl == NULL || to == NULL)
        abort();
    configure(curl, server, &sending);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode result = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    /* A refusal is an answer: it fails the transfer, and its code says which it is. */
    if (result != CURLE_OK && code < 400)
        return error_set(err, ERROR_UNREACHABLE, "mail by %s: %s", server->url,
                         reason[0] != '\0' ? reason : curl_easy_strerror(result));
    *ret_code = (int)code;
    return true;
}
