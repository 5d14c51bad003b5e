/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of one berthd: its lock, and the key that it signs with.
 *
 *   berth.lock      held while a berthd serves from this folder; holds its process id
 *   server.key      Ed25519 secret key, hexadecimal, 0600; agents pin its public half when they
 *                   enrol, so losing it means enrolling every machine anew
 *   master.key      what accounts' keys lie under in the database
 *   master.key.next, master.key.before
 *                   while it takes another's place: they open what lies under them
 *   berth.sqlite    where the store is SQLite
 *
 * Several berthd on one PostgreSQL each have a folder, and a copy of the same key in it. */

#ifndef BERTH_SERVER_DATA_DIR_H
#define BERTH_SERVER_DATA_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "flow/vault.h"
#include "sys/crypto.h"

struct data_dir {
    const char *path; /* borrowed */
    int fd;           /* of the folder; -1: closed */
    int lock_fd;      /* -1: not locked */
};

#define auto_data_dir __attribute__((cleanup(data_dir_close)))

/* Make the folder (0700) where it is missing, and open it. */
NODISCARD bool data_dir_open(const char *path, struct data_dir *ret, struct error *err);
/* The same where it must be there: else ERROR_NOT_FOUND, and nothing is made. */
NODISCARD bool data_dir_find(const char *path, struct data_dir *ret, struct error *err);
void data_dir_close(struct data_dir *dir);

/* ERROR_CONFLICT: another process serves from this folder; the text names it. */
NODISCARD bool data_dir_lock(struct data_dir *dir, struct error *err);

/* The process that serves from this folder, or 0 where none does. */
pid_t data_dir_server(const struct data_dir *dir);

/* Read the key; make it first where there is none yet. ERROR_CORRUPT: it is not a key, and
 * ERROR_FORBIDDEN: others may read it. */
NODISCARD bool data_dir_keys(const struct data_dir *dir, struct key_pair *ret_keys,
                             struct error *err);

/* The same for the master key, under which secrets lie in the database. Who loses the file has lost
 * them; it belongs into no backup of the database. */
NODISCARD bool data_dir_master_key(const struct data_dir *dir, uint8_t ret[static SEAL_KEY_SIZE],
                                   struct error *err);

/* While a master key takes another's place: the next, and the one before. `*ret_has` false: there
 * is none. */
enum data_dir_other { DATA_DIR_NEXT, DATA_DIR_BEFORE };
NODISCARD bool data_dir_other_key(const struct data_dir *dir, enum data_dir_other other,
                                  uint8_t ret[static SEAL_KEY_SIZE], bool *ret_has,
                                  struct error *err);

/* What the server seals and opens with: all of them. */
NODISCARD bool data_dir_vault(const struct data_dir *dir, struct vault *ret, struct error *err);

/* Make the next; it takes the place of the present, which is the one before then; forget that.
 * ERROR_CONFLICT: it is not its turn, and the text says why. */
NODISCARD bool data_dir_next_key(const struct data_dir *dir, struct error *err);
NODISCARD bool data_dir_turn_key(const struct data_dir *dir, struct error *err);
NODISCARD bool data_dir_forget_key(const struct data_dir *dir, struct error *err);

#endif
