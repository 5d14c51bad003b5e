/* SPDX-License-Identifier: Apache-2.0 */
/* An agent as its specification has it: it keeps what was desired on disk and goes on carrying
 * that out, alone if need be; deletes only on a signed word; and says what it sees in totals. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/desired.h"
#include "sim.h"
#include "sys/crypto.h"

enum { MESSAGE_ARENA = 4 << 20 };

static struct sim_want *find_want(struct sim_host *host, int64_t id)
{
    for (size_t i = 0; i < host->want_count; i++)
        if (host->wants[i].id == id)
            return &host->wants[i];
    return NULL;
}

static void end_run(struct sim *sim, struct sim_container *container, int64_t at_us)
{
    struct sim_run *run = &sim->runs[container->run];

    if (container->phase != PHASE_RUNNING)
        return;
    run->until_us = at_us > run->from_us ? at_us : run->from_us;
}

/* Two containers on one GPU are what the whole claim business is there to prevent. */
static void check_gpus_are_free(const struct sim_host *host, const struct sim_container *one)
{
    for (size_t i = 0; i < host->container_count; i++) {
        const struct sim_container *other = &host->containers[i];

        check_row("instances %" PRId64 " and %" PRId64, one->id, other->id);
        CHECK(other == one || other->phase != PHASE_RUNNING || (other->gpus & one->gpus) == 0);
    }
    check_row(" ");
}

static void start(struct sim *sim, struct sim_host *host, struct sim_container *container,
                  const struct sim_want *want)
{
    container->gpus = want->gpus;
    check_gpus_are_free(host, container);
    CHECK(container->gpus != 0);
    CHECK(sim->run_count < SIM_RUNS_MAX);
    container->run = sim->run_count++;
    sim->runs[container->run] = (struct sim_run){ container->id, sim_now(sim), INT64_MAX };
    container->phase = PHASE_RUNNING;
    container->starts++;
    container->counter_epoch++;
    container->bytes_up = container->bytes_down = 0;
}

/* From wherever it is to running: through loading, which takes a while and can fail. */
static void make_run(struct sim *sim, struct sim_host *host, struct sim_container *container,
                     const struct sim_want *want)
{
    bool is_new = container->gen != want->gen;
    bool restarts = container->nonce < want->nonce;
    bool is_over = sim_now(sim) >= want->stop_at_us;

    if (is_new && (container->phase == PHASE_EXITED || container->phase == PHASE_FAILED))
        container->phase = PHASE_STOPPED;
    container->gen = want->gen;
    if (container->phase == PHASE_RUNNING && (restarts || is_over)) {
        end_run(sim, container, sim_now(sim));
        container->phase = PHASE_STOPPED;
    }
    container->nonce = want->nonce;
    if (is_over || container->phase == PHASE_EXITED || container->phase == PHASE_FAILED)
        return;
    if (container->phase == PHASE_STOPPED || container->phase == PHASE_ABSENT) {
        container->phase = PHASE_CREATING;
        container->ready_at_us = sim_now(sim) + (sim_chance(3) ? sim_between(0, 90000000) : 0);
    }
    if (container->phase != PHASE_CREATING || sim_now(sim) < container->ready_at_us)
        return;
    if (sim_chance(25))
        container->phase = PHASE_FAILED;
    else
        start(sim, host, container, want);
}

static void obey(struct sim *sim, struct sim_host *host, struct sim_container *container,
                 const struct sim_want *want)
{
    switch (want->state) {
    case DESIRED_RUNNING:
        make_run(sim, host, container, want);
        break;
    case DESIRED_STOPPED:
        end_run(sim, container, sim_now(sim));
        if (container->phase != PHASE_ABSENT)
            container->phase = PHASE_STOPPED;
        container->gen = want->gen;
        container->nonce = want->nonce;
        break;
    case DESIRED_ABSENT:
        end_run(sim, container, sim_now(sim));
        if (want->is_signed)
            container->phase = PHASE_ABSENT;
        else
            container->phase = PHASE_STOPPED;
        container->gen = want->gen;
        break;
    }
}

static void forget(struct sim_host *host, size_t i)
{
    host->containers[i] = host->containers[--host->container_count];
}

/* Carry out what is wanted, some of it this time and some the next. Stops come first, as an
 * agent frees GPUs before it uses them. */
static void reconcile(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < host->container_count;) {
        struct sim_container *container = &host->containers[i];
        const struct sim_want *want = find_want(host, container->id);

        if (want == NULL && container->phase == PHASE_ABSENT) {
            forget(host, i);
            continue;
        }
        if (want == NULL) { /* nobody's: stopped and kept */
            end_run(sim, container, sim_now(sim));
            container->phase = PHASE_STOPPED;
        } else if (want->state != DESIRED_RUNNING && !sim_chance(5)) {
            obey(sim, host, container, want);
        }
        i++;
    }
    for (size_t i = 0; i < host->want_count; i++) {
        const struct sim_want *want = &host->wants[i];
        struct sim_container *container = NULL;

        for (size_t j = 0; j < host->container_count && container == NULL; j++)
            if (host->containers[j].id == want->id)
                container = &host->containers[j];
        if (container == NULL) {
            CHECK(host->container_count < SIM_CONTAINERS_MAX);
            container = &host->containers[host->container_count++];
            *container = (struct sim_container){ .id = want->id, .phase = PHASE_ABSENT };
            if (want->state != DESIRED_RUNNING)
                obey(sim, host, container, want);
        }
        if (want->state == DESIRED_RUNNING && !sim_chance(5))
            obey(sim, host, container, want);
    }
}

/* What happens to containers by themselves, between the last turn and now. */
static void let_live(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < host->container_count; i++) {
        struct sim_container *container = &host->containers[i];
        const struct sim_want *want = find_want(host, container->id);

        if (container->phase != PHASE_RUNNING)
            continue;
        container->bytes_up += sim_chance(3) ? sim_between(0, 50000000) : 0;
        container->bytes_down += sim_chance(3) ? sim_between(0, 200000000) : 0;
        if (want != NULL && sim_now(sim) >= want->stop_at_us) {
            end_run(sim, container, want->stop_at_us);
            container->phase = PHASE_STOPPED;
        } else if (sim_chance(300)) {
            end_run(sim, container, sim_now(sim) - sim_between(0, 1000000));
            container->phase = PHASE_EXITED;
        }
    }
}

static int64_t after_us(int64_t now_us, int64_t after_ms)
{
    return after_ms < 0 ? INT64_MAX : now_us + after_ms * 1000;
}

/* The number behind the last '-' of a uuid is the GPU's place; a machine without has one place. */
static uint64_t gpu_bits(const struct desired_instance *instance)
{
    uint64_t bits = 0;

    if (instance->gpu_count == 0)
        return 1;
    for (int64_t i = 0; i < instance->gpu_count; i++)
        bits |= UINT64_C(1) << (strrchr(instance->gpus[i], '-')[1] - '0');
    return bits;
}

static bool leave_is_signed(struct sim *sim, const struct sim_host *host,
                            const struct desired_instance *instance)
{
    auto_buf struct buf text = buf_of(1024);
    struct signature signature;

    destroy_signed(&text, host->machine.id, instance->id, instance->gen);
    memcpy(signature.bytes, instance->destroy_token, sizeof signature.bytes);
    return instance->has_destroy_token &&
           crypto_verify(sim->world.server_keys.public_key, &signature, text.bytes, text.length);
}

/* Ask what is desired, and put it on disk. */
static void poll(struct sim *sim, struct sim_host *host)
{
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&sim->world.flow, host->machine.id, &arena, &desired, &has, &err), &err);
    CHECK(has);
    CHECK(desired.instance_count <= SIM_CONTAINERS_MAX);
    host->want_count = (size_t)desired.instance_count;
    for (size_t i = 0; i < host->want_count; i++) {
        const struct desired_instance *instance = &desired.instances[i];
        int64_t credit_us = after_us(sim_now(sim), instance->stop_after_ms);
        int64_t lifetime_us = after_us(sim_now(sim), instance->lifetime_after_ms);

        host->wants[i] = (struct sim_want){
            .id = instance->id,
            .gen = instance->gen,
            .nonce = instance->restart_nonce,
            .state = instance->state,
            .stop_at_us = credit_us < lifetime_us ? credit_us : lifetime_us,
            .gpus = gpu_bits(instance),
            .is_signed = instance->state == DESIRED_ABSENT && leave_is_signed(sim, host, instance),
        };
        CHECK(instance->state != DESIRED_ABSENT || host->wants[i].is_signed);
    }
}

static void report(struct sim *sim, const struct sim_host *host,
                   const struct sim_container *container, struct arena *arena,
                   struct instance_report *ret)
{
    bool lies = host->is_liar && container->starts > 0 && container->phase != PHASE_ABSENT;
    bool runs = container->phase == PHASE_RUNNING || lies;

    *ret = (struct instance_report){
        .id = container->id,
        .gen = container->gen,
        .phase = runs ? PHASE_RUNNING : container->phase,
        .start_token = "",
        .counter_epoch = container->counter_epoch,
        .bytes_up = container->bytes_up,
        .bytes_down = container->bytes_down,
        .exit_code = container->phase == PHASE_EXITED ? 1 : -1,
        .restart_nonce = container->nonce,
        .disk_used_mb = -1,
        .cpu_permille = -1,
        .ram_used_mb = -1,
        .gpu_permille = -1,
        .message = container->phase == PHASE_FAILED ? "no such image" : "",
    };
    if (!runs)
        return;
    ret->run_ms =
        lies ? INT64_C(1) << 40 : (sim_now(sim) - sim->runs[container->run].from_us) / US_PER_MS;
    if (lies)
        ret->run_ms += sim_now(sim) / US_PER_MS;
    ret->start_token =
        arena_printf(arena, "c%" PRId64 "-%" PRId64, container->id, lies ? 0 : container->starts);
    ret->ssh_port = 40000 + container->id % 100;
}

static void write_message(struct sim *sim, struct sim_host *host, struct sim_message *message)
{
    message->is_used = true;
    message->arena = arena_of(MESSAGE_ARENA);
    message->heartbeat = (struct heartbeat){
        .session_epoch = host->machine.epoch,
        .seq = ++host->machine.seq,
        .boot_id = arena_printf(&message->arena, "boot-%" PRId64, host->machine.boot),
        .agent_incarnation = 1,
        .is_engine_ok = true,
        .engine_message = "",
        .instance_count = (int64_t)host->container_count,
        .instances =
            arena_alloc(&message->arena, host->container_count, sizeof(struct instance_report)),
        .disk_free_gb = 900,
    };
    for (size_t i = 0; i < host->container_count; i++)
        report(sim, host, &host->containers[i], &message->arena, &message->heartbeat.instances[i]);
}

static void release_message(struct sim_message *message)
{
    if (message->is_used)
        arena_release(&message->arena);
    message->is_used = false;
}

static enum take_outcome deliver(struct sim *sim, struct sim_host *host,
                                 const struct heartbeat *heartbeat)
{
    struct heartbeat_request request = { .machine_id = host->machine.id, .heartbeat = heartbeat };
    struct heartbeat_outcome_reply reply;
    struct error err;

    CHECK_OK(flow_heartbeat(&sim->world.flow, &request, &reply, &err), &err);
    if (reply.outcome == TAKE_DONE) {
        CHECK(host->beat_count < SIM_BEATS_MAX);
        host->beats_us[host->beat_count++] = sim_now(sim);
        sim->beats++;
        host->accepted_seq = heartbeat->seq;
        int64_t silence_us = sim_now(sim) - host->silent_since_us;
        host->silent_max_us = silence_us > host->silent_max_us ? silence_us : host->silent_max_us;
        host->silent_since_us = sim_now(sim);
    }
    return reply.outcome;
}

/* What comes behind what was sent after it, or after a new session, is nothing. */
static void deliver_late(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        const struct heartbeat *late = &host->late[i].heartbeat;
        bool is_old = late->session_epoch < host->machine.epoch || late->seq < host->accepted_seq;

        if (!host->late[i].is_used || !is_old || sim_chance(2))
            continue;
        CHECK_INT(deliver(sim, host, late),
                  late->session_epoch < host->machine.epoch ? TAKE_FENCED : TAKE_REPLAY);
        release_message(&host->late[i]);
    }
}

/* One heartbeat: mostly it arrives, once; else not, twice, or some other time. */
static void beat(struct sim *sim, struct sim_host *host)
{
    struct sim_message message;

    write_message(sim, host, &message);
    if (sim_chance(12)) { /* lost */
        release_message(&message);
        return;
    }
    if (sim_chance(20)) {
        for (size_t i = 0; i < SIM_MESSAGES_MAX; i++)
            if (!host->late[i].is_used) {
                host->late[i] = message;
                return;
            }
    }
    enum take_outcome outcome = deliver(sim, host, &message.heartbeat);
    if (outcome == TAKE_FENCED)
        host->has_session = false;
    if (sim_chance(20))
        CHECK(deliver(sim, host, &message.heartbeat) != TAKE_DONE);
    release_message(&host->last);
    host->last = message;
}

void sim_host_act(struct sim *sim, struct sim_host *host)
{
    host->next_us = sim_now(sim) + sim_between(1000000, sim_chance(6) ? 29000000 : 6000000);
    if (!host->is_up)
        return;
    let_live(sim, host);
    if (sim->is_server_up && host->is_linked && !host->has_session) {
        world_session(&sim->world, &host->machine);
        host->has_session = true;
        host->accepted_seq = 0;
    }
    bool can_talk = sim->is_server_up && host->is_linked && host->has_session;
    if (can_talk && !sim_chance(4))
        poll(sim, host);
    reconcile(sim, host);
    if (!can_talk)
        return;
    deliver_late(sim, host);
    beat(sim, host);
}

void sim_host_power_off(struct sim *sim, struct sim_host *host)
{
    let_live(sim, host);
    for (size_t i = 0; i < host->container_count; i++) {
        struct sim_container *container = &host->containers[i];

        end_run(sim, container, sim_now(sim));
        if (container->phase == PHASE_RUNNING || container->phase == PHASE_CREATING)
            container->phase = PHASE_STOPPED;
    }
    host->is_up = false;
    host->has_session = false;
}

void sim_host_reboot(struct sim *sim, struct sim_host *host)
{
    sim_host_power_off(sim, host);
    host->machine.boot++;
    host->is_up = true;
    host->next_us = sim_now(sim) + sim_between(0, 60000000);
}

/* Said again, whatever it was, it changes nothing at all. */
void sim_host_replay(struct sim *sim, struct sim_host *host)
{
    if (!sim->is_server_up || !host->last.is_used)
        return;
    struct hash before = world_dump(&sim->world);
    CHECK(deliver(sim, host, &host->last.heartbeat) != TAKE_DONE);
    CHECK_UNCHANGED(&sim->world, before);
}

void sim_host_join(struct sim *sim, struct sim_host *host, const char *name, int64_t gpu_count)
{
    const char *email = arena_printf(&sim->world.arena, "host-%s@berth.test", name);

    world_machine(&sim->world, &host->machine, world_user(&sim->world, email, 0), name, gpu_count);
    host->is_up = host->is_linked = host->has_session = true;
    host->is_gpu = gpu_count > 0;
    host->silent_since_us = sim_now(sim);
    sim_host_act(sim, host);
    world_list(&sim->world, &host->machine);
}

void sim_host_release(struct sim_host *host)
{
    release_message(&host->last);
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++)
        release_message(&host->late[i]);
}
