/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prove_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/prove_call.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/proof_disk.h"

enum {
    CHUNK_BLOCKS = 256,
    CHUNK_SIZE = CHUNK_BLOCKS * DISK_BLOCK_SIZE,
    ROOM_FACTOR = 2, /* as much again has to stay free */
};

/* A file without a name: it is gone when its descriptor is. */
static int open_file(const struct prove *prove, struct error *err)
{
    struct statvfs room;
    int fd = file_scratch(prove->disk, O_DIRECT, err);

    if (fd < 0) {
        (void)error_context(err, "past the cache");
        return -1;
    }
    if (fstatvfs(fd, &room) == 0 && room.f_bavail * room.f_frsize / DISK_BLOCK_SIZE >=
                                        (uint64_t)prove->challenge.n * ROOM_FACTOR)
        return fd;
    (void)error_set(err, ERROR_IO, "no room for a proof of %lld blocks in %s",
                    (long long)prove->challenge.n, prove->disk);
    (void)close(fd);
    return -1;
}

/* All blocks, and that they are there. */
static bool write_file(int fd, const struct disk_terms *terms, uint8_t *chunk,
                       struct hash *ret_commitment, struct error *err)
{
    struct disk_chain chain = disk_chain_of(terms);

    for (uint32_t done = 0; done < terms->blocks;) {
        uint32_t left = terms->blocks - done, count = left < CHUNK_BLOCKS ? left : CHUNK_BLOCKS;
        ssize_t size = (ssize_t)count * DISK_BLOCK_SIZE;

        for (uint32_t i = 0; i < count; i++)
            disk_chain_next(&chain, chunk + (size_t)i * DISK_BLOCK_SIZE);
        ssize_t written = write(fd, chunk, (size_t)size);
        if (written != size)
            return error_system(err, written < 0 ? errno : ENOSPC, "write a proof of disk");
        done += count;
    }
    *ret_commitment = disk_chain_end(&chain);
    return fsync(fd) == 0 || error_system(err, errno, "write a proof of disk");
}

static bool read_file(int fd, const struct disk_terms *terms,
                      const uint8_t random[static PROOF_SEED_SIZE], uint8_t *block,
                      struct hash *ret_answer, struct error *err)
{
    auto_free uint32_t *drawn = malloc(terms->reads * sizeof *drawn);
    auto_free struct hash *digests = malloc(terms->reads * sizeof *digests);

    if (drawn == NULL || digests == NULL)
        abort(); /* As base/buf.h says. */
    disk_draw(terms, random, drawn);
    for (uint32_t i = 0; i < terms->reads; i++) {
        if (pread(fd, block, DISK_BLOCK_SIZE, (off_t)drawn[i] * DISK_BLOCK_SIZE) != DISK_BLOCK_SIZE)
            return error_system(err, errno, "read a proof of disk");
        digests[i] = disk_block_digest(random, block);
    }
    *ret_answer = disk_answer(digests, terms->reads);
    return true;
}

static bool show_disk(const struct prove *prove, const struct disk_terms *terms, uint8_t *chunk,
                      struct challenge_verdict *ret, struct error *err)
{
    auto_close int fd = open_file(prove, err);
    auto_buf struct buf opening = buf_of(sizeof(struct hash));
    struct challenge_draw draw;
    struct hash commitment, answer;

    if (fd < 0 || !prove_ping(prove, err) || !write_file(fd, terms, chunk, &commitment, err) ||
        !prove_commit(prove, &commitment, &draw, err) ||
        !read_file(fd, terms, draw.draw, chunk, &answer, err))
        return false;
    buf_append(&opening, (const char *)answer.bytes, sizeof answer.bytes);
    return prove_show(prove, &opening, ret, err);
}

bool prove_disk(const struct prove *prove, char ret_verdict[static 16], struct error *err)
{
    struct disk_terms terms = { .blocks = (uint32_t)prove->challenge.n,
                                .reads = (uint32_t)prove->challenge.rounds };
    struct challenge_verdict judged;
    void *chunk = NULL;

    memcpy(terms.seed, prove->challenge.seed, sizeof terms.seed);
    if (!disk_terms_are_valid(&terms))
        return error_set(err, ERROR_INVALID, "a challenge of impossible size");
    if (posix_memalign(&chunk, DISK_BLOCK_SIZE, CHUNK_SIZE) != 0)
        abort(); /* As base/buf.h says. */
    bool is_shown = show_disk(prove, &terms, chunk, &judged, err);
    free(chunk);
    if (is_shown)
        (void)snprintf(ret_verdict, 16, "%s", judged.verdict);
    return is_shown;
}
