/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/beside.h"

#include "agent/docker.h"
#include "agent/holder.h"
#include "sys/clock.h"

static void *make(void *context)
{
    struct beside *beside = context;
    auto_docker struct docker docker = docker_open(beside->engine_socket);

    beside->is_made =
        beside->hostname != NULL
            ? holder_prepare(&docker, beside->host, beside->slot, beside->hostname, &beside->err)
            : holder_bridge(&docker, beside->host, beside->slot, &beside->err);
    beside->engine_us = docker.busy_us;
    return NULL;
}

bool beside_begin(struct beside *beside, struct error *err)
{
    int failure = pthread_create(&beside->thread, NULL, make, beside);

    if (failure != 0)
        return error_system(err, failure, "start a thread");
    beside->is_begun = true;
    return true;
}

bool beside_wait(struct beside *beside, int64_t *waited_us, struct error *err)
{
    int64_t began_us = clock_boot_us(&clock_system);

    if (beside->is_begun)
        (void)pthread_join(beside->thread, NULL);
    beside->is_begun = false;
    int64_t took_us = clock_boot_us(&clock_system) - began_us;
    *waited_us += took_us < beside->engine_us ? took_us : beside->engine_us;
    if (!beside->is_made)
        *err = beside->err;
    return beside->is_made;
}
