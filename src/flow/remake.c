/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/remake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/change.h"
#include "flow/limits.h"
#include "flow/rent.h"
#include "flow/spec.h"
#include "store/relay.h"
#include "store/template.h"

enum { REMAKE_TEXT_MAX = 16 << 20 };

struct remake_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct remake_request *request;
    struct instant now;
    char jupyter_token[TOKEN_TEXT_SIZE];
    struct remake_reply reply;
};

/* What was asked, with what is not the renter's to change. */
static struct instance_spec merge(const struct remake_work *work, const struct instance_spec *old)
{
    struct instance_spec spec = work->request->launch != NULL ? *work->request->launch : *old;

    spec.remake = old->remake + 1;
    spec.disk_gb = old->disk_gb;
    spec.workspace_gb = old->workspace_gb; /* and what is in it stays, as in volumes */
    spec.workspace_key = old->workspace_key;
    spec.cpu_millis = old->cpu_millis;
    spec.ram_mb = old->ram_mb;
    spec.volume_count = old->volume_count; /* mounted from its making on, and for good */
    spec.volumes = old->volumes;
    spec.ssh_key_count = 0;
    if (spec.jupyter_app != NULL)
        spec.jupyter_token = old->jupyter_token != NULL ? old->jupyter_token : work->jupyter_token;
    else
        spec.jupyter_token = NULL;
    return spec;
}

static bool has_same_ports(const struct instance_spec *a, const struct instance_spec *b)
{
    if (a->port_count != b->port_count)
        return false;
    for (int64_t i = 0; i < a->port_count; i++) {
        if (a->ports[i].port != b->ports[i].port || a->ports[i].is_udp != b->ports[i].is_udp)
            return false;
    }
    return true;
}

/* Ports of a relay were given for those that it had. */
static bool keeps_ports(struct remake_work *work, struct change *change,
                        const struct contract_row *contract, const struct instance_spec *old,
                        const struct instance_spec *spec, bool *ret_keeps, struct error *err)
{
    struct relay_port_row *ports;
    size_t count;

    if (!relay_port_list(change->db, contract->id, change->arena, &ports, &count, err))
        return false;
    *ret_keeps = count == 0 || has_same_ports(old, spec);
    if (!*ret_keeps)
        work->reply.outcome = REMAKE_PORTS;
    return true;
}

static bool store_spec(struct remake_work *work, struct change *change,
                       struct contract_row *contract, const struct instance_spec *spec,
                       struct error *err)
{
    auto_buf struct buf text = buf_of(REMAKE_TEXT_MAX);

    instance_spec_encode(&text, spec);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the spec is too long");
    contract->image = spec->image;
    contract->runtype = spec->runtype != NULL ? spec->runtype : contract->runtype;
    return spec_seal(change->db, work->flow->vault, contract, &text, change->now, change->arena,
                     &contract->spec, err) &&
           contract_respec(change->db, contract, err);
}

/* What runs is restarted; what is on its way, or stopped, has another generation. */
static bool tell_host(struct change *change, struct contract_row *contract, struct error *err)
{
    bool has_changed = false;

    return change_contract(change, contract, RENTAL_REBOOT_ASKED, "", &has_changed, err) &&
           (has_changed || change_touch(change, contract, err)) &&
           change_user(change, contract->owner_id, err);
}

static bool remake(struct remake_work *work, struct change *change, struct contract_row *contract,
                   struct error *err)
{
    struct instance_spec old, spec;
    bool keeps;

    if (!spec_open(change->db, work->flow->vault, contract, change->arena, &old, err))
        return false;
    spec = merge(work, &old);
    if (!keeps_ports(work, change, contract, &old, &spec, &keeps, err))
        return false;
    if (!keeps)
        return true;
    work->reply.outcome = REMAKE_DONE;
    return store_spec(work, change, contract, &spec, err) && tell_host(change, contract, err) &&
           (work->request->template_id == 0 ||
            template_use(change->db, work->request->template_id, change->now, err));
}

static bool is_ending(const struct contract_row *contract)
{
    return rental_intent(contract->state) == RENTAL_DESTROY || contract->state == RENTAL_PAUSING ||
           contract->state == RENTAL_STOPPING;
}

static bool remake_work(struct db *db, void *context, struct error *err)
{
    struct remake_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t id = work->request->instance_id, owner = work->caller->user_id;
    struct contract_row contract;
    struct change change;
    bool has;

    work->reply.outcome = REMAKE_NO_INSTANCE;
    if (!contract_load_owned(db, owner, id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load_owned(db, owner, id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (is_ending(&contract)) {
        work->reply.outcome = REMAKE_ENDING;
        return true;
    }
    return remake(work, &change, &contract, err) && change_end(&change, err);
}

bool flow_remake(const struct flow *flow, const struct caller *caller,
                 const struct remake_request *request, struct remake_reply *ret, struct error *err)
{
    struct remake_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };
    struct rental_request checked = { 0 };
    struct error why;

    if (request->launch != NULL)
        checked.spec = *request->launch;
    if (request->launch != NULL && !rental_request_check(&checked, &why)) {
        *ret = (struct remake_reply){ .outcome = REMAKE_BAD_SPEC };
        (void)snprintf(ret->why, sizeof ret->why, "%s", why.text);
        return true;
    }
    (void)crypto_token(work.jupyter_token);
    if (!store_write(flow->store, remake_work, &work, err))
        return error_context(err, "make instance %" PRId64 " again", request->instance_id);
    *ret = work.reply;
    return true;
}
