/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hall.h"

#include "store/gpu.h"

int64_t hall_places(int64_t num_gpus)
{
    return num_gpus == 0 ? 1 : num_gpus;
}

bool hall_is_open(const struct machine_row *machine)
{
    return machine->is_online && machine->is_engine_ok && !machine->is_quarantined &&
           machine->verification != VERIFICATION_DEVERIFIED;
}

static bool is_running(const struct contender_row *row)
{
    return rental_must_hold_gpus(row->state) && row->state != RENTAL_PAUSING;
}

/* Who runs is stopped by its own timers, not here. */
static bool is_eligible(const struct contender_row *row, struct instant now)
{
    if (is_running(row))
        return true;
    if (instant_compare(row->end, now) <= 0)
        return false;
    if (row->kind == KIND_IDLE)
        return true;
    if (instant_compare(row->t_zero, now) <= 0)
        return false;
    bool was_paused = row->reason == REASON_OUTBID || row->reason == REASON_OUTRANKED;
    return row->kind != KIND_BID || !was_paused || row->bid.resumes;
}

static void add_firm(struct hall *hall, const struct contender_row *row)
{
    hall->firms[hall->facts.firm_count] = (struct auction_firm){
        .id = row->id,
        .gpus = hall_places(row->num_gpus),
        .is_running = is_running(row),
        .since = row->state_at,
    };
    hall->firm_rows[hall->facts.firm_count++] = row;
}

static void add_bid(struct hall *hall, const struct contender_row *row)
{
    hall->bids[hall->facts.bid_count] = (struct auction_bid){
        .id = row->id,
        .gpus = hall_places(row->num_gpus),
        .ticks = row->bid.ticks,
        .max_ticks = row->bid.max_ticks,
        .placed = row->bid.placed,
        .is_running = is_running(row),
        .ran = row->ran.microseconds == 0 ? INSTANT_NEVER : row->ran,
    };
    hall->bid_rows[hall->facts.bid_count++] = row;
}

static bool make_room(struct hall *hall, struct arena *arena, struct error *err)
{
    size_t count = hall->row_count;

    hall->firms = arena_alloc(arena, count, sizeof *hall->firms);
    hall->bids = arena_alloc(arena, count, sizeof *hall->bids);
    hall->firm_rows = arena_alloc(arena, count, sizeof(const struct contender_row *));
    hall->bid_rows = arena_alloc(arena, count, sizeof(const struct contender_row *));
    hall->idle_rows = arena_alloc(arena, count, sizeof(const struct contender_row *));
    if (hall->firms == NULL || hall->bids == NULL || hall->firm_rows == NULL ||
        hall->bid_rows == NULL || hall->idle_rows == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for who is on the machine");
    hall->facts.firms = hall->firms;
    hall->facts.bids = hall->bids;
    return true;
}

static bool load_floor(struct db *db, struct hall *hall, struct arena *arena, struct error *err)
{
    struct idle_job_row job;
    bool has;

    if (!idle_job_load(db, hall->machine->id, arena, &job, &has, err))
        return false;
    hall->floor.reserve_ticks = auction_ticks_up(hall->machine->listing.min_bid_hour, 1);
    hall->floor.idle_ticks = has ? job.ticks : 0;
    for (size_t i = 0; i < hall->idle_count; i++)
        hall->floor.is_idle_running |= hall->idle_rows[i]->state == RENTAL_RUNNING;
    return true;
}

bool hall_load(struct db *db, const struct machine_row *machine, struct instant now,
               struct arena *arena, struct hall *ret, struct error *err)
{
    struct hall hall = { .machine = machine, .facts = { .now = now } };
    int64_t count, held = 0;

    if (!gpu_count(db, machine->id, &count, err) ||
        !contender_list(db, machine->id, now, arena, &hall.rows, &hall.row_count, err) ||
        !make_room(&hall, arena, err))
        return false;
    for (size_t i = 0; i < hall.row_count; i++) {
        const struct contender_row *row = &hall.rows[i];

        held += is_running(row) && row->kind != KIND_IDLE ? hall_places(row->num_gpus) : 0;
        if (!is_eligible(row, now))
            continue;
        if (row->kind == KIND_BID)
            add_bid(&hall, row);
        else if (row->kind == KIND_IDLE)
            hall.idle_rows[hall.idle_count++] = row;
        else
            add_firm(&hall, row);
    }
    /* Whoever runs on a GPU that has been taken out of the machine keeps it until they stop. */
    hall.facts.gpu_count = count > held ? count : held;
    if (hall.facts.gpu_count > GPUS_MAX)
        return error_set(err, ERROR_CORRUPT, "machine %lld has more GPUs than one can have",
                         (long long)machine->id);
    if (!load_floor(db, &hall, arena, err))
        return false;
    *ret = hall;
    return true;
}

void hall_drop_bid(struct hall *hall, size_t place)
{
    for (hall->facts.bid_count--; place < hall->facts.bid_count; place++) {
        hall->bids[place] = hall->bids[place + 1];
        hall->bid_rows[place] = hall->bid_rows[place + 1];
    }
}

/* Bids that do not start by themselves wait for their renter, not in line. */
static bool is_in_line(const struct hall *hall, const struct contender_row *row)
{
    return row->kind != KIND_IDLE && (is_running(row) || is_eligible(row, hall->facts.now));
}

bool hall_line(const struct hall *hall, int64_t contract_id, struct arena *arena,
               struct line_place *ret, bool *ret_has, struct error *err)
{
    struct line_one *ones = arena_alloc(arena, hall->row_count, sizeof *ones);
    size_t count = 0, at = SIZE_MAX;

    if (ones == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the line");
    for (size_t i = 0; i < hall->row_count; i++) {
        const struct contender_row *row = &hall->rows[i];
        bool is_bid = row->kind == KIND_BID;

        if (!is_in_line(hall, row))
            continue;
        at = row->id == contract_id ? count : at;
        ones[count++] = (struct line_one){ .id = row->id,
                                           .gpus = hall_places(row->num_gpus),
                                           .ticks = is_bid ? row->bid.ticks : 0,
                                           .is_running = is_running(row),
                                           .since = is_bid ? row->bid.placed : row->state_at,
                                           .end = row->end };
    }
    *ret_has = at != SIZE_MAX && !ones[at].is_running;
    if (*ret_has)
        *ret = line_find(ones, count, at, hall->facts.gpu_count);
    return true;
}

int64_t hall_quote(const struct hall *hall, int64_t num_gpus, int64_t except)
{
    return auction_quote(&hall->facts, hall_places(num_gpus), auction_lowest(&hall->floor), except);
}
