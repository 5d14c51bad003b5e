/* SPDX-License-Identifier: Apache-2.0 */
/* Releases that this host has taken (proto/release.h), in a folder of root's:
 *
 *   DATA/updates/VERSION/     berth-host, berth-guest, release.json, release.sig
 *   DATA/updates/state.json   {"confirmed","failures":{VERSION:count}}, the launcher's alone
 *
 * A folder has its name only once all of it is on disk, and all of it is checked again, signature
 * and hashes, before anything in it is started. Nobody's word but the signature's counts, so what
 * has been put there by a power cut or a bad disk is passed over. */

#ifndef BERTH_AGENT_RELEASES_H
#define BERTH_AGENT_RELEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "proto/release.h"
#include "sys/crypto.h"

enum {
    RELEASES_KEPT_MAX = 16, /* more are not looked at */
    RELEASES_TRIES = 3,     /* then one is given up, until there is a newer one */
};

struct releases {
    int dir;         /* DATA/updates; owned; -1: closed */
    char path[1100]; /* the same */
    uint8_t key[PUBLIC_KEY_SIZE];
    char target[RELEASE_TARGET_SIZE];
};

#define auto_releases __attribute__((cleanup(releases_close)))

/* `key` is base64url. ERROR_INVALID: it is none. Makes the folder, for root alone. */
NODISCARD bool releases_open(const char *data_dir, const char *key, struct releases *ret,
                             struct error *err);
void releases_close(struct releases *releases);

/* Whether the text is a public key. */
bool releases_key_is_valid(const char *key);

/* Read a manifest that is signed, and is for this system. ERROR_FORBIDDEN: not so. */
NODISCARD bool releases_read(const struct releases *releases, const char *manifest, size_t length,
                             const uint8_t signature[static SIGNATURE_SIZE], struct release *ret,
                             struct error *err);

/* Whether these are the bytes of a release's file. ERROR_CORRUPT: not so. */
NODISCARD bool releases_check_file(const struct release *release, int file,
                                   const struct buf *content, struct error *err);

/* Keep it: all of it, or none. The contents were checked. */
NODISCARD bool releases_place(const struct releases *releases, const struct release *release,
                              const struct release_offer *offer,
                              const struct buf contents[static RELEASE_FILES], struct error *err);

/* All of what is kept of a version, from its signature to its last byte. */
NODISCARD bool releases_check(const struct releases *releases, const char *version,
                              struct error *err);

/* What came of releases so far. Nothing is known of others. */
struct releases_state {
    char confirmed[RELEASE_VERSION_SIZE]; /* reported to the market once; "" none */
    size_t count;
    struct releases_failure {
        char version[RELEASE_VERSION_SIZE];
        int64_t count;
    } failures[RELEASES_KEPT_MAX];
};

/* What cannot be read is nothing. */
void releases_load(const struct releases *releases, struct releases_state *ret);
NODISCARD bool releases_save(const struct releases *releases, const struct releases_state *state,
                             struct error *err);
int64_t releases_failures(const struct releases_state *state, const char *version);

/* How many were tried as often as one may be. */
size_t releases_given_up(const struct releases_state *state);

/* One more, or one less; of the oldest known nothing is kept where there are too many. */
void releases_count(struct releases_state *state, const char *version, int64_t more);

/* The newest that is here, whole, newer than `than`, and not given up. "" where there is none. */
void releases_newest(const struct releases *releases, const struct releases_state *state,
                     const char *than, char ret[static RELEASE_VERSION_SIZE]);

/* Delete what is kept of one version; of all but one. */
void releases_forget(const struct releases *releases, const char *version);
void releases_keep_only(const struct releases *releases, const char *version);

#endif
