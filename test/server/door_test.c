/* SPDX-License-Identifier: Apache-2.0 */
#include "server/door.h"

#include <string.h>

#include "support.h"

/* As raw bytes, since some of them have NULs. */
#define ROW(name, bytes, status)                                                                   \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, status                                                     \
    }
#define HOST "Host: h\r\n"
static const struct {
    const char *name, *bytes;
    size_t length;
    int status;
} rows[] = {
    ROW("length and chunked",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n",
        400),
    ROW("chunked and length",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        "0\r\n\r\n",
        400),
    ROW("two lengths",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    ROW("a length twice",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc", 400),
    ROW("list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400),
    ROW("signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400),
    ROW("negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc", 400),
    ROW("hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400),
    ROW("length with words", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 x\r\n\r\nabc", 400),
    ROW("empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nabc", 400),
    ROW("length past 64 bits",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551619\r\n\r\nabc", 413),
    ROW("other coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\nabc", 501),
    ROW("identity", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\nabc", 501),
    ROW("two codings",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
    ROW("chunked twice",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400),
    ROW("chunked in 1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400),
    ROW("space before the colon",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ROW("folded name", "GET / HTTP/1.1\r\n" HOST " Content-Length: 3\r\n\r\nabc", 400),
    ROW("folded value", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400),
    ROW("folded by a tab", "GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\nD: e\r\n\r\n", 400),
    ROW("folded, with slack", "GET / HTTP/1.1\r\nHost:h\r\nA:b\r\n c\r\nD:e\r\nF:g\r\n\r\n", 400),
    ROW("NUL in a value", "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 400),
    ROW("NUL in a value, with slack", "GET / HTTP/1.1\r\nHost:h\r\nA:b\0\r\nC:d\r\n\r\n", 400),
    ROW("NUL made up for by a bare LF", "GET / HTTP/1.1\r\n" HOST "A: b\0\r\nC: d\n\r\n", 400),
    ROW("NUL in a name", "GET / HTTP/1.1\r\n" HOST "A\0B: c\r\n\r\n", 400),
    ROW("NUL in the path", "GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("bare CR in a value", "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", 400),
    ROW("bare CR before the end", "GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", 400),
    ROW("bare LF line ends", "GET / HTTP/1.1\nHost: h\n\n", 400),
    ROW("one bare LF", "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", 400),
    ROW("bare LF at the end", "GET / HTTP/1.1\r\n" HOST "\n", 400),
    ROW("control in a value", "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400),
    ROW("control in the path", "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("high byte in the path", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("no colon", "GET / HTTP/1.1\r\n" HOST "hello\r\n\r\n", 400),
    ROW("empty name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400),
    ROW("name with a space", "GET / HTTP/1.1\r\n" HOST "A b: x\r\n\r\n", 400),
    ROW("name with a bracket", "GET / HTTP/1.1\r\n" HOST "A(b): x\r\n\r\n", 400),
    ROW("no host", "GET / HTTP/1.1\r\n\r\n", 400),
    ROW("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ROW("host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ROW("host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ROW("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
    ROW("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505),
    ROW("HTTP/9.9", "GET / HTTP/9.9\r\n" HOST "\r\n", 505),
    ROW("no version", "GET /\r\n\r\n", 400),
    ROW("no address", "GET\r\n\r\n", 400),
    ROW("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("two spaces behind", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
    ROW("tab in the line", "GET\t/\tHTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("method with a NUL", "GE\0T / HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("bad escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("escaped NUL", "GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("escaped NUL in the query", "GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("escaped slash", "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("not UTF-8", "GET /?a=%ff HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("other form", "GET a/b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("other expectation", "PUT / HTTP/1.1\r\n" HOST "Expect: gold\r\n\r\n", 417),
    ROW("TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", 400),
};
#undef HOST
#undef ROW

/* Whatever the row, the handler is not called, nor is it for a good request behind the bad one: the
 * connection is closed, with an answer or without a word (status 0) where the library could not
 * make out a request at all. */
static void test_what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
    uint64_t served = http_totals(http).replies_2xx;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].name);
        int status =
            exchange_bytes(http_address(http), rows[i].bytes, rows[i].length, text, sizeof text);
        if (status != 0)
            CHECK_INT(status, rows[i].status);
    }
    CHECK_INT((int64_t)(http_totals(http).replies_2xx - served), 0);
}

/* The pieces alone, whatever a library makes of the bytes. */
static void test_pieces_are_judged_by_themselves(void **state)
{
    static const struct {
        const char *name, *value;
        int status; /* 0: fine */
    } cases[] = {
        { "A", "b", 0 },
        { "A", "", 0 },
        { "A", "b\tc \xc3\xa4", 0 },
        { "!#$%&'*+-.^_`|~09azAZ", "b", 0 },
        { "", "b", 400 },
        { "A b", "c", 400 },
        { "A\x7f", "b", 400 },
        { "A\x80", "b", 400 },
        { "A", "b\x1f", 400 },
        { "A", "b\x7f", 400 },
        { "Content-Length", "0", 0 },
        { "content-length", "999999999999999999", 0 },
        { "Content-Length", "1000000000000000000", 400 },
        { "Content-Length", "", 400 },
        { "Content-Length", " 1", 400 },
        { "Transfer-Encoding", "CHUNKED", 0 },
        { "Transfer-Encoding", "chunked ", 501 },
        { "Expect", "100-Continue", 0 },
        { "Expect", "100", 417 },
        { "Host", "b", 400 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct door_line lines[] = {
            { "Host", 4, "h", 1 },
            { cases[i].name, strlen(cases[i].name), cases[i].value, strlen(cases[i].value) },
        };
        const struct door_head head = { "GET", "/", 1, "HTTP/1.1", 0, 2, lines };
        struct door_refusal refusal = { 0 };
        struct door_body body = { .length = 42 };

        check_row("%s: %s", cases[i].name, cases[i].value);
        CHECK_INT(door_check(&head, &body, &refusal), cases[i].status == 0);
        CHECK_INT(refusal.status, cases[i].status);
        if (cases[i].status != 0)
            CHECK_INT((int64_t)body.length, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_judged_by_themselves),
        WITH_SERVER(test_what_two_readers_could_read_in_two_ways_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
