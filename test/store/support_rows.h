/* SPDX-License-Identifier: Apache-2.0 */
/* People, a machine and instances to try statements on, inside one transaction:
 *
 *     auto_scene struct scene scene = scene_open(*state);
 *     CHECK_OK(gpu_retire(scene.db, gpu, scene_at(1), &scene.err), &scene.err);
 *
 * What must be refused is tried with CHECK_REFUSED: it keeps what came before, and forgets the
 * try. */

#ifndef BERTH_TEST_STORE_SUPPORT_ROWS_H
#define BERTH_TEST_STORE_SUPPORT_ROWS_H

#include "base/arena.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/support.h"

struct scene {
    struct db *db; /* beside the store, with a transaction begun */
    struct arena arena;
    struct error err;
    int64_t ada, bob, host;         /* two renters, and whose the machines are */
    int64_t machine, other_machine; /* of the host */
    int64_t offer;                  /* of the machine */
    int64_t contract, contract_bob; /* Ada's and Bob's, on the machine, both created */
};

struct scene scene_open(struct support *support);
void scene_close(struct scene *scene);
#define auto_scene __attribute__((cleanup(scene_close)))

struct instant scene_at(int64_t seconds);

/* Commit, and begin the next transaction. */
void scene_keep(struct scene *scene);

/* How many were found. */
#define CHECK_COUNT(got, want) CHECK_INT((int64_t)(got), (want))

#define CHECK_REFUSED(scene, call) CHECK_REFUSED_WITH(ERROR_CONFLICT, scene, call)
#define CHECK_REFUSED_WITH(code, scene, call)                                                      \
    (scene_keep(scene), scene_refused((scene), (call), (code), __FILE__, __LINE__))
void scene_refused(struct scene *scene, bool is_ok, enum error_code want, const char *file,
                   int line);

/* One statement, a literal in the common dialect; and the one number that one asks for. */
void scene_run(struct scene *scene, const char *sql, struct db_args args);
int64_t scene_number(struct scene *scene, const char *sql);

/* The bytes of a key or hash: `number`, 32 times. */
struct hash scene_hash(uint8_t number);

int64_t scene_user(struct scene *scene, const char *email);
/* `number` tells its key from others'. */
int64_t scene_machine(struct scene *scene, int64_t owner_id, uint8_t number);
int64_t scene_gpu(struct scene *scene, int64_t machine_id, const char *uuid, int64_t position);

/* No two fields alike; for a test to change before it is inserted. */
struct contract_row scene_contract_row(const struct scene *scene, int64_t owner_id);
int64_t scene_contract(struct scene *scene, int64_t owner_id, int64_t machine_id);

#endif
