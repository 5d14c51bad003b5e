/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP version 3 in bytes: requests are read whole and strictly into a struct, answers written
 * into a buffer. No file is touched here. */

#ifndef BERTH_GUEST_SFTP_WIRE_H
#define BERTH_GUEST_SFTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SFTP_PACKET_MAX = 256 * 1024, /* without its length */
    SFTP_DATA_MAX = 255 * 1024,   /* of one read or write */
    SFTP_PATH_MAX = 4096,         /* with its NUL */
    SFTP_HANDLE_SIZE = 8,
    SFTP_VERSION = 3,
};

enum sftp_type {
    SFTP_INIT = 1,
    SFTP_SERVER_VERSION = 2,
    SFTP_OPEN = 3,
    SFTP_CLOSE = 4,
    SFTP_READ = 5,
    SFTP_WRITE = 6,
    SFTP_LSTAT = 7,
    SFTP_FSTAT = 8,
    SFTP_SETSTAT = 9,
    SFTP_FSETSTAT = 10,
    SFTP_OPENDIR = 11,
    SFTP_READDIR = 12,
    SFTP_REMOVE = 13,
    SFTP_MKDIR = 14,
    SFTP_RMDIR = 15,
    SFTP_REALPATH = 16,
    SFTP_STAT = 17,
    SFTP_RENAME = 18,
    SFTP_READLINK = 19,
    SFTP_SYMLINK = 20,
    SFTP_STATUS = 101,
    SFTP_HANDLE = 102,
    SFTP_DATA = 103,
    SFTP_NAME = 104,
    SFTP_ATTRS = 105,
    SFTP_EXTENDED = 200,
    SFTP_EXTENDED_REPLY = 201,
    /* What an extended request turned out to be: not on the wire. */
    SFTP_POSIX_RENAME = 256,
    SFTP_STATVFS,
    SFTP_FSTATVFS,
    SFTP_HARDLINK,
    SFTP_FSYNC,
    SFTP_LSETSTAT,
    SFTP_LIMITS,
    SFTP_EXPAND_PATH,
};

enum sftp_status {
    SFTP_OK = 0,
    SFTP_EOF = 1,
    SFTP_NO_SUCH_FILE = 2,
    SFTP_PERMISSION_DENIED = 3,
    SFTP_FAILURE = 4,
    SFTP_BAD_MESSAGE = 5,
    SFTP_UNSUPPORTED = 8,
};

enum sftp_attribute {
    SFTP_HAS_SIZE = 1,
    SFTP_HAS_OWNER = 2,
    SFTP_HAS_MODE = 4,
    SFTP_HAS_TIMES = 8,
};

enum sftp_open_flag {
    SFTP_FOR_READ = 1,
    SFTP_FOR_WRITE = 2,
    SFTP_APPEND = 4,
    SFTP_CREATE = 8,
    SFTP_TRUNCATE = 16,
    SFTP_EXCLUSIVE = 32,
};

struct sftp_attributes {
    uint32_t has; /* enum sftp_attribute, or-ed */
    uint64_t size;
    uint32_t uid, gid, mode, access_time, change_time;
};

struct sftp_request {
    enum sftp_type type;
    uint32_t id; /* of INIT: the client's version */
    char path[SFTP_PATH_MAX];
    char other_path[SFTP_PATH_MAX];
    uint8_t handle[SFTP_HANDLE_SIZE];
    uint32_t flags;
    uint64_t offset;
    uint32_t length; /* of data, or how much of it is wanted */
    const uint8_t *data;
    struct sftp_attributes attributes;
};

/* `bytes` is a packet behind its length. SFTP_OK: `*ret_request` is all that its type has.
 * SFTP_UNSUPPORTED: a type or an extension that we do not know, of which only type and id are
 * set. SFTP_BAD_MESSAGE: anything else; type and id are set where there were any. */
enum sftp_status sftp_read_request(const uint8_t *bytes, size_t length,
                                   struct sftp_request *ret_request);

/* An answer in the making: room for its length is kept at the front. What does not fit is left
 * out and remembered. */
struct sftp_writer {
    uint8_t *bytes;
    size_t length, size;
    bool is_full;
};

/* Begin a packet of `type`; `buffer` has `size` bytes and is borrowed. */
struct sftp_writer sftp_begin(uint8_t *buffer, size_t size, enum sftp_type type);
void sftp_put_u32(struct sftp_writer *out, uint32_t value);
void sftp_put_u64(struct sftp_writer *out, uint64_t value);
void sftp_put_bytes(struct sftp_writer *out, const void *bytes, size_t length);
void sftp_put_text(struct sftp_writer *out, const char *text);
void sftp_put_attributes(struct sftp_writer *out, const struct sftp_attributes *attributes);

/* Fill in the length. Returns the bytes to send. */
size_t sftp_end(struct sftp_writer *out);

/* Name and version of each extension, behind SFTP_SERVER_VERSION. */
void sftp_put_extensions(struct sftp_writer *out);

#endif
