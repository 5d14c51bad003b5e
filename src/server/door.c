/* SPDX-License-Identifier: Apache-2.0 */
#include "server/door.h"

#include <string.h>
#include <strings.h>

#include "server/http.h"

static bool refuse(struct door_refusal *ret, int status, const char *text)
{
    *ret = (struct door_refusal){ status, text };
    return false;
}

/* Addresses rather than pointers: where the library moved a piece elsewhere, they do not compare.
 */
static bool follows(const char *end, size_t gap, const char *next)
{
    return (uintptr_t)end + gap == (uintptr_t)next;
}

bool door_layout(const struct door_head *head, struct door_refusal *ret_refusal)
{
    static const char text[] = "The request's head has bytes where none may be.";
    const char *end = head->version + strlen(head->version);

    if (!follows(head->method + strlen(head->method), 1, head->target) ||
        !follows(head->target + head->target_length, 1, head->version))
        return refuse(ret_refusal, 400, text);
    for (size_t i = 0; i < head->line_count; i++) {
        const struct door_line *line = &head->lines[i];

        if (!follows(end, 2, line->name))
            return refuse(ret_refusal, 400, text);
        /* Between name and value: a colon, and then white space of any length. A value that lies
         * before its name shows as a huge distance. */
        uintptr_t distance = (uintptr_t)line->value - (uintptr_t)line->name;
        if (distance > head->length || distance < line->name_length + 1)
            return refuse(ret_refusal, 400, text);
        end = line->value + line->value_length;
    }
    if ((uintptr_t)end + 4 - (uintptr_t)head->method != head->length)
        return refuse(ret_refusal, 400, text);
    return true;
}

/* A character of a method or of a header's name: RFC 9110, 5.6.2. */
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_token_char((unsigned char)text[i]))
            return false;
    }
    return length > 0;
}

/* A header's value: no control characters but the tab. */
static bool is_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* What a request target may be made of: visible ASCII, and no fragment. */
static bool is_target(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
    }
    return length > 0;
}

static bool is_host(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c >= 0x7f || strchr("/\\@?#,<>\"", c) != NULL)
            return false;
    }
    return true;
}

static bool is_named(const struct door_line *line, const char *name)
{
    return line->name_length == strlen(name) &&
           strncasecmp(line->name, name, line->name_length) == 0;
}

static bool is_worth(const struct door_line *line, const char *value)
{
    return line->value_length == strlen(value) &&
           strncasecmp(line->value, value, line->value_length) == 0;
}

/* Digits only, and not so many that they overflow. */
static bool read_length(const struct door_line *line, uint64_t *ret_length)
{
    enum { DIGITS_MAX = 18 };
    uint64_t length = 0;

    if (line->value_length == 0 || line->value_length > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < line->value_length; i++) {
        char c = line->value[i];

        if (c < '0' || c > '9')
            return false;
        length = 10 * length + (uint64_t)(c - '0');
    }
    *ret_length = length;
    return true;
}

static bool check_line(const struct door_line *line, struct door_refusal *ret_refusal)
{
    if (!is_token(line->name, line->name_length))
        return refuse(ret_refusal, 400, "A header's name is empty or has characters it may not.");
    if (!is_value(line->value, line->value_length))
        return refuse(ret_refusal, 400, "A header's value has control characters.");
    return true;
}

/* The headers that say where the request ends and whom it is for. */
static bool check_framing(const struct door_head *head, bool is_http_1_0,
                          struct door_body *ret_body, struct door_refusal *ret_refusal)
{
    struct door_body body = { 0 };
    size_t host_count = 0;

    for (size_t i = 0; i < head->line_count; i++) {
        const struct door_line *line = &head->lines[i];

        if (is_named(line, "Host")) {
            if (++host_count > 1 || !is_host(line->value, line->value_length))
                return refuse(ret_refusal, 400, "There must be one Host, and it must be a name.");
        } else if (is_named(line, "Content-Length")) {
            if (body.has_length || !read_length(line, &body.length))
                return refuse(ret_refusal, 400, "Content-Length must be one number.");
            body.has_length = true;
        } else if (is_named(line, "Transfer-Encoding")) {
            if (body.is_chunked || is_http_1_0)
                return refuse(ret_refusal, 400,
                              "Transfer-Encoding may be given once, in HTTP/1.1.");
            if (!is_worth(line, "chunked"))
                return refuse(ret_refusal, 501, "The only transfer coding known here is chunked.");
            body.is_chunked = true;
        } else if (is_named(line, "Expect") && !is_worth(line, "100-continue")) {
            return refuse(ret_refusal, 417, "The only expectation known here is 100-continue.");
        }
    }
    if (host_count == 0 && !is_http_1_0)
        return refuse(ret_refusal, 400, "HTTP/1.1 needs a Host.");
    if (body.has_length && body.is_chunked)
        return refuse(ret_refusal, 400, "Content-Length and Transfer-Encoding exclude each other.");
    *ret_body = body;
    return true;
}

bool door_check(const struct door_head *head, struct door_body *ret_body,
                struct door_refusal *ret_refusal)
{
    bool is_http_1_0 = strcmp(head->version, "HTTP/1.0") == 0;

    if (!is_http_1_0 && strcmp(head->version, "HTTP/1.1") != 0)
        return refuse(ret_refusal, 505, "This is neither HTTP/1.1 nor HTTP/1.0.");
    if (!is_token(head->method, strlen(head->method)))
        return refuse(ret_refusal, 400, "The method is malformed.");
    if (!is_target(head->target, head->target_length))
        return refuse(ret_refusal, 400, "The address has characters it may not.");
    if (head->line_count > HTTP_HEADERS_MAX)
        return refuse(ret_refusal, 431, "There are too many headers.");
    for (size_t i = 0; i < head->line_count; i++) {
        if (!check_line(&head->lines[i], ret_refusal))
            return false;
    }
    return check_framing(head, is_http_1_0, ret_body, ret_refusal);
}
