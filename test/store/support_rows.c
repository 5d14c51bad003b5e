/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_rows.h"

#include <string.h>

#include "store/driver.h"
#include "store/gpu.h"
#include "store/offer.h"
#include "store/user.h"

static void begin(struct scene *scene)
{
    CHECK_OK(db_begin(scene->db, TRANSACTION_WRITE, &scene->err), &scene->err);
}

struct instant scene_at(int64_t seconds)
{
    return (struct instant){ 1790000000000000 + seconds * US_PER_SECOND };
}

struct hash scene_hash(uint8_t number)
{
    struct hash hash;

    memset(hash.bytes, number, sizeof hash.bytes);
    return hash;
}

void scene_keep(struct scene *scene)
{
    CHECK_OK(db_commit(scene->db, &scene->err), &scene->err);
    begin(scene);
}

void scene_refused(struct scene *scene, bool is_ok, enum error_code want, const char *file,
                   int line)
{
    /* On PostgreSQL it may show at the commit. */
    if (is_ok)
        is_ok = db_commit(scene->db, &scene->err);
    else
        db_rollback(scene->db);
    check_fails(is_ok, &scene->err, want, "what must be refused", file, line);
    begin(scene);
}

void scene_run(struct scene *scene, const char *sql, struct db_args args)
{
    CHECK_OK(db_exec(scene->db, sql, args, &scene->err), &scene->err);
}

static bool number_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

int64_t scene_number(struct scene *scene, const char *sql)
{
    int64_t number = 0;
    bool has;

    CHECK_OK(db_query_one(scene->db, sql, DB_NO_ARGS, number_read, &number, &has, &scene->err),
             &scene->err);
    CHECK(has);
    return number;
}

int64_t scene_user(struct scene *scene, const char *email)
{
    struct user_row user = { .email = email,
                             .username = "name",
                             .fullname = "",
                             .created = scene_at(0),
                             .t_zero = INSTANT_NEVER };
    int64_t id;

    CHECK_OK(user_insert(scene->db, &user, &id, &scene->err), &scene->err);
    return id;
}

int64_t scene_machine(struct scene *scene, int64_t owner_id, uint8_t number)
{
    struct machine_row machine = { .owner_id = owner_id,
                                   .facts = "{}",
                                   .hostname = "box",
                                   .geolocation = "",
                                   .created = scene_at(0) };
    int64_t id;

    memset(machine.public_key, number, sizeof machine.public_key);
    CHECK_OK(machine_insert(scene->db, &machine, &id, &scene->err), &scene->err);
    return id;
}

int64_t scene_gpu(struct scene *scene, int64_t machine_id, const char *uuid, int64_t position)
{
    struct gpu_row gpu = { .machine_id = machine_id, .uuid = uuid, .position = position };
    int64_t id;

    CHECK_OK(gpu_insert(scene->db, &gpu, &id, &scene->err), &scene->err);
    return id;
}

struct contract_row scene_contract_row(const struct scene *scene, int64_t owner_id)
{
    return (struct contract_row){
        .owner_id = owner_id,
        .host_id = scene->host,
        .machine_id = scene->machine,
        .offer_id = scene->offer,
        .kind = KIND_ON_DEMAND,
        .list_hour = { 101 },
        .started = scene_at(10),
        .terms = { .num_gpus = 2,
                   .gpu_hour = { 101 },
                   .min_bid_hour = { 102 },
                   .disk_month = { 103 },
                   .up_tb = { 104 },
                   .down_tb = { 105 },
                   .disk_gb = 106,
                   .start = scene_at(10),
                   .end = scene_at(1000) },
        .share = { .cpu_millis = 107, .ram_mb = 108, .disk_gb = 11 },
        .fee_bps = 2500,
        .disk_offline_us = 109,
        .spec = "{\"spec\":1}",
        .image = "busybox:latest",
        .runtype = "ssh",
        .request_hash = scene_hash(7),
        .label = "label",
        .state = RENTAL_CREATED,
        .reason = REASON_NONE,
    };
}

int64_t scene_contract(struct scene *scene, int64_t owner_id, int64_t machine_id)
{
    struct contract_row contract = scene_contract_row(scene, owner_id);
    int64_t id;

    contract.machine_id = machine_id;
    CHECK_OK(contract_insert(scene->db, &contract, &id, &scene->err), &scene->err);
    return id;
}

struct scene scene_open(struct support *support)
{
    struct scene scene = { .db = support_connect(support), .arena = arena_of(1 << 20) };

    begin(&scene);
    scene.ada = scene_user(&scene, "ada@example.org");
    scene.bob = scene_user(&scene, "bob@example.org");
    scene.host = scene_user(&scene, "host@example.org");
    scene.machine = scene_machine(&scene, scene.host, 1);
    scene.other_machine = scene_machine(&scene, scene.host, 2);
    struct offer_row offer = { .machine_id = scene.machine,
                               .host_id = scene.host,
                               .terms = { .end = scene_at(1000) } };
    CHECK_OK(offer_insert(scene.db, &offer, &scene.offer, &scene.err), &scene.err);
    scene.contract = scene_contract(&scene, scene.ada, scene.machine);
    scene.contract_bob = scene_contract(&scene, scene.bob, scene.machine);
    scene_keep(&scene);
    return scene;
}

void scene_close(struct scene *scene)
{
    CHECK_OK(db_commit(scene->db, &scene->err), &scene->err);
    db_close(&scene->db);
    arena_release(&scene->arena);
}
