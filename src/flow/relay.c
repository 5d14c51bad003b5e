/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/relay.h"

#include <assert.h>
#include <string.h>

#include "base/hex.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "market/relaying.h"
#include "store/machine.h"

enum { WINDOW = 256 };

struct say_work {
    const struct relay_row *relay;
    struct instant alive_until;
    int64_t id;
};

/* Agents find it in their desired state, which is read anew where its number has grown. */
static bool tell_agents(struct db *db, int64_t relay_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t *machines;
    size_t count;

    if (!relay_machines(db, relay_id, &arena, &machines, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!machine_bump(db, machines[i], err))
            return false;
    return true;
}

static bool say_work(struct db *db, void *context, struct error *err)
{
    struct say_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct relay_row before, now = *work->relay;
    bool has;

    if (!relay_find(db, now.agent_host, now.agent_port, &arena, &before, &has, err))
        return false;
    now.alive_until = work->alive_until;
    if (!has)
        return relay_insert(db, &now, &work->id, err);
    work->id = now.id = before.id;
    return relay_update(db, &now, err) &&
           (strcmp(before.pin, now.pin) == 0 || tell_agents(db, now.id, err));
}

static bool say(const struct flow *flow, struct say_work *work, struct error *err)
{
    return store_write(flow->store, say_work, work, err) ||
           error_context(err, "say that a relay is there");
}

bool flow_relay_say(const struct flow *flow, const struct relay_row *relay, int64_t *ret_id,
                    struct error *err)
{
    struct say_work work = { .relay = relay,
                             .alive_until = instant_add(clock_now(flow->clock),
                                                        RELAY_ALIVE_SECONDS * US_PER_SECOND) };

    if (!say(flow, &work, err))
        return false;
    *ret_id = work.id;
    return true;
}

bool flow_relay_leave(const struct flow *flow, const struct relay_row *relay, struct error *err)
{
    struct say_work work = { .relay = relay, .alive_until = clock_now(flow->clock) };

    return say(flow, &work, err);
}

struct routes_work {
    int64_t relay_id;
    struct instant now;
    struct arena *arena;
    struct relay_route *routes;
    size_t count;
};

static bool routes_work(struct db *db, void *context, struct error *err)
{
    struct routes_work *work = context;

    return relay_routes(db, work->relay_id, work->now, work->arena, &work->routes, &work->count,
                        err);
}

bool flow_relay_routes(const struct flow *flow, int64_t relay_id, struct arena *arena,
                       struct relay_route **ret, size_t *ret_count, struct error *err)
{
    struct routes_work work = { .relay_id = relay_id,
                                .now = clock_now(flow->clock),
                                .arena = arena };

    if (!store_read(flow->store, routes_work, &work, err))
        return error_context(err, "read where a relay's ports lead");
    *ret = work.routes;
    *ret_count = work.count;
    return true;
}

/* The first run of free ports at or after `from`; 0: none. */
static bool find_run(struct db *db, const struct relay_row *relay, int64_t from, int64_t run,
                     int64_t *ret_port, struct error *err)
{
    int64_t taken[WINDOW];
    struct relaying_window window = { .first = from, .last = relay->port_last, .taken = taken };

    do {
        if (!relay_ports_from(db, relay->id, window.first, taken, WINDOW, &window.taken_count, err))
            return false;
        window.is_cut = window.taken_count == WINDOW;
        *ret_port = relaying_pick(&window, run);
        if (window.taken_count > 0)
            window.first = taken[window.taken_count - 1] + 1;
    } while (*ret_port == 0 && window.is_cut);
    return true;
}

/* Contracts begin to look in different places, so that two that are made at once do not want the
 * same port, and one that was freed is not the next one's at once. */
static int64_t begin_at(const struct relay_row *relay, int64_t contract_id)
{
    uint64_t size = (uint64_t)(relay->port_last - relay->port_first + 1);

    return relay->port_first + (int64_t)((uint64_t)contract_id * UINT64_C(2654435761) % size);
}

/* `*ret_has`: it had enough of them. */
static bool give_one(struct db *db, const struct relay_row *relay, int64_t contract_id,
                     const struct relaying_want *want, bool *ret_has, struct error *err)
{
    int64_t port;

    if (!find_run(db, relay, begin_at(relay, contract_id), want->run, &port, err) ||
        (port == 0 && !find_run(db, relay, relay->port_first, want->run, &port, err)))
        return false;
    *ret_has = port != 0;
    for (int64_t i = 0; port != 0 && i < want->run; i++) {
        struct relay_port_row row = { .relay_id = relay->id,
                                      .port = port + i,
                                      .contract_id = contract_id,
                                      .inside = want->inside >= LAUNCH_IDENTITY_PORT ? port + i
                                                                                     : want->inside,
                                      .asked = want->inside,
                                      .protocol = want->protocol };

        if (!relay_port_insert(db, &row, err))
            return error_context(err, "give a relay's port");
    }
    return true;
}

static bool give_all(struct db *db, const struct relay_row *relay, int64_t contract_id,
                     const struct relaying_want *wants, size_t count, bool *ret_has,
                     struct error *err)
{
    int64_t removed;

    *ret_has = true;
    for (size_t i = 0; *ret_has && i < count; i++)
        if (!give_one(db, relay, contract_id, &wants[i], ret_has, err))
            return false;
    return *ret_has || relay_port_remove(db, contract_id, &removed, err);
}

static bool read_ask(const struct relay_contract *contract, struct relaying_ask *ret,
                     struct error *err)
{
    const struct instance_spec *spec = contract->spec;

    static_assert(sizeof(struct launch_port) == sizeof(struct spec_port), "one shape");
    *ret = (struct relaying_ask){
        .wants_proxy = spec->runtype != NULL && strstr(spec->runtype, "_proxy") != NULL,
        .is_behind_nat = contract->facts->is_behind_nat != 0,
        .port_count = (size_t)spec->port_count,
        .ports = (const struct launch_port *)spec->ports,
    };
    return launch_mode_parse(spec->runtype, spec->arg_count > 0, &ret->mode, err);
}

bool relay_has_room(struct db *db, const struct relay_contract *contract, struct arena *arena,
                    bool *ret_has, struct error *err)
{
    struct relaying_want wants[RELAYING_WANTS_MAX];
    struct relaying_ask ask;
    struct relay_row *relays;
    int64_t needed = 0;
    size_t count;

    if (!read_ask(contract, &ask, err))
        return false;
    size_t want_count = relaying_wants(&ask, wants);
    *ret_has = want_count == 0 || !ask.is_behind_nat;
    if (*ret_has)
        return true;
    for (size_t i = 0; i < want_count; i++)
        needed += wants[i].run;
    if (!relay_list_alive(db, contract->now, arena, &relays, &count, err))
        return false;
    *ret_has = count > 0 && relays[0].free_count >= needed;
    return true;
}

bool relay_give(struct db *db, const struct relay_contract *contract, struct arena *arena,
                struct error *err)
{
    struct relaying_want wants[RELAYING_WANTS_MAX];
    struct relaying_ask ask;
    struct relay_row *relays;
    size_t count;
    bool has = false;

    if (!read_ask(contract, &ask, err))
        return false;
    size_t want_count = relaying_wants(&ask, wants);
    if (want_count == 0)
        return true;
    if (!relay_list_alive(db, contract->now, arena, &relays, &count, err))
        return false;
    for (size_t i = 0; !has && i < count; i++)
        if (!give_all(db, &relays[i], contract->id, wants, want_count, &has, err))
            return false;
    if (!has && ask.is_behind_nat)
        return error_set(err, ERROR_UNAVAILABLE, "no relay has ports in a row for the instance");
    return !has || db_notify(db, TOPIC_RELAY, contract->id, err);
}

bool relay_take_back(struct db *db, int64_t contract_id, struct error *err)
{
    int64_t count;

    return relay_port_remove(db, contract_id, &count, err) &&
           (count == 0 || db_notify(db, TOPIC_RELAY, contract_id, err));
}

bool relay_fence(struct db *db, int64_t machine_id, struct error *err)
{
    bool leads;

    return relay_leads_to(db, machine_id, &leads, err) &&
           (!leads || db_notify(db, TOPIC_RELAY, machine_id, err));
}

bool relay_reach(struct db *db, const struct machine_row *machine, int64_t contract_id,
                 struct arena *arena, struct instance_spec *spec, struct error *err)
{
    struct machine_facts facts;
    struct relay_port_row *ports;
    size_t count;

    if (!hardware_facts(machine->facts, &facts, err))
        return false;
    if (facts.is_behind_nat == 0)
        return true;
    if (!relay_port_list(db, contract_id, arena, &ports, &count, err))
        return false;
    count = count < SPEC_RELAYED_MAX ? count : SPEC_RELAYED_MAX;
    spec->relayed = arena_alloc(arena, count, sizeof *spec->relayed);
    if (spec->relayed == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the relay's ports");
    for (size_t i = 0; i < count; i++)
        spec->relayed[i] = (struct spec_relayed){ .asked = ports[i].asked,
                                                  .is_udp = ports[i].protocol == RELAYING_UDP,
                                                  .port = ports[i].port };
    spec->relayed_count = (int64_t)count;
    spec->public_host = count > 0 ? ports[0].public_host : NULL;
    return true;
}

bool relay_desired(struct db *db, int64_t machine_id, struct arena *arena, struct desired *desired,
                   struct error *err)
{
    struct relay_row *relays;
    size_t count;

    if (!relay_list_of(db, machine_id, arena, &relays, &count, err))
        return false;
    if (count > DESIRED_RELAYS_MAX)
        count = DESIRED_RELAYS_MAX;
    desired->relays = arena_alloc(arena, count, sizeof *desired->relays);
    if (desired->relays == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the relays");
    for (size_t i = 0; i < count; i++)
        desired->relays[i] = (struct desired_relay){ .id = relays[i].id,
                                                     .host = relays[i].agent_host,
                                                     .port = relays[i].agent_port,
                                                     .pin = relays[i].pin };
    desired->relay_count = (int64_t)count;
    return true;
}
