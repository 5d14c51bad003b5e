/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sftp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/sftp_file.h"

enum { LENGTH_SIZE = 4 };

static size_t answer_init(uint8_t *reply)
{
    struct sftp_writer out = sftp_begin(reply, SFTP_REPLY_MAX, SFTP_SERVER_VERSION);

    sftp_put_u32(&out, SFTP_VERSION);
    sftp_put_extensions(&out);
    return sftp_end(&out);
}

size_t sftp_answer(const uint8_t *packet, size_t length, uint8_t reply[static SFTP_REPLY_MAX])
{
    static struct sftp_request request;

    enum sftp_status status = sftp_read_request(packet, length, &request);
    if (status == SFTP_UNSUPPORTED)
        return sftp_put_status(reply, request.id, status, "not supported");
    if (status != SFTP_OK)
        return sftp_put_status(reply, request.id, status, "that request is malformed");
    if (request.type == SFTP_INIT)
        return answer_init(reply);
    return sftp_perform(&request, reply);
}

/* Exactly `length` bytes. False at the end of the input, or where it breaks. */
static bool read_whole(uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t got = read(STDIN_FILENO, bytes, length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        length -= (size_t)got;
    }
    return true;
}

static bool write_whole(const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

int sftp_main(void)
{
    uint8_t size[LENGTH_SIZE];
    uint8_t *packet = malloc(SFTP_PACKET_MAX), *reply = malloc(SFTP_REPLY_MAX);
    int status = 0;

    if (packet == NULL || reply == NULL) {
        (void)fprintf(stderr, "berth: sftp: out of memory\n");
        return 1;
    }
    while (read_whole(size, LENGTH_SIZE)) {
        size_t length =
            (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | (size_t)size[3];

        if (length > SFTP_PACKET_MAX) {
            (void)fprintf(stderr, "berth: sftp: a packet of %zu bytes is too long\n", length);
            status = 1;
            break;
        }
        if (!read_whole(packet, length) ||
            !write_whole(reply, sftp_answer(packet, length, reply))) {
            status = 1;
            break;
        }
    }
    free(packet);
    free(reply);
    return status;
}
