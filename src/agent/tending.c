/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tending.h"

#include <stdio.h>

#include "agent/bencher.h"
#include "agent/copies.h"
#include "agent/networks.h"

void tending_open(struct agent *agent)
{
    (void)snprintf(agent->workspaces_path, sizeof agent->workspaces_path, "%s/workspaces",
                   agent->identity.path);
    agent->host.has_volume_quota = true; /* until the engine says otherwise */
    agent->volumes = (struct volumes){ .loop = agent->loop,
                                       .identity = &agent->identity,
                                       .host = &agent->host,
                                       .engine_socket = agent->engine_socket,
                                       .log = &agent->log,
                                       .desired_rev = -1 };
}

/* Nothing is deleted by a word that is not on disk yet. */
static void tend_volumes(struct agent *agent)
{
    const struct desired *desired = &agent->keep.desired;

    if (agent->has_taken || !agent->keep.has_desired || agent->link == NULL ||
        !observe_is_ok(agent->observer))
        return;
    if (agent->volumes.desired_rev != desired->desired_rev)
        volumes_desire(&agent->volumes, desired);
    volumes_tend(&agent->volumes);
    if (agent->volumes.has_news)
        link_hurry(agent->link);
    agent->volumes.has_news = false;
}

void tending_second(struct agent *agent)
{
    networks_watch(agent);
    if (agent->access != NULL)
        access_tend(agent->access);
    copies_tend(agent);
    tunnel_tend(agent->tunnel);
    if (agent->bencher != NULL)
        bencher_tend(agent->bencher, agent->link, &agent->instances, &agent->keep);
    if (agent->facts.gpu_count > 0 && !agent->facts.is_simulated)
        gauges_ask_gpus(&agent->gauges);
    tend_volumes(agent);
    inodes_tend(agent);
    grow_tend(agent);
    workspaces_tend(agent);
}
