/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's head must be like to be let in: the rules of RFC 9110 and 9112 that the HTTP
 * library does not enforce, because old clients once broke them.
 *
 * Each of them is a way to make two readers of one stream disagree on where a request ends or what
 * it says: Content-Length beside Transfer-Encoding, two lengths, two hosts, folded lines, bare line
 * feeds, NUL. No honest client sends any of these. A refusal closes the connection.
 *
 * The library parses the head in place, so what it skipped or swallowed shows in where it left
 * the pieces: every name begins right behind the line before it. door_layout() holds it to that.
 * The bytes themselves are judged by door_check(), which knows nothing of where they came from.
 *
 * One thing cannot be seen from there: whether the byte in front of a line feed was a CR or a NUL,
 * since the library has put a NUL there either way; behind the last header, how the four bytes of
 * two line ends were spelled. Where the head ends, and what the headers are, is not in doubt. */

#ifndef BERTH_SERVER_DOOR_H
#define BERTH_SERVER_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* A header as it lies in the buffer; neither part need end in a NUL. */
struct door_line {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

struct door_head {
    const char *method; /* "GET": where the head begins */
    const char *target;
    size_t target_length;
    const char *version; /* "HTTP/1.1" */
    size_t length;       /* of the whole head, its empty line included */
    size_t line_count;
    const struct door_line *lines;
};

/* What the head says of the body. */
struct door_body {
    bool is_chunked;
    bool has_length;
    uint64_t length; /* where has_length */
};

struct door_refusal {
    int status;
    const char *text; /* a literal */
};

/* Whether the pieces lie in the buffer as they do when every line ends in CR LF, nothing was
 * folded or skipped, and no NUL cut anything short. */
NODISCARD bool door_layout(const struct door_head *head, struct door_refusal *ret_refusal);

/* Whether the head is one that means the same to everybody. */
NODISCARD bool door_check(const struct door_head *head, struct door_body *ret_body,
                          struct door_refusal *ret_refusal);

#endif
