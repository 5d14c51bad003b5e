/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/maintenance.h"

#include "base/encode.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "store/contract.h"
#include "store/event.h"
#include "store/machine.h"
#include "store/user.h"

enum { SHOWN_MAX = 4096, MAIL_MAX = 8192 };

struct maintenance_work {
    const struct caller *caller;
    const struct maintenance_row *window;
    struct instant now;
    struct arena *arena;
    int64_t machine_id, changed;
    enum maintenance_outcome outcome;
    struct maintenance_row *windows;
    size_t count;
};

static bool is_bad(const struct maintenance_row *window, struct instant now)
{
    int64_t length_us = instant_until(window->start, window->end);

    return length_us <= 0 || length_us > MAINTENANCE_LENGTH_MAX_US ||
           instant_compare(window->end, now) <= 0;
}

/* The caller's machine, under its lock. */
static bool take_machine(struct db *db, const struct maintenance_work *work, struct arena *arena,
                         bool *ret_has, struct error *err)
{
    struct machine_row machine;

    return machine_load_owned(db, work->caller->user_id, work->machine_id, arena, &machine, ret_has,
                              err) &&
           (!*ret_has || machine_lock(db, work->machine_id, err));
}

/* What the renters of a machine are told: of one window, or where that is NULL, that there is none
 * any more. */
struct telling {
    const struct maintenance_row *window;
    struct instant now;
    struct arena *arena;
};

static bool mail(struct db *db, const struct telling *telling, const struct contract_row *contract,
                 const char *text, struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);
    struct encoder json = encoder_of(&body);
    int64_t window_id = telling->window != NULL ? telling->window->id : 0;

    encode_object(&json);
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "text", text);
    encode_end(&json);
    const char *key =
        arena_printf(telling->arena, "maintenance:%lld:%lld:%lld", (long long)contract->id,
                     (long long)window_id, (long long)telling->now.microseconds);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = contract->owner_id,
                                        .kind = NOTIFICATION_MAINTENANCE,
                                        .template = "maintenance",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, telling->now, err);
}

static const char *sentence(const struct telling *telling)
{
    const struct maintenance_row *window = telling->window;
    char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];

    if (window == NULL)
        return "Its host called the maintenance of its machine off.";
    return arena_printf(
        telling->arena,
        "Its host announced maintenance of its machine (%s) from %s to %s: it may be "
        "away then. GPU time is not charged while it is.",
        window->category, instant_format(window->start, from), instant_format(window->end, to));
}

/* Whoever rents something of the machine, or waits for it with a bid, each for each instance. */
static bool tell(struct db *db, int64_t machine_id, const struct telling *telling,
                 struct error *err)
{
    const char *text = sentence(telling);
    struct contract_row *contracts;
    size_t count;

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for an announcement");
    if (!contract_list_for(db, machine_id, telling->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct contract_row *contract = &contracts[i];
        struct event_row event = { .contract_id = contract->id,
                                   .at = telling->now,
                                   .state = contract->state,
                                   .detail = text };

        /* The host's own job is the host's own affair. */
        if (contract->kind == KIND_IDLE || contract->destroyed.microseconds != 0)
            continue;
        if (!event_insert(db, &event, err) || !mail(db, telling, contract, text, err) ||
            !db_notify(db, TOPIC_CONTRACT, contract->id, err))
            return false;
    }
    return true;
}

static bool schedule_work(struct db *db, void *context, struct error *err)
{
    struct maintenance_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct maintenance_row window = *work->window, *windows;
    size_t count;
    bool has;

    window.created = work->now;
    work->outcome = MAINTENANCE_NO_MACHINE;
    if (!take_machine(db, work, &arena, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = MAINTENANCE_BAD_TIME;
    if (is_bad(&window, work->now))
        return true;
    if (!maintenance_list(db, work->machine_id, work->now, &arena, &windows, &count, err))
        return false;
    work->outcome = MAINTENANCE_TOO_MANY;
    if (count >= MAINTENANCE_WINDOWS_MAX)
        return true;
    work->outcome = MAINTENANCE_DONE;
    return maintenance_insert(db, &window, &window.id, err) &&
           tell(db, work->machine_id, &(struct telling){ &window, work->now, &arena }, err);
}

bool flow_maintenance_schedule(const struct flow *flow, const struct caller *caller,
                               const struct maintenance_row *window, enum maintenance_outcome *ret,
                               struct error *err)
{
    struct maintenance_work work = { .caller = caller,
                                     .window = window,
                                     .now = clock_now(flow->clock),
                                     .machine_id = window->machine_id };

    if (!store_write(flow->store, schedule_work, &work, err))
        return error_context(err, "schedule maintenance");
    *ret = work.outcome;
    return true;
}

static bool cancel_work(struct db *db, void *context, struct error *err)
{
    struct maintenance_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    bool has;

    work->outcome = MAINTENANCE_NO_MACHINE;
    work->changed = 0;
    if (!take_machine(db, work, &arena, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = MAINTENANCE_DONE;
    return maintenance_cancel(db, work->machine_id, work->now, &work->changed, err) &&
           (work->changed == 0 ||
            tell(db, work->machine_id, &(struct telling){ NULL, work->now, &arena }, err));
}

bool flow_maintenance_cancel(const struct flow *flow, const struct caller *caller,
                             int64_t machine_id, int64_t *ret_count, enum maintenance_outcome *ret,
                             struct error *err)
{
    struct maintenance_work work = { .caller = caller,
                                     .now = clock_now(flow->clock),
                                     .machine_id = machine_id };

    if (!store_write(flow->store, cancel_work, &work, err))
        return error_context(err, "cancel maintenance");
    *ret = work.outcome;
    *ret_count = work.changed;
    return true;
}

static bool has_id(const int64_t *ids, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Machines of the caller's own, and of its instances, each once. */
static bool load_machines(struct db *db, const struct maintenance_work *work, int64_t **ret,
                          size_t *ret_count, struct error *err)
{
    struct machine_row *machines;
    struct contract_row *contracts;
    size_t machine_count, contract_count, count = 0;

    if (!machine_list(db, work->caller->user_id, work->arena, &machines, &machine_count, err) ||
        !contract_list_owned(db, work->caller->user_id, work->arena, &contracts, &contract_count,
                             err))
        return false;
    int64_t *ids = arena_alloc(work->arena, machine_count + contract_count, sizeof ids[0]);
    if (ids == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the machines");
    for (size_t i = 0; i < machine_count + contract_count; i++) {
        int64_t id = i < machine_count ? machines[i].id : contracts[i - machine_count].machine_id;

        if (!has_id(ids, count, id) && (work->machine_id == 0 || work->machine_id == id))
            ids[count++] = id;
    }
    *ret = ids;
    *ret_count = count;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct maintenance_work *work = context;
    int64_t *ids;
    size_t count;

    if (!load_machines(db, work, &ids, &count, err))
        return false;
    work->count = 0;
    work->windows = arena_alloc(work->arena, SHOWN_MAX, sizeof *work->windows);
    if (work->windows == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the windows");
    for (size_t i = 0; i < count; i++) {
        struct maintenance_row *windows;
        size_t found;

        if (!maintenance_list(db, ids[i], work->now, work->arena, &windows, &found, err))
            return false;
        for (size_t j = 0; j < found && work->count < SHOWN_MAX; j++)
            work->windows[work->count++] = windows[j];
    }
    return true;
}

bool flow_maintenance_list(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                           struct arena *arena, struct maintenance_row **ret, size_t *ret_count,
                           struct error *err)
{
    struct maintenance_work work = {
        .caller = caller, .now = clock_now(flow->clock), .arena = arena, .machine_id = machine_id
    };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list maintenance");
    *ret = work.windows;
    *ret_count = work.count;
    return true;
}
