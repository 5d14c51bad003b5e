/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are sealed as they are written, however large: backups that leave the house.
 *
 * A name, a header, then chunks of SEALED_CHUNK bytes, each with a tag over it and over all that
 * came before; the last says that it is the last. So what was changed, cut short, put in another
 * order or sealed with another key is refused, and no byte of it is believed. (libsodium's
 * secretstream, XChaCha20-Poly1305.) */

#ifndef BERTH_SYS_SEALED_FILE_H
#define BERTH_SYS_SEALED_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/crypto.h"

enum { SEALED_CHUNK = 64 * 1024 };

/* All of `from_fd`, from where it stands, onto `to_fd`. */
NODISCARD bool sealed_file_write(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                                 struct error *err);

/* And back. ERROR_CORRUPT: it was not sealed with this key, or is not whole; what was written to
 * `to_fd` by then is to be thrown away. */
NODISCARD bool sealed_file_read(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                                struct error *err);

/* Whether it begins as such a file does. Leaves the file where it stood. */
bool sealed_file_is(int fd);

/* A key: 64 hexadecimal digits in a file that only its owner may read. ERROR_FORBIDDEN: others may.
 * ERROR_CORRUPT: it is none. */
NODISCARD bool sealed_file_key(const char *path, uint8_t ret[static SEAL_KEY_SIZE],
                               struct error *err);

#endif
