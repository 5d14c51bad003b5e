/* SPDX-License-Identifier: Apache-2.0 */
#include "server/coding.h"

#include <string.h>
#include <strings.h>

enum { WEIGHT_MAX = 1000, DECIMALS_MAX = 3 };

static const char blanks[] = " \t";
static const char token_letters[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, blanks);
}

/* "0.5" as 500: a digit, a point, and up to three digits more. NULL: no weight, or above 1. */
static const char *read_weight(const char *at, int *ret)
{
    int weight, step = WEIGHT_MAX / 10;

    if (*at != '0' && *at != '1')
        return NULL;
    weight = (*at++ - '0') * WEIGHT_MAX;
    if (*at == '.') {
        at++;
        for (int i = 0; i < DECIMALS_MAX && *at >= '0' && *at <= '9'; i++, step /= 10)
            weight += (*at++ - '0') * step;
    }
    *ret = weight;
    return weight <= WEIGHT_MAX ? at : NULL;
}

/* ";q=0.5", or nothing. NULL: something else. */
static const char *read_parameter(const char *at, int *ret_weight)
{
    *ret_weight = WEIGHT_MAX;
    at = skip_blanks(at);
    if (*at != ';')
        return at;
    at = skip_blanks(at + 1);
    if ((*at != 'q' && *at != 'Q') || at[1] != '=')
        return NULL;
    at = read_weight(at + 2, ret_weight);
    return at != NULL ? skip_blanks(at) : NULL;
}

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && strncasecmp(name, text, length) == 0;
}

struct coding_wish coding_nothing_said(void)
{
    return (struct coding_wish){ -1, -1, -1 };
}

void coding_read(const char *value, struct coding_wish *wish)
{
    for (const char *at = value; *at != '\0';) {
        const char *name = skip_blanks(at);
        size_t length = strspn(name, token_letters);
        int weight;
        const char *end = read_parameter(name + length, &weight);

        if (end != NULL && (*end == ',' || *end == '\0')) {
            if (is_name("gzip", name, length) || is_name("x-gzip", name, length))
                wish->gzip = weight;
            else if (is_name("identity", name, length))
                wish->identity = weight;
            else if (is_name("*", name, length))
                wish->any = weight;
        }
        at = name + strcspn(name, ",");
        at += *at == ',' ? 1 : 0;
    }
}

/* Plain text may be sent unless it is refused, so who says nothing of it wants it a little. */
bool coding_wants_gzip(const struct coding_wish *wish)
{
    int gzip = wish->gzip >= 0 ? wish->gzip : wish->any;

    return gzip > 0 && gzip >= wish->identity;
}

bool coding_takes_gzip(const struct http_request *request)
{
    struct coding_wish wish = coding_nothing_said();

    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Accept-Encoding") == 0)
            coding_read(request->headers[i].value, &wish);
    }
    return coding_wants_gzip(&wish);
}
