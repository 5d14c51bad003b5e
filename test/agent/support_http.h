/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of an HTTP server for tests: requests in, answers out, on one connection. */

#ifndef BERTH_TEST_AGENT_SUPPORT_HTTP_H
#define BERTH_TEST_AGENT_SUPPORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "proto/hello.h"

enum { HTTP_MAX = 4 << 20 };

/* What came, with the stamp of proto/hello.h. The body lies in the text that was read. */
struct http_got {
    char method[8], path[256];
    char machine[32], epoch[32], seq[32], signature[128];
    const char *body;
    size_t body_length;
};

struct http_said {
    int status;
    struct buf body;
    int64_t retry_after_s; /* 0: it is not said */
    int stream;            /* of the stamp that was good, and its number; 0: none */
    int64_t seq, epoch;
};

/* Whether `text` is one whole request. */
bool http_parse(const struct buf *text, struct http_got *got);

/* One request onto `text`. False: the other side has gone. */
bool http_read(int fd, struct buf *text, struct http_got *got);

/* Whether it is signed with that key, and by what; streams are "hb", "poll", "op". */
bool http_stamp(const struct http_got *got, int stream, const uint8_t *public_key,
                struct request_stamp *ret);
bool http_answer(int fd, const struct http_said *said);

#endif
