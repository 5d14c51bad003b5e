/* SPDX-License-Identifier: Apache-2.0 */
/* A release of the agent, which hosts that were told whose they trust take by themselves
 * (docs/decisions/0035-agents-that-update-themselves.md).
 *
 *   GET /agent/v1/release?target=T                     -> {"manifest","signature"}, or 404
 *   GET /agent/v1/release/file?target=T&version=V&name=N   -> the file's bytes
 *
 * The manifest is a text, and is signed as it is, by a key that no server has: Ed25519 over
 * release_signed(). It names all that counts: the version, what system it is for, and each file's
 * size and hash. Versions are three numbers, and only grow. */

#ifndef BERTH_PROTO_RELEASE_H
#define BERTH_PROTO_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/json.h"

enum {
    RELEASE_FILES = 2,
    RELEASE_FILE_MAX = 32 << 20, /* bytes of one */
    RELEASE_MANIFEST_MAX = 4096,
    RELEASE_NUMBER_MAX = 99999, /* each of a version's three */
    RELEASE_VERSION_SIZE = 24,
    RELEASE_TARGET_SIZE = 64,
    RELEASE_NUMBERS = 3,
};

/* "berth-host" and "berth-guest". */
extern const char *const release_names[RELEASE_FILES];

struct release_version {
    int64_t numbers[RELEASE_NUMBERS];
};

struct release_file {
    int64_t size; /* 1 to RELEASE_FILE_MAX */
    uint8_t sha256[32];
};

struct release {
    char version[RELEASE_VERSION_SIZE];
    struct release_version number; /* the same */
    char target[RELEASE_TARGET_SIZE];
    struct release_file files[RELEASE_FILES];
};

/* What a server says of the newest one. The manifest is borrowed. */
struct release_offer {
    const char *manifest;
    uint8_t signature[64];
};

/* "1.20.3", as anybody would write it: no blanks, no zeros in front, nothing behind. */
NODISCARD bool release_version_parse(const char *text, struct release_version *ret);

/* Below, at or above zero, as strcmp() has it. */
int release_version_compare(const struct release_version *a, const struct release_version *b);

/* A system's name, such as "debian-12-x86_64": lower case letters, digits and -._ behind one of the
 * first two. It is safe in a path and in a URL. */
bool release_target_is_valid(const char *text);

void release_encode(struct buf *out, const struct release *release);
NODISCARD bool release_decode(const char *text, size_t length, struct release *ret,
                              struct error *err);

/* What is signed for a manifest. */
void release_signed(struct buf *out, const char *manifest, size_t length);

void release_offer_encode(struct buf *out, const struct release_offer *offer);
NODISCARD bool release_offer_decode(const json_t *root, struct release_offer *ret,
                                    struct error *err);

#endif
