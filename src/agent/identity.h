/* SPDX-License-Identifier: Apache-2.0 */
/* Who this host is: its folder, its key, and the machine it was enrolled as.
 *
 *   DATA/lock            held while an agent runs: two never share a folder
 *   DATA/machine.key     Ed25519, root's alone
 *   DATA/machine.key.next, machine.key.former, machine.first, machine.age: agent/key_turn.h
 *   DATA/machine.json    {"machine_id","server_key"}, once enrolled
 *   DATA/incarnation     counts the agent's starts
 *   DATA/instances/      agent/record.h
 *   DATA/ops/            agent/ops.h
 *   DATA/desired.json    agent/keep.h
 *   DATA/engine/         agent/engine.h */

#ifndef BERTH_AGENT_IDENTITY_H
#define BERTH_AGENT_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/hello.h"
#include "sys/crypto.h"

enum { BOOT_ID_SIZE = 64 };

/* Of its keys, the one that a session is to be opened by. */
enum identity_use { IDENTITY_PRESENT, IDENTITY_NEXT, IDENTITY_FORMER };

struct identity {
    char path[1024];                       /* of the folder, absolute */
    int dir, instances_dir, ops_dir, lock; /* owned */
    struct key_pair keys, next, former;
    bool has_next;   /* another key is on disk; the server may know it */
    bool has_former; /* as is the one before: a server that was put back knows that one */
    enum identity_use use;
    uint8_t first_key[PUBLIC_KEY_SIZE]; /* that it had first: never another */
    int64_t machine_id;                 /* 0: not enrolled */
    uint8_t server_key[PUBLIC_KEY_SIZE];
    int64_t incarnation;
    char boot_id[BOOT_ID_SIZE];
};

/* Make the folder what it must be, and count this start. ERROR_CONFLICT: an agent runs on it. */
NODISCARD bool identity_open(const char *path, struct identity *ret, struct error *err);
void identity_close(struct identity *identity);

/* Remember what the server answered. */
NODISCARD bool identity_enrol(struct identity *identity, const struct enroll_reply *reply,
                              struct error *err);

/* Have another key, on disk, if there is none yet. */
NODISCARD bool identity_make_next(struct identity *identity, struct error *err);

/* Have another key, on disk, in place of a next one that there may be: neither it nor the present
 * one is good any more. */
NODISCARD bool identity_make_anew(struct identity *identity, struct error *err);

/* It is the machine's key from now on. Where this fails while `has_next` it is used, and to be
 * taken again; else the disk may have both. */
NODISCARD bool identity_take_next(struct identity *identity, struct error *err);

/* The one in use was refused: the server may have gone over to the next one without our hearing, or
 * been put back to when it had the one before. */
void identity_try_other(struct identity *identity);

/* The one in use has opened a session: it is the machine's key. Where this fails it stays in use,
 * and is to be settled on again. */
NODISCARD bool identity_settle(struct identity *identity, struct error *err);

/* What sessions are opened with. */
const struct key_pair *identity_keys(const struct identity *identity);

/* Who a folder belongs to, without taking it. 0: not enrolled. */
NODISCARD bool identity_peek(const char *path, int64_t *ret_machine_id, bool *ret_is_running,
                             struct error *err);

/* The machine's own signature, as base64url. */
char *identity_sign(const struct identity *identity, const void *bytes, size_t count,
                    char text[static BASE64_SIZE(SIGNATURE_SIZE)]);

/* /proc/sys/kernel/random/boot_id. */
NODISCARD bool identity_boot_id(char boot_id[static BOOT_ID_SIZE], struct error *err);

#endif
