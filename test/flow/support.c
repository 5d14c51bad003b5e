/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/account.h"
#include "flow/desired.h"
#include "flow/enroll.h"
#include "flow/instance.h"
#include "flow/list_machine.h"
#include "flow/liveness.h"
#include "flow/offers.h"
#include "flow/session.h"
#include "flow/show_user.h"
#include "market/auction.h"
#include "market/offer.h"
#include "store/liveness.h"
#include "sys/password.h"

#define LIVENESS_US (LIVENESS_SECONDS * US_PER_SECOND)

void world_open(struct world *world, struct support *support)
{
    *world = (struct world){ .support = support,
                             .clock = clock_held(WORLD_START),
                             .log = log_silent(),
                             .server_keys = crypto_key_pair(),
                             .vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 7 }),
                             .arena = arena_of(WORLD_ARENA) };
    world->flow = (struct flow){ .store = support->store,
                                 .clock = &world->clock,
                                 .log = &world->log,
                                 .server_keys = &world->server_keys,
                                 .vault = &world->vault,
                                 .passwords = password_gate_open(PASSWORD_COST_LEAST),
                                 .guess_factor = 1 };
    /* Tests let hours pass in which no timer posts: what is parked is for parked_test.c. */
    support_script(support,
                   "DELETE FROM posting_guard; INSERT INTO posting_guard (id, tick_max_us) "
                   "VALUES (1, 4000000000000000000);");
    world_pass(world, 0);
}

void world_close(struct world *world)
{
    password_gate_close(&world->flow.passwords);
    arena_release(&world->arena);
}

void world_silence(struct world *world, int64_t duration_us)
{
    clock_advance(&world->clock, duration_us);
}

struct life {
    struct instant now, until;
};

static bool live_work(struct db *db, void *context, struct error *err)
{
    const struct life *life = context;
    const struct liveness liveness = { .server_proc = "test",
                                       .since = instant_add(life->now, -LIVENESS_US),
                                       .now = life->now,
                                       .until = life->until };

    return liveness_say(db, &liveness, err);
}

void world_pass(struct world *world, int64_t duration_us)
{
    struct instant now = clock_now(&world->clock);
    struct life life = { now, instant_add(now, duration_us) };
    struct error err;

    /* As many signs of life as that time had, in one. After a silence, the first begins anew. */
    if (duration_us > LIVENESS_US)
        support_write(world->support, live_work, &life);
    clock_advance(&world->clock, duration_us);
    CHECK_OK(flow_liveness(&world->flow, "test", &err), &err);
}

struct caller world_user(struct world *world, const char *email, int64_t dollars)
{
    struct account_request request = { .email = email,
                                       .credit = { dollars * NANODOLLARS_PER_DOLLAR } };
    struct account_reply reply;
    struct caller caller;
    struct error err;
    bool is_known;

    CHECK_OK(flow_account_create(&world->flow, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, ACCOUNT_CREATED);
    struct hash hash = crypto_sha256(reply.api_key, strlen(reply.api_key));
    CHECK_OK(flow_authenticate(&world->flow, &hash, &caller, &is_known, &err), &err);
    CHECK(is_known);
    return caller;
}

struct machine_facts world_facts(const char *name, int64_t gpu_count)
{
    struct machine_facts facts = { .os_version = "22.04",
                                   .cpu_name = "Some CPU",
                                   .cpu_arch = "amd64",
                                   .cpu_cores = 16,
                                   .cpu_mhz = 3000,
                                   .ram_mb = 65536,
                                   .disk_name = "Some disk",
                                   .disk_gb = 1000,
                                   .disk_mbs = 500,
                                   .inet_up_kbps = 1000000,
                                   .inet_down_kbps = 1000000,
                                   .public_ip = "203.0.113.9",
                                   .port_first = 40000,
                                   .port_last = 40099,
                                   .agent_version = "0.1.0",
                                   .engine_version = "20.10",
                                   .gpu_count = gpu_count };

    (void)snprintf(facts.hostname, sizeof facts.hostname, "host-%s", name);
    if (gpu_count > 0) {
        (void)snprintf(facts.driver_version, sizeof facts.driver_version, "570.86.15");
        facts.cuda_version = 128;
    }
    for (int64_t i = 0; i < gpu_count; i++) {
        struct gpu_facts *gpu = &facts.gpus[i];

        (void)snprintf(gpu->uuid, sizeof gpu->uuid, "GPU-%s-%" PRId64, name, i);
        (void)snprintf(gpu->name, sizeof gpu->name, "RTX 4090");
        (void)snprintf(gpu->pci_bus, sizeof gpu->pci_bus, "0000:%02" PRIx64 ":00.0", (uint64_t)i);
        gpu->memory_mb = 24564;
        gpu->compute_cap = 890;
    }
    return facts;
}

struct session_open_reply world_open_by(struct world *world, struct world_machine *machine,
                                        const struct key_pair *keys, const uint8_t *nonce)
{
    struct session_request request = { .machine_id = machine->id,
                                       .agent_incarnation = 1,
                                       .facts = machine->facts };
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct session_open_reply reply;
    struct error err;

    (void)snprintf(request.boot_id, sizeof request.boot_id, "boot-%" PRId64, machine->boot);
    memcpy(request.fingerprint, machine->fingerprint, sizeof request.fingerprint);
    if (nonce != NULL)
        memcpy(request.nonce, nonce, sizeof request.nonce);
    else
        CHECK_OK(flow_session_nonce(&world->flow, machine->id, request.nonce, &err), &err);
    hello_signed(&text, &request);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    memcpy(request.signature, signature.bytes, sizeof request.signature);
    CHECK_OK(flow_session_open(&world->flow, &request, "test", &reply, &err), &err);
    if (reply.outcome == SESSION_OPEN || reply.outcome == SESSION_QUARANTINED) {
        machine->epoch = reply.reply.session_epoch;
        machine->seq = 0;
    }
    return reply;
}

void world_session(struct world *world, struct world_machine *machine)
{
    struct session_open_reply reply = world_open_by(world, machine, &machine->keys, NULL);

    CHECK(reply.outcome == SESSION_OPEN || reply.outcome == SESSION_QUARANTINED);
}

void world_machine(struct world *world, struct world_machine *machine, struct caller host,
                   const char *name, int64_t gpu_count)
{
    struct enroll_token_reply token;
    struct enroll_outcome_reply reply;
    struct error err;

    *machine = (struct world_machine){ .host = host,
                                       .keys = crypto_key_pair(),
                                       .facts = world_facts(name, gpu_count),
                                       .boot = 1,
                                       .fingerprint = { 1 } };
    CHECK_OK(flow_enroll_token(&world->flow, &host, 0, &token, &err), &err);
    struct enroll_request request = { .token = token.token, .facts = machine->facts };
    memcpy(request.public_key, machine->keys.public_key, sizeof request.public_key);
    CHECK_OK(flow_enroll(&world->flow, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, ENROLL_DONE);
    machine->id = reply.reply.machine_id;
    world_session(world, machine);
}

void world_host(struct world *world, struct world_machine *machine, const char *name,
                int64_t gpu_count)
{
    const char *email = arena_printf(&world->arena, "host-%s@berth.test", name);

    world_machine(world, machine, world_user(world, email, 0), name, gpu_count);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
    world_list(world, machine);
}

struct world_container *world_container(struct world_machine *machine, int64_t instance_id)
{
    for (size_t i = 0; i < WORLD_CONTAINERS; i++)
        if (machine->containers[i].id == instance_id || machine->containers[i].id == 0) {
            machine->containers[i].id = instance_id;
            return &machine->containers[i];
        }
    fail_msg("the agent has no room for another container");
    return NULL;
}

/* Be as desired at once, and report it. */
static struct instance_report obey(struct world *world, struct world_machine *machine,
                                   const struct desired_instance *desired)
{
    struct world_container *container = world_container(machine, desired->id);
    int64_t now_us = clock_now(&world->clock).microseconds;
    bool has_ended = container->has_failed || container->has_exited;
    bool clings = container->clings && container->is_running && desired->has_notice &&
                  desired->notice.after_ms > 0;
    bool runs = (desired->state == DESIRED_RUNNING && !has_ended) || clings;

    if (runs && (!container->is_running || container->nonce < desired->restart_nonce)) {
        container->starts++;
        container->run_since_us = now_us;
    }
    container->is_running = runs;
    container->nonce = desired->restart_nonce;

    struct instance_report report = {
        .id = desired->id,
        .gen = desired->gen - clings, /* what is, is still what was */
        .phase = runs ? PHASE_RUNNING : PHASE_STOPPED,
        .start_token = "",
        .counter_epoch = 1,
        .bytes_up = container->bytes_up,
        .bytes_down = container->bytes_down,
        .exit_code = -1,
        .restart_nonce = desired->restart_nonce,
        .disk_used_mb = -1,
        .cpu_permille = -1,
        .ram_used_mb = -1,
        .gpu_permille = -1,
        .message = "",
    };
    if (runs) {
        report.run_ms = (now_us - container->run_since_us) / 1000;
        report.start_token =
            arena_printf(&world->arena, "c%" PRId64 "-%" PRId64, desired->id, container->starts);
        report.ssh_port = 40000 + desired->id % 100;
    }
    if (desired->state == DESIRED_RUNNING && container->has_exited) {
        report.phase = PHASE_EXITED;
        report.exit_code = 3;
    }
    if (desired->state == DESIRED_RUNNING && container->has_failed) {
        report.phase = PHASE_FAILED;
        report.message = "no such image";
    }
    if (desired->state == DESIRED_ABSENT) {
        report.phase = PHASE_ABSENT;
        report.restart_nonce = 0; /* forgotten with all the rest */
    }
    return report;
}

struct heartbeat world_obey(struct world *world, struct world_machine *machine, struct arena *arena)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine->id, arena, &desired, &has, &err), &err);
    CHECK(has);
    struct heartbeat heartbeat = { .session_epoch = machine->epoch,
                                   .seq = ++machine->seq,
                                   .boot_id = arena_printf(arena, "boot-%" PRId64, machine->boot),
                                   .agent_incarnation = 1,
                                   .applied_rev = desired.desired_rev,
                                   .is_engine_ok = true,
                                   .engine_message = "",
                                   .instance_count = desired.instance_count + desired.gone_count,
                                   .disk_free_gb = 900 };
    heartbeat.instances =
        arena_alloc(arena, (size_t)heartbeat.instance_count, sizeof *heartbeat.instances);
    for (int64_t i = 0; i < desired.instance_count; i++)
        heartbeat.instances[i] = obey(world, machine, &desired.instances[i]);
    for (int64_t i = 0; i < desired.gone_count; i++)
        heartbeat.instances[desired.instance_count + i] =
            (struct instance_report){ .id = desired.gone[i].id,
                                      .gen = desired.gone[i].gen,
                                      .phase = PHASE_ABSENT,
                                      .start_token = "",
                                      .message = "",
                                      .exit_code = -1,
                                      .disk_used_mb = -1,
                                      .cpu_permille = -1,
                                      .ram_used_mb = -1,
                                      .gpu_permille = -1 };
    return heartbeat;
}

enum take_outcome world_send(struct world *world, struct world_machine *machine,
                             const struct heartbeat *heartbeat)
{
    struct heartbeat_request request = { .machine_id = machine->id, .heartbeat = heartbeat };
    struct heartbeat_outcome_reply reply;
    struct error err;

    CHECK_OK(flow_heartbeat(&world->flow, &request, &reply, &err), &err);
    return reply.outcome;
}

enum take_outcome world_beat(struct world *world, struct world_machine *machine)
{
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct heartbeat heartbeat = world_obey(world, machine, &arena);

    return world_send(world, machine, &heartbeat);
}

void world_run(struct world *world, struct world_machine *machine, int64_t duration_us)
{
    /* As seldom as a lease allows, where it is about longer times. */
    const int64_t step_us =
        duration_us > 300 * US_PER_SECOND ? 25 * US_PER_SECOND : HEARTBEAT_MS * US_PER_MS;

    while (duration_us > 0) {
        int64_t pass_us = duration_us < step_us ? duration_us : step_us;

        world_pass(world, pass_us);
        CHECK_INT(world_beat(world, machine), TAKE_DONE);
        duration_us -= pass_us;
    }
}

void world_list(struct world *world, const struct world_machine *machine)
{
    struct list_machine_request request = {
        .machine_id = machine->id,
        .has_gpu_hour = true,
        .has_disk_month = true,
        .has_up_tb = true,
        .has_down_tb = true,
        .values = { .gpu_hour = { INT64_C(360000000) },
                    .disk_month = { INT64_C(150000000) },
                    .up_tb = { INT64_C(20000000000) },
                    .down_tb = { INT64_C(10000000000) } },
    };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world->flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, LIST_DONE);
}

int64_t world_offer(struct world *world, int64_t machine_id, int64_t num_gpus)
{
    struct offer *offers;
    struct error err;
    size_t count;

    CHECK_OK(flow_offers_of_machine(&world->flow, machine_id, &world->arena, &offers, &count, &err),
             &err);
    for (size_t i = 0; i < count; i++)
        if (offers[i].renter_id == 0 && offers[i].terms.num_gpus == num_gpus)
            return offers[i].id;
    return 0;
}

struct rental_reply world_rent(struct world *world, struct caller renter, int64_t offer_id)
{
    struct rental_request request = {
        .offer_id = offer_id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
    };
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&world->flow, &renter, &request, &reply, &err), &err);
    return reply;
}

struct rental_request world_bid_request(int64_t offer_id, int64_t num_gpus, int64_t ticks)
{
    return (struct rental_request){
        .offer_id = offer_id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
        .is_bid = true,
        .price = auction_price(ticks, num_gpus),
        .grace_s = AUCTION_GRACE_S_DEFAULT,
    };
}

struct rental_reply world_bid(struct world *world, struct caller renter, int64_t machine_id,
                              int64_t num_gpus, int64_t ticks)
{
    struct rental_request request =
        world_bid_request(world_offer(world, machine_id, num_gpus), num_gpus, ticks);
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&world->flow, &renter, &request, &reply, &err), &err);
    return reply;
}

int64_t world_running(struct world *world, struct world_machine *machine, struct caller renter,
                      int64_t num_gpus)
{
    struct rental_reply reply =
        world_rent(world, renter, world_offer(world, machine->id, num_gpus));

    CHECK_INT(reply.outcome, RENTAL_MADE);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
    return reply.instance_id;
}

int64_t world_credit(struct world *world, struct caller caller)
{
    struct user_view view;
    struct error err;

    CHECK_OK(flow_show_user(&world->flow, &caller, &world->arena, &view, &err), &err);
    return view.credit.nanodollars;
}

struct instance_view world_instance(struct world *world, struct caller renter, int64_t id)
{
    struct instance_view view;
    struct error err;
    bool has;

    CHECK_OK(flow_instance_show(&world->flow, &renter, id, &world->arena, &view, &has, &err), &err);
    CHECK(has);
    return view;
}

int64_t world_charged(struct world *world, struct caller renter, int64_t instance_id)
{
    return world_instance(world, renter, instance_id).charged.nanodollars;
}

struct contract_work {
    int64_t id;
    struct arena *arena;
    struct contract_row contract;
};

static bool contract_work(struct db *db, void *context, struct error *err)
{
    struct contract_work *work = context;
    bool has;

    return contract_load(db, work->id, work->arena, &work->contract, &has, err) && has;
}

struct contract_row world_contract(struct world *world, int64_t id)
{
    struct contract_work work = { .id = id, .arena = &world->arena };

    support_read(world->support, contract_work, &work);
    return work.contract;
}

struct desired world_desired(struct world *world, int64_t machine_id)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine_id, &world->arena, &desired, &has, &err), &err);
    CHECK(has);
    return desired;
}
