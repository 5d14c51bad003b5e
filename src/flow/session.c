/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/audit_ask.h"
#include "flow/hardware.h"
#include "flow/inventory.h"
#include "flow/limits.h"
#include "flow/offer_cut.h"
#include "flow/relay.h"
#include "flow/session_key.h"
#include "flow/twin.h"
#include "store/contract.h"
#include "store/machine_past.h"
#include "store/machine_standing.h"
#include "store/quiet_hello.h"

enum { SIGNED_EXTRA = 256 }; /* in front of a body that is signed */

struct identity_work {
    int64_t machine_id;
    struct session_identity identity;
    bool has;
};

static bool identity_work(struct db *db, void *context, struct error *err)
{
    struct identity_work *work = context;

    return session_identity_load(db, work->machine_id, &work->identity, &work->has, err);
}

bool flow_session_identity(const struct flow *flow, int64_t machine_id,
                           struct session_identity *ret, bool *ret_has, struct error *err)
{
    struct identity_work work = { .machine_id = machine_id };

    if (!store_read(flow->store, identity_work, &work, err))
        return error_context(err, "identify machine %lld", (long long)machine_id);
    if (work.has)
        *ret = work.identity;
    *ret_has = work.has;
    return true;
}

bool flow_session_nonce(const struct flow *flow, int64_t machine_id,
                        uint8_t ret_nonce[static NONCE_SIZE], struct error *err)
{
    struct session_identity identity;
    bool has;

    if (!flow_session_identity(flow, machine_id, &identity, &has, err))
        return error_context(err, "give a nonce");
    const struct nonce_terms terms = { machine_id, has ? identity.epoch : NONCE_EPOCH_NONE };
    nonce_give(flow->server_keys, &terms, clock_now(flow->clock), ret_nonce);
    return true;
}

struct open_work {
    const struct flow *flow;
    const struct session_request *request;
    const char *server_proc;
    const char *facts;
    struct instant now;
    struct session_identity identity;
    struct session_key key; /* by which it was signed */
    enum session_outcome outcome;
    int64_t epoch;
    bool is_as_before; /* the same hardware, in the same standing */
    bool has_twin;
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
    static const struct machine_bench none = { .nvlink_mbs = -1 };
    struct machine_facts was;

    if (!hardware_facts(machine->facts, &was, err))
        return false;
    /* Another driver may be another speed, and somebody has been at the machine. */
    if (strcmp(was.driver_version, work->request->facts.driver_version) != 0 &&
        !audit_ask_soon(db, machine->id, work->now, err))
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

/* Right answers that it owes under another identity it still owes, and is as suspect. */
static bool inherit_standing(struct db *db, int64_t past_id, struct machine_row *machine,
                             struct arena *arena, struct error *err)
{
    struct machine_row past;
    int64_t count;
    bool has;

    if (!machine_load(db, past_id, arena, &past, &has, err))
        return false;
    if (!has || !audit_is_pressing(past.standing))
        return true;
    machine->standing.debt = past.standing.debt;
    machine->standing.suspicion = past.standing.suspicion;
    machine->standing.before = machine->verification;
    if (past.standing.debt > 0)
        machine->verification = VERIFICATION_DEVERIFIED;
    return machine_set_audit(db, machine, err) &&
           machine_set_verification(db, machine->id, machine->verification, &count, err);
}

/* The first time that it is heard of: what the same hardware was before. */
static bool link_past(struct db *db, const struct open_work *work, struct machine_row *machine,
                      struct arena *arena, struct error *err)
{
    int64_t past_id;

    if (!machine_set_fingerprint(db, machine->id, work->request->fingerprint, err) ||
        !machine_find_past(db, machine->id, &past_id, err))
        return false;
    return past_id == 0 || (machine_set_past(db, machine->id, past_id, err) &&
                            inherit_standing(db, past_id, machine, arena, err));
}

/* Another boot than that of the session before. */
static bool note_boot(struct db *db, struct open_work *work, struct machine_row *machine,
                      struct session_row *session, struct arena *arena, struct error *err)
{
    const struct twin_hello hello = { machine, session, work->request->boot_id, work->now };

    return strcmp(hello.boot_id, session->boot_id) == 0 ||
           (twin_note(db, &hello, arena, &work->has_twin, err) &&
            audit_ask_soon(db, machine->id, work->now, err));
}

static bool open_work(struct db *db, void *context, struct error *err)
{
    struct open_work *work = context;
    const struct session_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row machine;
    struct session_row session = { 0 };
    bool has_machine, has_session, is_free;

    work->outcome = SESSION_REFUSED;
    work->is_as_before = work->has_twin = false;
    if (!machine_lock(db, request->machine_id, err) ||
        !machine_load(db, request->machine_id, &arena, &machine, &has_machine, err) ||
        !session_load(db, request->machine_id, &arena, &session, &has_session, err))
        return false;
    /* Its nonce is good for one epoch after that in which it was given. */
    if (!has_machine || machine.removed.microseconds != 0 ||
        machine.key_revoked.microseconds != 0 ||
        (has_session ? session.epoch : 0) != work->identity.epoch)
        return true;
    if (!inventory_is_free(db, machine.id, &request->facts, &is_free, err))
        return false;
    work->outcome = SESSION_GPU_IN_USE;
    if (!is_free)
        return true;

    work->outcome = SESSION_OPEN;
    if (!check_hardware(db, work, &machine, &session, &arena, err))
        return false;
    if (!(has_session ? note_boot(db, work, &machine, &session, &arena, err)
                      : link_past(db, work, &machine, &arena, err)))
        return false;
    work->epoch = work->identity.epoch + 1;
    session.machine_id = machine.id;
    session.epoch = work->epoch;
    session.server_proc = work->server_proc;
    session.boot_id = request->boot_id;
    session.agent_incarnation = request->agent_incarnation;
    session.opened = work->now;
    return session_replace(db, &session, err) && store_facts(db, work, &machine, err) &&
           relay_fence(db, machine.id, err);
}

static bool is_signed(struct open_work *work)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct signature signature;

    hello_signed(&text, work->request);
    memcpy(signature.bytes, work->request->signature, sizeof signature.bytes);
    return session_key_of(&work->identity, work->now, &signature, &text, &work->key);
}

/* Whether all of its body is its own; false where it does not say so. */
static bool is_whole_signed(const struct session_request *request, const struct session_key *key)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX + SIGNED_EXTRA);
    struct signature signature;

    if (!request->has_whole_signature)
        return false;
    hello_whole_signed(&text, request->machine_id, request->body, request->body_length);
    memcpy(signature.bytes, request->whole_signature, sizeof signature.bytes);
    return !text.has_overflowed &&
           crypto_verify(key->public_key, &signature, text.bytes, text.length);
}

/* The facts as they are kept: of its program nothing that is not signed. */
static bool encode_facts(struct open_work *work, bool is_whole, struct arena *arena,
                         struct error *err)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct machine_facts *facts = arena_alloc(arena, 1, sizeof *facts);

    if (facts != NULL) {
        *facts = work->request->facts;
        if (!is_whole)
            facts->agent_digest[0] = '\0';
        machine_facts_encode(&text, facts);
    }
    work->facts =
        facts == NULL || text.has_overflowed ? NULL : arena_copy(arena, text.bytes, text.length);
    return work->facts != NULL ||
           error_set(err, ERROR_OUT_OF_RANGE, "the facts of a machine are too long");
}

/* All that can be said before anything is written. SESSION_OPEN: it may be, `work` is ready. */
static bool admit(const struct flow *flow, struct open_work *work, struct arena *arena,
                  struct error *err)
{
    const struct session_request *request = work->request;
    bool has, is_whole;

    work->outcome = SESSION_REFUSED;
    work->now = clock_now(flow->clock);
    if (!flow_session_identity(flow, request->machine_id, &work->identity, &has, err))
        return false;
    const struct nonce_terms terms = { request->machine_id, work->identity.epoch };
    if (!has || !nonce_is_good(flow->server_keys, &terms, work->now, request->nonce) ||
        !is_signed(work))
        return true;
    is_whole = is_whole_signed(request, &work->key);
    if (request->has_whole_signature && !is_whole)
        return true;
    work->outcome = SESSION_BAD_FACTS;
    if (machine_facts_check(&request->facts) != MACHINE_OK)
        return true;
    work->outcome = SESSION_SIMULATED;
    if (request->facts.is_simulated && !flow->allows_simulated)
        return true;

    if (!encode_facts(work, is_whole, arena, err))
        return false;
    work->outcome = SESSION_OPEN;
    return true;
}

static struct session_open_reply reply_of(const struct open_work *work)
{
    struct session_open_reply reply = { .outcome = work->outcome, .has_twin = work->has_twin };

    if (work->outcome != SESSION_OPEN && work->outcome != SESSION_QUARANTINED)
        return reply;
    memcpy(reply.public_key, work->key.public_key, sizeof reply.public_key);
    reply.key_until = work->key.until;
    reply.reply = (struct session_reply){ .session_epoch = work->epoch,
                                          .heartbeat_ms = HEARTBEAT_MS,
                                          .lease_ms = LEASE_MS };
    return reply;
}

bool flow_session_open(const struct flow *flow, const struct session_request *request,
                       const char *server_proc, struct session_open_reply *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    struct open_work work = { .flow = flow, .request = request, .server_proc = server_proc };

    if (!admit(flow, &work, &arena, err))
        return false;
    if (work.outcome == SESSION_OPEN && !store_write(flow->store, open_work, &work, err))
        return error_context(err, "open a session of machine %lld", (long long)request->machine_id);
    *ret = reply_of(&work);
    return true;
}

/* One that nobody waits for. */
struct open_later {
    struct open_work work;
    struct session_open_listener listener;
};

static void finish_open(void *context, bool is_stored, const struct error *err)
{
    struct open_later *later = context;
    struct session_open_reply reply = reply_of(&later->work);
    struct error failure;

    if (is_stored)
        return later->listener.done(later->listener.context, &reply, NULL);
    failure = *err;
    (void)error_context(&failure, "open a session of machine %lld",
                        (long long)later->work.request->machine_id);
    later->listener.done(later->listener.context, NULL, &failure);
}

static bool open_later_work(struct db *db, void *context, struct error *err)
{
    struct open_later *later = context;

    return open_work(db, &later->work, err);
}

static int compare_uuids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The uuids of the rows of GPUs that such facts have (flow/inventory.h). */
static struct hash hash_of_gpus(int64_t machine_id, const struct machine_facts *facts)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    const char *uuids[GPUS_MAX];

    for (int64_t i = 0; i < facts->gpu_count; i++)
        uuids[i] = facts->gpus[i].uuid;
    qsort(uuids, (size_t)facts->gpu_count, sizeof uuids[0], compare_uuids);
    for (int64_t i = 0; i < facts->gpu_count; i++)
        buf_printf(&text, "%s\n", uuids[i]);
    if (facts->gpu_count == 0)
        buf_printf(&text, "machine-%lld\n", (long long)machine_id);
    assert(!text.has_overflowed);
    return crypto_sha256(text.bytes, text.length);
}

static struct quiet_hello quiet_hello_of(const struct open_work *work)
{
    const struct session_request *request = work->request;
    struct quiet_hello hello = { .machine_id = request->machine_id,
                                 .epoch = work->identity.epoch,
                                 .now = work->now,
                                 .agent_incarnation = request->agent_incarnation,
                                 .boot_id = request->boot_id,
                                 .facts = crypto_sha256(work->facts, strlen(work->facts)),
                                 .gpus = hash_of_gpus(request->machine_id, &request->facts) };

    memcpy(hello.fingerprint.bytes, request->fingerprint, sizeof hello.fingerprint.bytes);
    return hello;
}

/* Those of machines that are as they were, at once. */
static bool open_joint_work(struct db *db, void *const *contexts, size_t count, bool *ret_is_stored,
                            struct error *err)
{
    const struct open_later *first = contexts[0];
    struct quiet_hello hellos[QUIET_HELLOS_MAX];

    assert(count <= QUIET_HELLOS_MAX);
    for (size_t i = 0; i < count; i++)
        hellos[i] = quiet_hello_of(&((const struct open_later *)contexts[i])->work);
    if (!quiet_hello_take(db, first->work.server_proc, hellos, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct open_work *work = &((struct open_later *)contexts[i])->work;

        ret_is_stored[i] = hellos[i].is_taken;
        work->outcome = SESSION_OPEN;
        work->epoch = work->identity.epoch + 1;
        if (hellos[i].is_taken && hellos[i].has_rebooted &&
            !audit_ask_soon(db, work->request->machine_id, work->now, err))
            return false;
        if (hellos[i].is_taken && hellos[i].is_relayed &&
            !db_notify(db, TOPIC_RELAY, work->request->machine_id, err))
            return false;
    }
    return true;
}

void flow_session_open_later(const struct flow *flow, const struct session_open_call *call)
{
    struct open_later *later = arena_alloc(call->arena, 1, sizeof *later);
    const struct session_open_listener *listener = &call->listener;
    struct session_open_reply reply;
    struct error err;

    if (later == NULL) {
        (void)error_set(&err, ERROR_OUT_OF_RANGE, "no room for a session");
        return listener->done(listener->context, NULL, &err);
    }
    *later = (struct open_later){
        .work = { .flow = flow, .request = call->request, .server_proc = call->server_proc },
        .listener = *listener
    };
    if (!admit(flow, &later->work, call->arena, &err))
        return listener->done(listener->context, NULL, &err);
    if (later->work.outcome != SESSION_OPEN) {
        reply = reply_of(&later->work);
        return listener->done(listener->context, &reply, NULL);
    }
    store_write_jointly(flow->store, &(struct store_joint){ .kind = STORE_HELLOS,
                                                            .work = open_later_work,
                                                            .joint = open_joint_work,
                                                            .context = later,
                                                            .done = finish_open });
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

/* A poll that nobody waits for. */
struct poll_later {
    struct take_work work;
    session_poll_done *done;
    void *context;
};

static void finish_poll(void *context, bool is_stored, const struct error *err)
{
    struct poll_later *later = context;

    later->done(later->context, is_stored ? &later->work.outcome : NULL, err);
}

static bool poll_later_work(struct db *db, void *context, struct error *err)
{
    struct poll_later *later = context;

    return take_work(db, &later->work, err);
}

static bool poll_joint_work(struct db *db, void *const *contexts, size_t count, bool *ret_is_stored,
                            struct error *err)
{
    struct session_poll polls[SESSION_POLLS_MAX];

    assert(count <= SESSION_POLLS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct take_work *work = &((const struct poll_later *)contexts[i])->work;

        polls[i] = (struct session_poll){ work->machine_id, work->epoch, work->seq, false };
    }
    if (!session_take_polls(db, polls, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        ret_is_stored[i] = polls[i].is_taken;
        ((struct poll_later *)contexts[i])->work.outcome = TAKE_DONE;
    }
    return true;
}

bool flow_session_poll_later(const struct flow *flow, const struct session_poll_call *call)
{
    struct poll_later *later = arena_alloc(call->arena, 1, sizeof *later);

    if (later == NULL)
        return false;
    *later = (struct poll_later){ .work = { .machine_id = call->machine_id,
                                            .epoch = call->epoch,
                                            .seq = call->seq,
                                            .stream = STREAM_POLL },
                                  .done = call->done,
                                  .context = call->context };
    store_write_jointly(flow->store, &(struct store_joint){ .kind = STORE_POLLS,
                                                            .work = poll_later_work,
                                                            .joint = poll_joint_work,
                                                            .context = later,
                                                            .done = finish_poll });
    return true;
}
