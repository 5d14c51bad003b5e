/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/beside.h"

#include "agent/docker.h"
#include "agent/holder.h"
#include "agent/record.h"
#include "sys/clock.h"

static void *make_network(void *context)
{
    struct beside *beside = context;
    struct beside_task *task = &beside->network;
    auto_docker struct docker docker = docker_open(beside->engine_socket);

    task->is_done =
        beside->hostname != NULL
            ? holder_prepare(&docker, beside->host, beside->slot, beside->hostname, &task->err)
            : holder_bridge(&docker, beside->host, beside->slot, &task->err);
    beside->engine_us = docker.busy_us;
    return NULL;
}

/* Whatever starts in the network finds them up: they may have been cleared away since. */
static void *put_up_walls(void *context)
{
    struct beside *beside = context;
    struct beside_task *task = &beside->walls;

    task->is_done = isolate_ensure(beside->host->isolate, beside->slot, &task->err);
    return NULL;
}

static void *sync_record(void *context)
{
    struct beside *beside = context;
    struct beside_task *task = &beside->record;

    task->is_done = record_sync(beside->instances_path, beside->instance_id, &task->err);
    return NULL;
}

static void begin(struct beside *beside, struct beside_task *task, void *run(void *))
{
    task->is_begun = pthread_create(&task->thread, NULL, run, beside) == 0;
    if (!task->is_begun)
        (void)run(beside);
}

static bool wait_for(struct beside_task *task, struct error *err)
{
    if (task->is_begun)
        (void)pthread_join(task->thread, NULL);
    task->is_begun = false;
    if (!task->is_done)
        *err = task->err;
    return task->is_done;
}

void beside_begin(struct beside *beside)
{
    begin(beside, &beside->network, make_network);
    begin(beside, &beside->record, sync_record);
    if (beside->hostname == NULL && beside->host->isolate != NULL)
        begin(beside, &beside->walls, put_up_walls);
    else
        beside->walls.is_done = true;
}

bool beside_recorded(struct beside *beside, struct error *err)
{
    return wait_for(&beside->record, err);
}

bool beside_wait(struct beside *beside, int64_t *waited_us, struct error *err)
{
    int64_t began_us = clock_boot_us(&clock_system);
    struct error no_network, no_walls, no_record;

    bool has_network = wait_for(&beside->network, &no_network);
    int64_t took_us = clock_boot_us(&clock_system) - began_us;
    *waited_us += took_us < beside->engine_us ? took_us : beside->engine_us;
    bool has_walls = wait_for(&beside->walls, &no_walls);
    bool has_record = wait_for(&beside->record, &no_record);
    if (has_network && has_walls && has_record)
        return true;
    *err = !has_record ? no_record : !has_walls ? no_walls : no_network;
    return false;
}
