/* SPDX-License-Identifier: Apache-2.0 */
#include "support_volumes.h"

#include "flow/post_usage.h"

int64_t volumes_offer(struct world *world, const struct world_machine *machine, int64_t size_gb,
                      int64_t month, int64_t days)
{
    struct instant end = instant_add(clock_now(&world->clock), days * 24 * US_PER_HOUR);
    struct volume_offer_request request = { .machine_id = machine->id,
                                            .size_gb = size_gb,
                                            .disk_month = { month },
                                            .end = days > 0 ? end : INSTANT_NEVER };
    struct volume_offer_reply reply;
    struct error err;

    CHECK_OK(flow_volume_offer(&world->flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, VOLUME_OFFER_DONE);
    return reply.offer_id;
}

struct volume_reply volumes_make(struct world *world, struct caller renter, int64_t offer_id,
                                 int64_t size_gb)
{
    struct volume_request request = { offer_id, size_gb, "data" };
    struct volume_reply reply;
    struct error err;

    CHECK_OK(flow_volume_create(&world->flow, &renter, &request, &reply, &err), &err);
    CHECK(!reply.is_bad_name);
    return reply;
}

struct volume_delete_reply volumes_delete(struct world *world, struct caller renter, int64_t id)
{
    struct volume_delete_reply reply;
    struct error err;

    CHECK_OK(flow_volume_delete(&world->flow, &renter, id, &reply, &err), &err);
    return reply;
}

int64_t volumes_count(struct world *world, struct caller renter)
{
    struct volume_view *views;
    struct error err;
    size_t count;

    CHECK_OK(flow_volumes(&world->flow, &renter, &world->arena, &views, &count, &err), &err);
    return (int64_t)count;
}

int64_t volumes_charged(struct world *world, int64_t id)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_post_usage(&world->flow, &count, &err), &err);
    return world_number_of(world, "SELECT SUM(gross_posted) FROM meter WHERE instance_id = $1", id);
}
