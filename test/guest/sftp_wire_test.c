/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sftp_wire.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { SIZE = 16 * 1024 };

static struct sftp_request request;

/* A packet as a client would write it: fields by the letters of a format. */
struct packet {
    uint8_t bytes[SIZE];
    size_t length;
};

static void put_u32(struct packet *packet, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        packet->bytes[packet->length++] = (uint8_t)(value >> shift);
}

static void put_bytes(struct packet *packet, const void *bytes, size_t length)
{
    put_u32(packet, (uint32_t)length);
    memcpy(packet->bytes + packet->length, bytes, length);
    packet->length += length;
}

static void put_text(struct packet *packet, const char *text)
{
    put_bytes(packet, text, strlen(text));
}

static struct packet begin(uint8_t type)
{
    struct packet packet = { .bytes = { type }, .length = 1 };

    put_u32(&packet, 0x01020304);
    return packet;
}

/* In a block of its own, so that the sanitizer sees a read past it. */
static enum sftp_status parse(const struct packet *packet, size_t length)
{
    uint8_t *copy = malloc(length + 1);

    memcpy(copy, packet->bytes, length);
    enum sftp_status status = sftp_read_request(copy, length, &request);
    if (request.data != NULL)
        request.data = packet->bytes + (request.data - copy);
    free(copy);
    return status;
}

static struct packet open_packet(void)
{
    struct packet packet = begin(SFTP_OPEN);

    put_text(&packet, "/a b");
    put_u32(&packet, SFTP_FOR_WRITE | SFTP_CREATE);
    put_u32(&packet, SFTP_HAS_SIZE | SFTP_HAS_OWNER | SFTP_HAS_MODE | SFTP_HAS_TIMES);
    put_u32(&packet, 1);
    put_u32(&packet, 2);
    for (uint32_t i = 3; i < 8; i++)
        put_u32(&packet, i);
    return packet;
}

static void test_an_open_reads_back(void **state)
{
    struct packet packet = open_packet();

    (void)state;
    CHECK_INT(parse(&packet, packet.length), SFTP_OK);
    CHECK_INT(request.type, SFTP_OPEN);
    CHECK_INT(request.id, 0x01020304);
    CHECK_TEXT(request.path, "/a b");
    CHECK_INT(request.flags, SFTP_FOR_WRITE | SFTP_CREATE);
    CHECK_INT((int64_t)request.attributes.size, ((int64_t)1 << 32) + 2);
    CHECK_INT(request.attributes.uid, 3);
    CHECK_INT(request.attributes.gid, 4);
    CHECK_INT(request.attributes.mode, 5);
    CHECK_INT(request.attributes.access_time, 6);
    CHECK_INT(request.attributes.change_time, 7);
}

static void test_a_write_points_at_its_data(void **state)
{
    struct packet packet = begin(SFTP_WRITE);

    (void)state;
    put_bytes(&packet, "12345678", 8);
    put_u32(&packet, 0);
    put_u32(&packet, 9);
    put_bytes(&packet, "data\0x", 6);
    CHECK_INT(parse(&packet, packet.length), SFTP_OK);
    CHECK(memcmp(request.handle, "12345678", 8) == 0);
    CHECK_INT((int64_t)request.offset, 9);
    CHECK_INT(request.length, 6);
    CHECK(memcmp(request.data, "data\0x", 6) == 0);
}

/* Each request is exactly its fields: cut anywhere, or with more behind, it is none. */
static void test_a_request_has_one_length(void **state)
{
    static const struct {
        uint8_t type;
        const char *fields;
    } rows[] = {
        { SFTP_CLOSE, "h" },    { SFTP_READ, "hoo" },   { SFTP_LSTAT, "p" },
        { SFTP_FSTAT, "h" },    { SFTP_SETSTAT, "pa" }, { SFTP_FSETSTAT, "ha" },
        { SFTP_OPENDIR, "p" },  { SFTP_READDIR, "h" },  { SFTP_REMOVE, "p" },
        { SFTP_MKDIR, "pa" },   { SFTP_RMDIR, "p" },    { SFTP_REALPATH, "p" },
        { SFTP_STAT, "p" },     { SFTP_RENAME, "pp" },  { SFTP_READLINK, "p" },
        { SFTP_SYMLINK, "pp" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct packet packet = begin(rows[i].type);

        for (const char *field = rows[i].fields; *field != '\0'; field++) {
            if (*field == 'h')
                put_bytes(&packet, "12345678", 8);
            else if (*field == 'p')
                put_text(&packet, "/some/path");
            else
                put_u32(&packet, 0);
        }
        if (rows[i].type == SFTP_READ)
            put_u32(&packet, 0);
        for (size_t length = 0; length <= packet.length + 1; length++) {
            check_row("type %d, %zu bytes of %zu", rows[i].type, length, packet.length);
            CHECK_INT(parse(&packet, length), length == packet.length ? SFTP_OK : SFTP_BAD_MESSAGE);
        }
    }
}

/* But for a write, whose data say how long they are. */
static void test_behind_the_data_of_a_write_there_may_be_more(void **state)
{
    struct packet packet = begin(SFTP_WRITE);

    (void)state;
    put_bytes(&packet, "12345678", 8);
    put_u32(&packet, 0);
    put_u32(&packet, 7);
    put_bytes(&packet, "data", 4);
    size_t whole = packet.length;
    put_text(&packet, "rest");
    for (size_t length = 0; length <= packet.length; length++) {
        check_row("%zu bytes of %zu", length, whole);
        CHECK_INT(parse(&packet, length), length >= whole ? SFTP_OK : SFTP_BAD_MESSAGE);
    }
    CHECK_INT(request.length, 4);
    CHECK(memcmp(request.data, "data", 4) == 0);
}

static void test_paths_have_a_limit_and_no_nul(void **state)
{
    static char path[SFTP_PATH_MAX + 1];
    struct packet packet;

    (void)state;
    memset(path, 'x', SFTP_PATH_MAX);
    for (size_t length = SFTP_PATH_MAX - 2; length <= SFTP_PATH_MAX; length++) {
        check_row("%zu", length);
        packet = begin(SFTP_STAT);
        put_bytes(&packet, path, length);
        CHECK_INT(parse(&packet, packet.length),
                  length < SFTP_PATH_MAX ? SFTP_OK : SFTP_BAD_MESSAGE);
    }
    packet = begin(SFTP_STAT);
    put_bytes(&packet, "/a\0b", 4);
    CHECK_INT(parse(&packet, packet.length), SFTP_BAD_MESSAGE);
}

static void test_handles_are_ours(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 16; length++) {
        struct packet packet = begin(SFTP_CLOSE);

        check_row("%zu", length);
        put_bytes(&packet, "0123456789abcdef", length);
        CHECK_INT(parse(&packet, packet.length),
                  length == SFTP_HANDLE_SIZE ? SFTP_OK : SFTP_BAD_MESSAGE);
    }
}

static void test_extensions_are_known_by_name(void **state)
{
    struct packet packet = begin(SFTP_EXTENDED);

    (void)state;
    put_text(&packet, "posix-rename@openssh.com");
    put_text(&packet, "/a");
    put_text(&packet, "/b");
    CHECK_INT(parse(&packet, packet.length), SFTP_OK);
    CHECK_INT(request.type, SFTP_POSIX_RENAME);
    CHECK_TEXT(request.other_path, "/b");

    packet = begin(SFTP_EXTENDED);
    put_text(&packet, "limits@openssh.com");
    CHECK_INT(parse(&packet, packet.length), SFTP_OK);
    CHECK_INT(request.type, SFTP_LIMITS);

    packet = begin(SFTP_EXTENDED);
    put_text(&packet, "unknown@example.org");
    put_text(&packet, "whatever");
    CHECK_INT(parse(&packet, packet.length), SFTP_UNSUPPORTED);
    CHECK_INT(request.id, 0x01020304);

    packet = begin(99);
    CHECK_INT(parse(&packet, packet.length), SFTP_UNSUPPORTED);
}

static void test_unknown_attributes_are_refused_and_extended_ones_skipped(void **state)
{
    struct packet packet = begin(SFTP_SETSTAT);

    (void)state;
    put_text(&packet, "/a");
    put_u32(&packet, 0x10);
    CHECK_INT(parse(&packet, packet.length), SFTP_BAD_MESSAGE);

    packet = begin(SFTP_SETSTAT);
    put_text(&packet, "/a");
    put_u32(&packet, 0x80000000 | SFTP_HAS_MODE);
    put_u32(&packet, 0755);
    put_u32(&packet, 2);
    for (int i = 0; i < 4; i++)
        put_text(&packet, "x");
    CHECK_INT(parse(&packet, packet.length), SFTP_OK);
    CHECK_INT(request.attributes.has, SFTP_HAS_MODE);
    CHECK_INT(request.attributes.mode, 0755);
}

static void test_random_bytes_are_read_safely(void **state)
{
    struct packet packet = open_packet();

    (void)state;
    for (int step = 0; step < 200000; step++) {
        struct packet changed = packet;

        for (uint64_t i = check_random(4); i < 4; i++)
            changed.bytes[check_random(packet.length)] = (uint8_t)check_random(256);
        (void)parse(&changed, check_random(packet.length + 1));
    }
}

static void test_an_answer_never_passes_its_buffer(void **state)
{
    uint8_t buffer[16];

    (void)state;
    struct sftp_writer out = sftp_begin(buffer, sizeof(buffer), SFTP_STATUS);
    sftp_put_u32(&out, 7);
    sftp_put_text(&out, "abc");
    CHECK(!out.is_full);
    CHECK_INT((int64_t)sftp_end(&out), 16);
    CHECK(memcmp(buffer, "\0\0\0\14\145\0\0\0\7\0\0\0\3abc", 16) == 0);
    sftp_put_text(&out, "");
    CHECK(out.is_full);
    CHECK_INT((int64_t)out.length, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_reads_back),
        cmocka_unit_test(test_a_write_points_at_its_data),
        cmocka_unit_test(test_a_request_has_one_length),
        cmocka_unit_test(test_behind_the_data_of_a_write_there_may_be_more),
        cmocka_unit_test(test_paths_have_a_limit_and_no_nul),
        cmocka_unit_test(test_handles_are_ours),
        cmocka_unit_test(test_extensions_are_known_by_name),
        cmocka_unit_test(test_unknown_attributes_are_refused_and_extended_ones_skipped),
        cmocka_unit_test(test_random_bytes_are_read_safely),
        cmocka_unit_test(test_an_answer_never_passes_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
