/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sftp_wire.h"

#include <string.h>

enum { LENGTH_SIZE = 4, EXTENDED_PAIRS_MAX = 64 };

static const uint32_t HAS_EXTENDED = 0x80000000U;

/* What a request consists of, behind its id:
 * p, q: path and other path; h: handle; f: flags; o: offset; l: length; d: data; a: attributes */
struct layout {
    enum sftp_type type;
    const char *fields;
};

static const struct layout LAYOUTS[] = {
    { SFTP_OPEN, "pfa" },   { SFTP_CLOSE, "h" },    { SFTP_READ, "hol" },   { SFTP_WRITE, "hod" },
    { SFTP_LSTAT, "p" },    { SFTP_FSTAT, "h" },    { SFTP_SETSTAT, "pa" }, { SFTP_FSETSTAT, "ha" },
    { SFTP_OPENDIR, "p" },  { SFTP_READDIR, "h" },  { SFTP_REMOVE, "p" },   { SFTP_MKDIR, "pa" },
    { SFTP_RMDIR, "p" },    { SFTP_REALPATH, "p" }, { SFTP_STAT, "p" },     { SFTP_RENAME, "pq" },
    { SFTP_READLINK, "p" }, { SFTP_SYMLINK, "pq" },
};

struct extension {
    const char *name, *version;
    struct layout layout;
};

static const struct extension EXTENSIONS[] = {
    { "posix-rename@openssh.com", "1", { SFTP_POSIX_RENAME, "pq" } },
    { "statvfs@openssh.com", "2", { SFTP_STATVFS, "p" } },
    { "fstatvfs@openssh.com", "2", { SFTP_FSTATVFS, "h" } },
    { "hardlink@openssh.com", "1", { SFTP_HARDLINK, "pq" } },
    { "fsync@openssh.com", "1", { SFTP_FSYNC, "h" } },
    { "lsetstat@openssh.com", "1", { SFTP_LSETSTAT, "pa" } },
    { "limits@openssh.com", "1", { SFTP_LIMITS, "" } },
    { "expand-path@openssh.com", "1", { SFTP_EXPAND_PATH, "p" } },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reader {
    const uint8_t *at, *end;
};

static bool take_u32(struct reader *in, uint32_t *ret)
{
    if (in->end - in->at < 4)
        return false;
    *ret = (uint32_t)in->at[0] << 24 | (uint32_t)in->at[1] << 16 | (uint32_t)in->at[2] << 8 |
           in->at[3];
    in->at += 4;
    return true;
}

static bool take_u64(struct reader *in, uint64_t *ret)
{
    uint32_t high, low;

    if (!take_u32(in, &high) || !take_u32(in, &low))
        return false;
    *ret = (uint64_t)high << 32 | low;
    return true;
}

static bool take_bytes(struct reader *in, const uint8_t **ret, uint32_t *ret_length)
{
    uint32_t length;

    if (!take_u32(in, &length) || length > (size_t)(in->end - in->at))
        return false;
    *ret = in->at;
    *ret_length = length;
    in->at += length;
    return true;
}

/* A name that reached the kernel with a NUL inside would be another name. */
static bool take_path(struct reader *in, char path[static SFTP_PATH_MAX])
{
    const uint8_t *bytes;
    uint32_t length;

    if (!take_bytes(in, &bytes, &length) || length >= SFTP_PATH_MAX ||
        memchr(bytes, '\0', length) != NULL)
        return false;
    memcpy(path, bytes, length);
    path[length] = '\0';
    return true;
}

static bool take_handle(struct reader *in, uint8_t handle[static SFTP_HANDLE_SIZE])
{
    const uint8_t *bytes;
    uint32_t length;

    if (!take_bytes(in, &bytes, &length) || length != SFTP_HANDLE_SIZE)
        return false;
    memcpy(handle, bytes, SFTP_HANDLE_SIZE);
    return true;
}

static bool take_extended(struct reader *in)
{
    const uint8_t *bytes;
    uint32_t count, length;

    if (!take_u32(in, &count) || count > EXTENDED_PAIRS_MAX)
        return false;
    for (uint32_t i = 0; i < 2 * count; i++)
        if (!take_bytes(in, &bytes, &length))
            return false;
    return true;
}

static bool take_attributes(struct reader *in, struct sftp_attributes *ret)
{
    const uint32_t known = SFTP_HAS_SIZE | SFTP_HAS_OWNER | SFTP_HAS_MODE | SFTP_HAS_TIMES;
    uint32_t has;

    if (!take_u32(in, &has) || (has & ~(known | HAS_EXTENDED)) != 0)
        return false;
    ret->has = has & known;
    if ((has & SFTP_HAS_SIZE) != 0 && !take_u64(in, &ret->size))
        return false;
    if ((has & SFTP_HAS_OWNER) != 0 && (!take_u32(in, &ret->uid) || !take_u32(in, &ret->gid)))
        return false;
    if ((has & SFTP_HAS_MODE) != 0 && !take_u32(in, &ret->mode))
        return false;
    if ((has & SFTP_HAS_TIMES) != 0 &&
        (!take_u32(in, &ret->access_time) || !take_u32(in, &ret->change_time)))
        return false;
    return (has & HAS_EXTENDED) == 0 || take_extended(in);
}

static bool take_field(struct reader *in, char field, struct sftp_request *request)
{
    switch (field) {
    case 'p':
        return take_path(in, request->path);
    case 'q':
        return take_path(in, request->other_path);
    case 'h':
        return take_handle(in, request->handle);
    case 'f':
        return take_u32(in, &request->flags);
    case 'o':
        return take_u64(in, &request->offset);
    case 'l':
        return take_u32(in, &request->length);
    case 'd':
        return take_bytes(in, &request->data, &request->length);
    default:
        return take_attributes(in, &request->attributes);
    }
}

static const struct layout *find_layout(uint32_t type)
{
    for (size_t i = 0; i < COUNT(LAYOUTS); i++)
        if ((uint32_t)LAYOUTS[i].type == type)
            return &LAYOUTS[i];
    return NULL;
}

static const struct layout *find_extension(const uint8_t *name, uint32_t length)
{
    for (size_t i = 0; i < COUNT(EXTENSIONS); i++)
        if (strlen(EXTENSIONS[i].name) == length && memcmp(EXTENSIONS[i].name, name, length) == 0)
            return &EXTENSIONS[i].layout;
    return NULL;
}

enum sftp_status sftp_read_request(const uint8_t *bytes, size_t length,
                                   struct sftp_request *ret_request)
{
    *ret_request = (struct sftp_request){ 0 };
    if (length < 1)
        return SFTP_BAD_MESSAGE;

    struct reader in = { .at = bytes + 1, .end = bytes + length };
    ret_request->type = (enum sftp_type)bytes[0];
    if (!take_u32(&in, &ret_request->id))
        return SFTP_BAD_MESSAGE;
    /* Behind a client's version come names of extensions, which we need not know. */
    if (bytes[0] == SFTP_INIT)
        return SFTP_OK;

    const struct layout *layout = find_layout(bytes[0]);
    if (bytes[0] == SFTP_EXTENDED) {
        const uint8_t *name;
        uint32_t name_length;

        if (!take_bytes(&in, &name, &name_length))
            return SFTP_BAD_MESSAGE;
        layout = find_extension(name, name_length);
    }
    if (layout == NULL)
        return SFTP_UNSUPPORTED;
    for (const char *field = layout->fields; *field != '\0'; field++)
        if (!take_field(&in, *field, ret_request))
            return SFTP_BAD_MESSAGE;
    /* Behind the data of the last write Go's pkg/sftp (rclone) leaves what its buffer still held.
     */
    if (in.at != in.end && layout->type != SFTP_WRITE)
        return SFTP_BAD_MESSAGE;
    ret_request->type = layout->type;
    return SFTP_OK;
}

static void put(struct sftp_writer *out, const void *bytes, size_t length)
{
    if (out->is_full || length > out->size - out->length) {
        out->is_full = true;
        return;
    }
    if (length > 0)
        memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
}

struct sftp_writer sftp_begin(uint8_t *buffer, size_t size, enum sftp_type type)
{
    struct sftp_writer out = { .bytes = buffer, .length = LENGTH_SIZE, .size = size };
    uint8_t byte = (uint8_t)type;

    put(&out, &byte, 1);
    return out;
}

void sftp_put_u32(struct sftp_writer *out, uint32_t value)
{
    const uint8_t bytes[] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value };

    put(out, bytes, sizeof(bytes));
}

void sftp_put_u64(struct sftp_writer *out, uint64_t value)
{
    sftp_put_u32(out, (uint32_t)(value >> 32));
    sftp_put_u32(out, (uint32_t)value);
}

void sftp_put_bytes(struct sftp_writer *out, const void *bytes, size_t length)
{
    sftp_put_u32(out, (uint32_t)length);
    put(out, bytes, length);
}

void sftp_put_text(struct sftp_writer *out, const char *text)
{
    sftp_put_bytes(out, text, strlen(text));
}

void sftp_put_attributes(struct sftp_writer *out, const struct sftp_attributes *attributes)
{
    sftp_put_u32(out, attributes->has);
    if ((attributes->has & SFTP_HAS_SIZE) != 0)
        sftp_put_u64(out, attributes->size);
    if ((attributes->has & SFTP_HAS_OWNER) != 0) {
        sftp_put_u32(out, attributes->uid);
        sftp_put_u32(out, attributes->gid);
    }
    if ((attributes->has & SFTP_HAS_MODE) != 0)
        sftp_put_u32(out, attributes->mode);
    if ((attributes->has & SFTP_HAS_TIMES) != 0) {
        sftp_put_u32(out, attributes->access_time);
        sftp_put_u32(out, attributes->change_time);
    }
}

void sftp_put_extensions(struct sftp_writer *out)
{
    for (size_t i = 0; i < COUNT(EXTENSIONS); i++) {
        sftp_put_text(out, EXTENSIONS[i].name);
        sftp_put_text(out, EXTENSIONS[i].version);
    }
}

size_t sftp_end(struct sftp_writer *out)
{
    struct sftp_writer front = { .bytes = out->bytes, .size = LENGTH_SIZE };

    sftp_put_u32(&front, (uint32_t)(out->length - LENGTH_SIZE));
    return out->length;
}
