/* SPDX-License-Identifier: Apache-2.0 */
#include "support_http.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/parse.h"
#include "sys/crypto.h"

static void copy_header(const char *head, const char *name, char *to, size_t size)
{
    size_t length = strlen(name);

    *to = '\0';
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            (void)snprintf(to, size, "%.*s", (int)strcspn(line + length + 2, "\r"),
                           line + length + 2);
            return;
        }
    }
}

bool http_parse(const struct buf *text, struct http_got *request)
{
    const char *end = text->length > 0 ? strstr(text->bytes, "\r\n\r\n") : NULL;
    char number[32];
    uint64_t length = 0;

    if (end == NULL)
        return false;
    copy_header(text->bytes, "Content-Length", number, sizeof number);
    if (*number == '\0' || !parse_u64(number, &length))
        length = 0;
    if (text->length < (size_t)(end - text->bytes) + 4 + length)
        return false;
    const char *space = strchr(text->bytes, ' ');
    (void)snprintf(request->method, sizeof request->method, "%.*s", (int)(space - text->bytes),
                   text->bytes);
    (void)snprintf(request->path, sizeof request->path, "%.*s", (int)strcspn(space + 1, " "),
                   space + 1);
    copy_header(text->bytes, "Berth-Machine", request->machine, sizeof request->machine);
    copy_header(text->bytes, "Berth-Epoch", request->epoch, sizeof request->epoch);
    copy_header(text->bytes, "Berth-Seq", request->seq, sizeof request->seq);
    copy_header(text->bytes, "Berth-Signature", request->signature, sizeof request->signature);
    request->body = end + 4;
    request->body_length = length;
    return true;
}

bool http_read(int fd, struct buf *text, struct http_got *request)
{
    char chunk[65536];

    while (!http_parse(text, request)) {
        ssize_t count = read(fd, chunk, sizeof chunk);

        if (count <= 0)
            return false;
        buf_append(text, chunk, (size_t)count);
    }
    return true;
}

bool http_answer(int fd, const struct http_said *answer)
{
    auto_buf struct buf text = buf_of(HTTP_MAX);

    buf_printf(&text, "HTTP/1.1 %d Test\r\nContent-Type: application/json\r\n", answer->status);
    if (answer->status != 204)
        buf_printf(&text, "Content-Length: %zu\r\n", answer->body.length);
    if (answer->retry_after_s > 0)
        buf_printf(&text, "Retry-After: %" PRId64 "\r\n", answer->retry_after_s);
    buf_printf(&text, "\r\n");
    buf_append(&text, answer->body.bytes, answer->body.length);
    return send(fd, text.bytes, text.length, MSG_NOSIGNAL) == (ssize_t)text.length;
}

bool http_stamp(const struct http_got *got, int stream, const uint8_t *public_key,
                struct request_stamp *ret)
{
    static const char *const streams[] = { "hb", "poll", "op" };
    auto_buf struct buf bytes = buf_of(HTTP_MAX);
    struct signature signature;
    uint64_t machine, epoch, seq;
    size_t length;

    if (!parse_u64(got->machine, &machine) || !parse_u64(got->epoch, &epoch) ||
        !parse_u64(got->seq, &seq) ||
        !base64_parse(got->signature, signature.bytes, sizeof signature.bytes, &length) ||
        length != sizeof signature.bytes)
        return false;
    *ret = (struct request_stamp){ got->method,    got->path,    (int64_t)machine,
                                   (int64_t)epoch, (int64_t)seq, streams[stream] };
    request_signed(&bytes, ret, got->body, got->body_length);
    return crypto_verify(public_key, &signature, bytes.bytes, bytes.length);
}
