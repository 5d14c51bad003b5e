/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tending.h"

#include <stdio.h>

#include "agent/bencher.h"
#include "agent/copies.h"
#include "agent/launch.h"
#include "agent/networks.h"

/* Whether ending now loses nothing: what is under way would be begun again, or be unknown. */
static bool is_quiet(const struct agent *agent)
{
    for (size_t i = 0; i < agent->instances.count; i++) {
        if (agent->instances.all[i]->job != NULL)
            return false;
    }
    return !agent->has_taken && ops_is_idle(agent->ops) &&
           (agent->bencher == NULL || !bencher_is_busy(agent->bencher));
}

static void tend_update(struct agent *agent)
{
    bool is_connected = agent->link != NULL && link_is_connected(agent->link);

    if (agent->update == NULL || !update_tend(agent->update, is_connected) || !is_quiet(agent))
        return;
    log_write(&agent->log, LOG_INFO, "restarting", "for an update; instances go on");
    agent->wants_again = true;
    loop_stop(agent->loop);
}

static void open_update(struct agent *agent)
{
    struct update_options options = { .loop = agent->loop,
                                      .server_url = agent->options.server_url,
                                      .ca_file = agent->options.ca_file,
                                      .data_dir = agent->identity.path,
                                      .key = agent->options.update_key,
                                      .version = agent->options.version,
                                      .every_s = agent->options.update_every_s,
                                      .log = agent->log };

    if (options.key != NULL && agent->options.launcher >= 0)
        agent->update = update_open(&options);
}

void tending_accepted(void *context)
{
    struct agent *agent = context;

    launch_report(&agent->options.launcher);
}

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
    agent->key_turn = (struct key_turn){
        .loop = agent->loop,
        .identity = &agent->identity,
        .clock = agent->clock,
        .log = agent->log,
        .every_us = agent->options.turn_key_every_s * US_PER_SECOND,
    };
    key_turn_open(&agent->key_turn);
    open_update(agent);
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
    key_turn_tend(&agent->key_turn, agent->link);
    tend_update(agent);
}
