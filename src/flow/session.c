/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/session.h"

#include <string.h>

#include "flow/hardware.h"
#include "flow/inventory.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "flow/relay.h"
#include "store/contract.h"
#include "store/machine_past.h"
#include "store/machine_standing.h"

struct nonce_work {
    int64_t machine_id;
    struct instant now;
    uint8_t nonce[32];
    bool has;
};

static bool nonce_work(struct db *db, void *context, struct error *err)
{
    struct nonce_work *work = context;
    int64_t rev;

    if (!machine_rev(db, work->machine_id, &rev, &work->has, err))
        return false;
    return !work->has ||
           (nonce_insert(db, work->machine_id, work->nonce,
                         instant_add(work->now, NONCE_SECONDS * US_PER_SECOND), err) &&
            nonce_forget(db, work->machine_id, work->now, err));
}

bool flow_session_nonce(const struct flow *flow, int64_t machine_id, uint8_t ret_nonce[static 32],
                        bool *ret_has, struct error *err)
{
    struct nonce_work work = { .machine_id = machine_id, .now = clock_now(flow->clock) };

    crypto_random(work.nonce, sizeof work.nonce);
    if (!store_write(flow->store, nonce_work, &work, err))
        return error_context(err, "give a nonce");
    memcpy(ret_nonce, work.nonce, sizeof work.nonce);
    *ret_has = work.has;
    return true;
}

struct open_work {
    const struct flow *flow;
    const struct session_request *request;
    const char *server_proc;
    const char *facts;
    struct instant now;
    enum session_outcome outcome;
    int64_t epoch;
    bool is_as_before; /* the same hardware, in the same standing */
};

/* Less than what it was verified with: so it has to be looked at again. */
static bool is_reduced(const struct machine_facts *was, const struct machine_facts *is)
{
    return is->gpu_count < was->gpu_count || is->ram_mb < was->ram_mb / 10 * 9 ||
           is->disk_gb < was->disk_gb / 10 * 9;
}

static bool note_hardware(struct db *db, const struct open_work *work, struct machine_row *machine,
                          bool is_same_gpus, struct error *err)
{
    static struct machine_bench none;
    struct machine_facts was;

    if (!hardware_facts(machine->facts, &was, err))
        return false;
    if (!is_same_gpus) {
        machine->hardware_since = work->now;
        machine->bench = none;
        if (!machine_set_hardware(db, machine, err))
            return false;
    }
    if (machine->is_verification_set || machine->verification != VERIFICATION_VERIFIED ||
        !is_reduced(&was, &work->request->facts))
        return true;
    machine->verification = VERIFICATION_DEVERIFIED;
    machine->failed = machine->look_at = work->now;
    return machine_set_checked(db, machine, err);
}

/* Other hardware than before: taken over while nothing is rented on it, else the machine rents
 * nothing more until it is what it was, or an operator has looked. */
static bool check_hardware(struct db *db, struct open_work *work, struct machine_row *machine,
                           struct session_row *session, struct arena *arena, struct error *err)
{
    const struct session_request *request = work->request;
    static const uint8_t unknown[32];
    struct contract_row *contracts;
    struct gpu_row *gpus;
    size_t contract_count, gpu_count;

    if (!gpu_list(db, machine->id, arena, &gpus, &gpu_count, err) ||
        !contract_list_on(db, machine->id, arena, &contracts, &contract_count, err))
        return false;
    bool is_same_gpus = inventory_matches(gpus, gpu_count, &request->facts);
    bool is_same =
        is_same_gpus && (memcmp(session->fingerprint, unknown, sizeof unknown) == 0 ||
                         memcmp(session->fingerprint, request->fingerprint, sizeof unknown) == 0);

    if (!is_same && contract_count > 0) {
        work->outcome = SESSION_QUARANTINED;
        return machine_set_quarantined(db, machine->id, true, err) &&
               machine_bump(db, machine->id, err);
    }
    work->is_as_before = is_same && !machine->is_quarantined;
    memcpy(session->fingerprint, request->fingerprint, sizeof session->fingerprint);
    if (machine->is_quarantined && (!machine_set_quarantined(db, machine->id, false, err) ||
                                    !machine_bump(db, machine->id, err)))
        return false;
    if (!note_hardware(db, work, machine, is_same_gpus, err))
        return false;
    if (is_same_gpus)
        return true;
    /* What was listed is not what there is now. */
    return inventory_replace(db, machine->id, gpus, gpu_count, &request->facts, work->now, err) &&
           offer_take_off(db, machine->id, work->now, arena, err);
}

/* What others see of the machine, where that is new: when all agents come back at once, nothing is.
 */
static bool store_facts(struct db *db, const struct open_work *work, struct machine_row *machine,
                        struct error *err)
{
    const struct machine_facts *facts = &work->request->facts;

    if (work->is_as_before && strcmp(machine->facts, work->facts) == 0 &&
        strcmp(machine->hostname, facts->hostname) == 0 &&
        machine->inet_up_kbps == facts->inet_up_kbps &&
        machine->inet_down_kbps == facts->inet_down_kbps)
        return true;
    machine->facts = work->facts;
    machine->hostname = facts->hostname;
    machine->inet_up_kbps = facts->inet_up_kbps;
    machine->inet_down_kbps = facts->inet_down_kbps;
    return machine_set_facts(db, machine, err) && db_notify(db, TOPIC_MACHINE, machine->id, err);
}

/* The first time that it is heard of: what the same hardware was before. */
static bool link_past(struct db *db, const struct open_work *work, int64_t machine_id,
                      struct error *err)
{
    int64_t past_id;

    return machine_set_fingerprint(db, machine_id, work->request->fingerprint, err) &&
           machine_find_past(db, machine_id, &past_id, err) &&
           (past_id == 0 || machine_set_past(db, machine_id, past_id, err));
}

static bool open_work(struct db *db, void *context, struct error *err)
{
    struct open_work *work = context;
    const struct session_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    struct session_row session = { 0 };
    bool has_machine, has_session, is_free;
    int64_t count;

    work->outcome = SESSION_REFUSED;
    work->is_as_before = false;
    if (!machine_lock(db, request->machine_id, err) ||
        !machine_load(db, request->machine_id, &arena, &machine, &has_machine, err) ||
        !nonce_take(db, request->machine_id, request->nonce, work->now, &count, err))
        return false;
    if (!has_machine || machine.removed.microseconds != 0 || count != 1)
        return true;
    if (!inventory_is_free(db, machine.id, &request->facts, &is_free, err) ||
        !session_load(db, machine.id, &arena, &session, &has_session, err))
        return false;
    work->outcome = SESSION_GPU_IN_USE;
    if (!is_free)
        return true;

    work->outcome = SESSION_OPEN;
    if (!check_hardware(db, work, &machine, &session, &arena, err))
        return false;
    if (!has_session && !link_past(db, work, machine.id, err))
        return false;
    work->epoch = has_session ? session.epoch + 1 : 1;
    session.machine_id = machine.id;
    session.epoch = work->epoch;
    session.server_proc = work->server_proc;
    session.boot_id = request->boot_id;
    session.agent_incarnation = request->agent_incarnation;
    session.opened = work->now;
    return session_replace(db, &session, err) && store_facts(db, work, &machine, err) &&
           relay_fence(db, machine.id, err);
}

struct identity_work {
    int64_t machine_id;
    struct machine_identity identity;
    bool has;
};

static bool identity_work(struct db *db, void *context, struct error *err)
{
    struct identity_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    struct session_row session;
    bool has_session;

    if (!machine_load(db, work->machine_id, &arena, &machine, &work->has, err))
        return false;
    work->has = work->has && machine.removed.microseconds == 0;
    if (!work->has)
        return true;
    if (!session_load(db, work->machine_id, &arena, &session, &has_session, err))
        return false;
    memcpy(work->identity.public_key, machine.public_key, sizeof machine.public_key);
    work->identity.session_epoch = has_session ? session.epoch : 0;
    return true;
}

bool flow_machine_identity(const struct flow *flow, int64_t machine_id,
                           struct machine_identity *ret, bool *ret_has, struct error *err)
{
    struct identity_work work = { .machine_id = machine_id };

    if (!store_read(flow->store, identity_work, &work, err))
        return error_context(err, "identify machine %lld", (long long)machine_id);
    if (work.has)
        *ret = work.identity;
    *ret_has = work.has;
    return true;
}

static bool is_signed(const struct session_request *request,
                      const struct machine_identity *identity)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct signature signature;

    hello_signed(&text, request);
    memcpy(signature.bytes, request->signature, sizeof signature.bytes);
    return !text.has_overflowed &&
           crypto_verify(identity->public_key, &signature, text.bytes, text.length);
}

bool flow_session_open(const struct flow *flow, const struct session_request *request,
                       const char *server_proc, struct session_open_reply *ret, struct error *err)
{
    auto_buf struct buf facts = buf_of(PROTO_BODY_MAX);
    struct machine_identity identity;
    bool has;

    *ret = (struct session_open_reply){ .outcome = SESSION_REFUSED };
    if (!flow_machine_identity(flow, request->machine_id, &identity, &has, err))
        return false;
    /* The signature comes first: without the machine's key nobody uses up its nonces. */
    if (!has || !is_signed(request, &identity))
        return true;
    ret->outcome = SESSION_BAD_FACTS;
    if (machine_facts_check(&request->facts) != MACHINE_OK)
        return true;
    ret->outcome = SESSION_SIMULATED;
    if (request->facts.is_simulated && !flow->allows_simulated)
        return true;

    machine_facts_encode(&facts, &request->facts);
    if (facts.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the facts of a machine are too long");
    struct open_work work = { .flow = flow,
                              .request = request,
                              .server_proc = server_proc,
                              .facts = facts.bytes,
                              .now = clock_now(flow->clock) };
    if (!store_write(flow->store, open_work, &work, err))
        return error_context(err, "open a session of machine %lld", (long long)request->machine_id);
    ret->outcome = work.outcome;
    if (work.outcome == SESSION_OPEN || work.outcome == SESSION_QUARANTINED)
        ret->reply = (struct session_reply){ .session_epoch = work.epoch,
                                             .heartbeat_ms = HEARTBEAT_MS,
                                             .lease_ms = LEASE_MS };
    return true;
}

struct take_work {
    int64_t machine_id, epoch, seq;
    enum session_stream stream;
    enum take_outcome outcome;
};

static bool take_work(struct db *db, void *context, struct error *err)
{
    struct take_work *work = context;

    return session_try(db, work->machine_id, work->epoch, work->stream, work->seq, &work->outcome,
                       err);
}

bool session_try(struct db *db, int64_t machine_id, int64_t epoch, enum session_stream stream,
                 int64_t seq, enum take_outcome *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct session_row session;
    int64_t count;
    bool has;

    if (!session_take(db, machine_id, epoch, stream, seq, &count, err))
        return false;
    if (count == 1) {
        *ret = TAKE_DONE;
        return true;
    }
    if (!session_load(db, machine_id, &arena, &session, &has, err))
        return false;
    *ret = has && session.epoch == epoch ? TAKE_REPLAY : TAKE_FENCED;
    return true;
}

bool flow_session_take(const struct flow *flow, int64_t machine_id, int64_t epoch,
                       enum session_stream stream, int64_t seq, enum take_outcome *ret,
                       struct error *err)
{
    struct take_work work = {
        .machine_id = machine_id, .epoch = epoch, .seq = seq, .stream = stream
    };

    if (!store_write(flow->store, take_work, &work, err))
        return error_context(err, "take a sequence number");
    *ret = work.outcome;
    return true;
}
