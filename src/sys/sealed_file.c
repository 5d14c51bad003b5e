/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sealed_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "sys/fd.h"
#include "sys/file.h"

static const char magic[] = "berth-sealed-1\n";

enum {
    MAGIC_SIZE = sizeof magic - 1,
    HEADER_SIZE = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    TAG_SIZE = crypto_secretstream_xchacha20poly1305_ABYTES,
    KEY_TEXT_MAX = HEX_SIZE(SEAL_KEY_SIZE) + 1,
};

static_assert(SEAL_KEY_SIZE == crypto_secretstream_xchacha20poly1305_KEYBYTES, "one size of key");

/* As many as there are, up to `count`: fewer only at the end. */
static bool read_full(int fd, uint8_t *bytes, size_t count, size_t *ret_length, struct error *err)
{
    size_t length = 0;

    while (length < count) {
        ssize_t got = read(fd, bytes + length, count - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_system(err, errno, "read");
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_length = length;
    return true;
}

struct chunks {
    uint8_t plain[SEALED_CHUNK], sealed[SEALED_CHUNK + TAG_SIZE];
    crypto_secretstream_xchacha20poly1305_state state;
};

static struct chunks *make_chunks(void)
{
    struct chunks *chunks = malloc(sizeof *chunks);

    if (chunks == NULL)
        abort();
    return chunks;
}

static void free_chunks(struct chunks *chunks)
{
    crypto_wipe(chunks, sizeof *chunks);
    free(chunks);
}

static bool write_chunks(struct chunks *chunks, int from_fd, int to_fd, struct error *err)
{
    bool is_last = false;

    while (!is_last) {
        size_t length;
        unsigned long long sealed_length;

        if (!read_full(from_fd, chunks->plain, SEALED_CHUNK, &length, err))
            return false;
        /* A short one ends the file; one that is full may be followed by one of nothing. */
        is_last = length < SEALED_CHUNK;
        (void)crypto_secretstream_xchacha20poly1305_push(
            &chunks->state, chunks->sealed, &sealed_length, chunks->plain, length, NULL, 0,
            is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
        if (!file_write_all(to_fd, chunks->sealed, (size_t)sealed_length, err))
            return false;
    }
    return true;
}

bool sealed_file_write(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                       struct error *err)
{
    struct chunks *chunks = make_chunks();
    uint8_t header[HEADER_SIZE];

    (void)crypto_secretstream_xchacha20poly1305_init_push(&chunks->state, header, key);
    bool is_written = file_write_all(to_fd, magic, MAGIC_SIZE, err) &&
                      file_write_all(to_fd, header, sizeof header, err) &&
                      write_chunks(chunks, from_fd, to_fd, err);
    free_chunks(chunks);
    return is_written;
}

static bool read_chunks(struct chunks *chunks, int from_fd, int to_fd, struct error *err)
{
    uint8_t tag = 0;

    while (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
        size_t length;
        unsigned long long plain_length;

        if (!read_full(from_fd, chunks->sealed, sizeof chunks->sealed, &length, err))
            return false;
        if (length < TAG_SIZE ||
            crypto_secretstream_xchacha20poly1305_pull(&chunks->state, chunks->plain, &plain_length,
                                                       &tag, chunks->sealed, length, NULL, 0) != 0)
            return error_set(err, ERROR_CORRUPT,
                             "it is damaged, cut short, or sealed with another key");
        if (!file_write_all(to_fd, chunks->plain, (size_t)plain_length, err))
            return false;
    }
    return true;
}

bool sealed_file_read(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                      struct error *err)
{
    struct chunks *chunks;
    uint8_t head[MAGIC_SIZE + HEADER_SIZE];
    size_t length;
    uint8_t more;

    if (!read_full(from_fd, head, sizeof head, &length, err))
        return false;
    if (length < sizeof head || memcmp(head, magic, MAGIC_SIZE) != 0)
        return error_set(err, ERROR_CORRUPT, "it is not a sealed file");
    chunks = make_chunks();
    bool is_read = (crypto_secretstream_xchacha20poly1305_init_pull(&chunks->state,
                                                                    head + MAGIC_SIZE, key) == 0 ||
                    error_set(err, ERROR_CORRUPT, "its header is none")) &&
                   read_chunks(chunks, from_fd, to_fd, err);
    free_chunks(chunks);
    if (is_read && (!read_full(from_fd, &more, 1, &length, err) || length != 0))
        return error_set(err, ERROR_CORRUPT, "something follows its end");
    return is_read;
}

bool sealed_file_is(int fd)
{
    char head[MAGIC_SIZE];

    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
           memcmp(head, magic, sizeof head) == 0;
}

bool sealed_file_key(const char *path, uint8_t ret[static SEAL_KEY_SIZE], struct error *err)
{
    auto_buf struct buf content = buf_of(KEY_TEXT_MAX);
    struct stat status;

    if (stat(path, &status) != 0)
        return error_system(err, errno, "look at %s", path);
    if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(err, ERROR_FORBIDDEN,
                         "%s must be a file that only its owner may read (chmod 600)", path);
    if (!file_read(AT_FDCWD, path, &content, err))
        return error_context(err, "%s", path);
    bool is_key = content.length > 0;
    if (is_key) {
        content.bytes[strcspn(content.bytes, "\n")] = '\0';
        is_key = hex_parse(content.bytes, ret, SEAL_KEY_SIZE);
        crypto_wipe(content.bytes, content.length);
    }
    return is_key || error_set(err, ERROR_CORRUPT, "%s is not a key: 64 hexadecimal digits", path);
}
