/* SPDX-License-Identifier: Apache-2.0 */
/* What a host and the server say to each other, and what becomes of it on the way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/totals.h"
#include "flow/desired.h"
#include "sim.h"

enum { MESSAGE_ARENA = 4 << 20 };

/* Ask what is desired, and put it on disk. */
static void poll(struct sim *sim, struct sim_host *host)
{
    struct arena arena = arena_of(WORLD_ARENA);
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&sim->world.flow, host->machine.id, &arena, &desired, &has, &err), &err);
    CHECK(has);
    host->rev = desired.desired_rev;
    CHECK(desired.instance_count <= SIM_INSTANCES_MAX);
    sim_agent_desire(sim, host, &desired);
    arena_release(&host->wants);
    host->wants = arena;
}

/* The server lets an agent wait until there is something new; agents ask anew now and then. */
static bool is_news(struct sim *sim, const struct sim_host *host)
{
    struct error err;
    int64_t rev;
    bool has;

    CHECK_OK(flow_desired_rev(&sim->world.flow, host->machine.id, &rev, &has, &err), &err);
    CHECK(has);
    return rev != host->rev || sim_chance(8);
}

/* A liar says of all that ever ran that it runs still, and always has. */
static void lie(const struct sim *sim, const struct sim_instance *instance, struct arena *arena,
                struct instance_report *ret)
{
    ret->phase = PHASE_RUNNING;
    ret->start_token = arena_printf(arena, "c%" PRId64, instance->id);
    ret->run_ms = (INT64_C(1) << 40) + sim_now(sim) / US_PER_MS;
}

static void report(const struct sim *sim, const struct sim_host *host,
                   const struct sim_instance *instance, struct arena *arena,
                   struct instance_report *ret)
{
    const struct sim_container *container = &instance->container;
    bool is_up = container->is_there && container->seen.state == SEEN_RUNNING;
    char token[TOTALS_TOKEN_SIZE] = "";

    if (container->is_there)
        (void)seen_start_token(&container->seen, token);
    *ret = (struct instance_report){
        .id = instance->id,
        .gen = instance->verdict.gen,
        .phase = instance->verdict.phase,
        .start_token = arena_text(arena, token),
        .run_ms =
            is_up ? sim_host_us(host, sim_now(sim) - sim->runs[container->run].from_us) / US_PER_MS
                  : instance->run_ms,
        .counter_epoch = instance->counter_epoch,
        .bytes_up = instance->bytes_up,
        .bytes_down = instance->bytes_down,
        .exit_code = container->is_there ? container->seen.exit_code : -1,
        .restart_nonce = instance->has_record ? instance->record.restart_nonce : 0,
        .ssh_port = instance->has_record ? instance->record.ssh_port : 0,
        .disk_used_mb = -1,
        .cpu_permille = -1,
        .ram_used_mb = -1,
        .gpu_permille = -1,
        .message = instance->verdict.phase == PHASE_FAILED ? "no such image" : "",
    };
    if (!host->is_engine_ok && instance->verdict.phase == PHASE_RUNNING && !is_up)
        ret->phase = PHASE_EXITED;
    if (host->is_liar && container->starts > 0 && ret->phase != PHASE_ABSENT)
        lie(sim, instance, arena, ret);
}

static void write_message(struct sim *sim, struct sim_host *host, struct sim_message *message)
{
    message->is_used = true;
    message->arena = arena_of(MESSAGE_ARENA);
    message->heartbeat = (struct heartbeat){
        .session_epoch = host->machine.epoch,
        .seq = ++host->machine.seq,
        .boot_id = arena_text(&message->arena, host->boot_id),
        .agent_incarnation = host->incarnation,
        .is_engine_ok = host->is_engine_ok,
        .engine_message = "",
        .instance_count = (int64_t)host->instance_count,
        .instances =
            arena_alloc(&message->arena, host->instance_count, sizeof(struct instance_report)),
        .disk_free_gb = 900,
    };
    for (size_t i = 0; i < host->instance_count; i++)
        report(sim, host, host->instances[i], &message->arena, &message->heartbeat.instances[i]);
}

static void release_message(struct sim_message *message)
{
    if (message->is_used)
        arena_release(&message->arena);
    message->is_used = false;
}

void sim_host_was_heard(struct sim *sim, struct sim_host *host, int64_t at_us, int64_t seq)
{
    int64_t silence_us = at_us - host->silent_since_us;

    CHECK(host->beat_count < SIM_BEATS_MAX);
    host->beats_us[host->beat_count++] = at_us;
    sim->beats++;
    host->accepted_seq = seq;
    host->silent_max_us = silence_us > host->silent_max_us ? silence_us : host->silent_max_us;
    host->silent_since_us = at_us;
}

/* False: nobody answers. */
static bool deliver(struct sim *sim, struct sim_host *host, const struct heartbeat *heartbeat,
                    enum take_outcome *ret)
{
    struct heartbeat_request request = { .machine_id = host->machine.id, .heartbeat = heartbeat };
    struct heartbeat_outcome_reply reply;
    struct error err;

    if (!sim->is_server_up)
        return false;
    if (!sim_did(sim, flow_heartbeat(&sim->world.flow, &request, &reply, &err), &err)) {
        host->unsure_us = sim_book_now(sim);
        host->unsure_seq = heartbeat->seq;
        return false;
    }
    if (reply.outcome == TAKE_DONE)
        sim_host_was_heard(sim, host, sim_book_now(sim), heartbeat->seq);
    *ret = reply.outcome;
    return true;
}

/* What comes behind what was sent after it, or after a new session, is nothing. */
static void deliver_late(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        const struct heartbeat *late = &host->late[i].heartbeat;
        bool is_old = late->session_epoch < host->machine.epoch || late->seq < host->accepted_seq;

        if (!host->late[i].is_used || !is_old || sim_chance(2))
            continue;
        enum take_outcome outcome;
        if (!deliver(sim, host, late, &outcome))
            return;
        CHECK_INT(outcome, late->session_epoch < host->machine.epoch ? TAKE_FENCED : TAKE_REPLAY);
        release_message(&host->late[i]);
    }
}

/* One heartbeat: mostly it arrives, once; else not, twice, or some other time. */
static void beat(struct sim *sim, struct sim_host *host)
{
    struct sim_message message;

    write_message(sim, host, &message);
    if (sim_fault(sim, FAULT_BEAT_LOST)) {
        release_message(&message);
        return;
    }
    if (sim_fault(sim, FAULT_BEAT_LATE)) {
        for (size_t i = 0; i < SIM_MESSAGES_MAX; i++)
            if (!host->late[i].is_used) {
                host->late[i] = message;
                return;
            }
    }
    enum take_outcome outcome;
    if (!deliver(sim, host, &message.heartbeat, &outcome)) {
        release_message(&message);
        return;
    }
    if (outcome == TAKE_FENCED)
        host->has_session = false;
    if (sim_fault(sim, FAULT_BEAT_TWICE) && deliver(sim, host, &message.heartbeat, &outcome))
        CHECK(outcome != TAKE_DONE);
    release_message(&host->last);
    host->last = message;
}

static void set_next(struct sim *sim, struct sim_host *host)
{
    int64_t due_us = sim_agent_due_us(sim, host);

    host->next_us = sim_now(sim) + sim_between(1000000, sim_chance(6) ? 29000000 : 6000000);
    host->next_us = due_us < host->next_us ? due_us : host->next_us;
}

void sim_host_act(struct sim *sim, struct sim_host *host)
{
    if (!host->is_up) {
        host->next_us = sim_now(sim) + 5 * US_PER_SECOND;
        return;
    }
    sim_agent_live(sim, host);
    if (sim_fault(sim, FAULT_AGENT_DIES))
        sim_agent_die(sim, host);
    if (sim->is_server_up && !sim->has_trouble && host->is_linked && !host->has_session) {
        world_session(&sim->world, &host->machine);
        host->has_session = true;
        host->accepted_seq = 0;
    }
    bool can_talk = sim->is_server_up && host->is_linked && host->has_session;
    if (can_talk)
        host->last_contact_us = sim_now(sim);
    if (can_talk && !sim_fault(sim, FAULT_POLL_LOST) && is_news(sim, host))
        poll(sim, host);
    sim_agent_work(sim, host);
    set_next(sim, host);
    if (!can_talk)
        return;
    deliver_late(sim, host);
    beat(sim, host);
}

void sim_host_engine(struct sim *sim, struct sim_host *host)
{
    if (host->is_engine_ok && sim_chance(2))
        sim_agent_cut(sim, host);
    host->is_engine_ok = !host->is_engine_ok;
}

void sim_host_power_off(struct sim *sim, struct sim_host *host)
{
    sim_agent_live(sim, host);
    sim_agent_die(sim, host);
    sim_agent_cut(sim, host);
    for (size_t i = 0; i < host->instance_count; i++) {
        host->instances[i]->counter_epoch++;
        host->instances[i]->bytes_up = host->instances[i]->bytes_down = 0;
    }
    host->is_up = false;
}

void sim_host_reboot(struct sim *sim, struct sim_host *host)
{
    sim_host_power_off(sim, host);
    host->machine.boot++;
    (void)snprintf(host->boot_id, sizeof host->boot_id, "boot-%" PRId64, host->machine.boot);
    host->is_up = host->is_engine_ok = true;
    host->next_us = sim_now(sim) + sim_between(0, 60000000);
}

/* Said again, whatever it was, it changes nothing at all. */
void sim_host_replay(struct sim *sim, struct sim_host *host)
{
    enum take_outcome outcome;

    if (!sim->is_server_up || sim->has_trouble || !host->last.is_used)
        return;
    struct sim_mark before = sim_mark(sim);
    CHECK(deliver(sim, host, &host->last.heartbeat, &outcome) && outcome != TAKE_DONE);
    sim_check_unchanged(sim, &before);
}

void sim_host_join(struct sim *sim, struct sim_host *host, const char *name, int64_t gpu_count)
{
    const char *email = arena_printf(&sim->world.arena, "host-%s@berth.test", name);

    world_machine(&sim->world, &host->machine, world_user(&sim->world, email, 0), name, gpu_count);
    host->is_up = host->is_linked = host->has_session = host->is_engine_ok = true;
    host->last_contact_us = host->looked_us = sim_now(sim);
    host->wants = arena_of(WORLD_ARENA);
    (void)snprintf(host->boot_id, sizeof host->boot_id, "boot-%" PRId64, host->machine.boot);
    host->is_gpu = gpu_count > 0;
    host->silent_since_us = sim_book_now(sim);
    sim_host_act(sim, host);
    world_list(&sim->world, &host->machine);
}

void sim_host_release(struct sim_host *host)
{
    release_message(&host->last);
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++)
        release_message(&host->late[i]);
    sim_agent_release(host);
}
