/* SPDX-License-Identifier: Apache-2.0 */
/* Troubles of the server's machine: a disk that is full or fails, power that goes in the middle of
 * a write, and a wall clock that somebody sets. */
#include <inttypes.h>
#include <stdio.h>

#include "sim.h"
#include "store/support_vfs.h"

/* Writes until a disk that is in trouble fails: those of a few flows. */
enum { TROUBLE_WRITES_MAX = 60 };

static void lose_power(struct sim *sim)
{
    sim->is_server_up = false;
    sim->has_lost_power = true;
    sim->down_since_us = sim_now(sim);
    sim_trace(sim, "server: its power goes in the middle of a write");
}

static bool find_out(struct sim *sim, bool is_ok, bool is_batch, const struct error *err)
{
    if (!sim->has_trouble) {
        CHECK_OK(is_ok, err);
        return true;
    }
    /* The power may also go with what nobody waits for: when the log is moved into the file. */
    if (sim->is_server_up && !vfs_has_power())
        lose_power(sim);
    if (!is_ok) {
        sim_trace(sim, "it fails: %s", err->text);
        /* A disk that fails leaves nothing half done. */
        if (sim->is_server_up && !is_batch)
            sim_check_unchanged(sim, &sim->before);
    }
    if (sim->is_server_up)
        sim->before = sim_mark(sim);
    return is_ok;
}

bool sim_did(struct sim *sim, bool is_ok, const struct error *err)
{
    return find_out(sim, is_ok, false, err);
}

bool sim_did_some(struct sim *sim, bool is_ok, const struct error *err)
{
    return find_out(sim, is_ok, true, err);
}

void sim_disk_trouble(struct sim *sim)
{
    static const struct {
        const char *what;
        enum vfs_fault fault;
        bool is_lasting;
    } kinds[] = {
        { "is full", VFS_FAULT_FULL, true },
        { "was full for a moment", VFS_FAULT_FULL, false },
        { "fails", VFS_FAULT_IO, true },
        { "fails once", VFS_FAULT_IO, false },
        { "has no power", VFS_FAULT_POWER, true },
    };
    size_t kind = check_random(sizeof kinds / sizeof kinds[0]);

    if (!sim->is_server_up || !sim_fault(sim, FAULT_DISK))
        return;
    sim->has_trouble = true;
    sim->before = sim_mark(sim);
    vfs_fault_next(1 + (int64_t)check_random(TROUBLE_WRITES_MAX), kinds[kind].fault,
                   kinds[kind].is_lasting);
    sim_trace(sim, "server: its disk %s, soon", kinds[kind].what);
    sim_people_act(sim);
    for (size_t i = 0; i < sim->host_count; i++)
        sim_host_act(sim, &sim->hosts[i]);
    sim_jobs(sim);
    sim_people_act(sim);
    if (sim->is_server_up && !vfs_has_power())
        lose_power(sim);
    vfs_mend();
    sim->has_trouble = false;
}

/* What the power took the answers of: contracts that were made all the same. */
static bool adopt_work(struct db *db, void *context, struct error *err)
{
    struct sim *sim = context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT id, owner_id FROM contract WHERE kind <> 4 ORDER BY id", DB_NO_ARGS);
    int64_t count = 0;

    while (db_next(&rows, err)) {
        int64_t id = db_column_int(&rows, 0), owner_id = db_column_int(&rows, 1);

        count++;
        for (size_t i = 0; i < sim->user_count; i++) {
            struct sim_user *user = &sim->users[i];
            bool is_known = user->caller.user_id != owner_id;

            for (size_t k = 0; k < user->contract_count; k++)
                is_known |= user->contracts[k] == id;
            if (is_known)
                continue;
            CHECK(user->contract_count < SIM_CONTRACTS_MAX);
            user->contracts[user->contract_count++] = id;
            sim_trace(sim, "user %" PRId64 " finds instance %" PRId64, owner_id, id);
        }
    }
    check_row("of %" PRId64 " rentals, and %" PRId64 " more perhaps, %" PRId64 " are there",
              sim->rentals, sim->unsure_rentals, count);
    CHECK(count >= sim->rentals && count <= sim->rentals + sim->unsure_rentals);
    sim->rentals = count;
    sim->unsure_rentals = 0;
    return !rows.has_failed;
}

/* A heartbeat that was taken, and whose answer never came. */
static void adopt_beat(struct sim *sim, struct sim_host *host)
{
    int64_t last_us = world_number_of(
        &sim->world, "SELECT last_heartbeat_us FROM agent_session WHERE machine_id = $1",
        host->machine.id);
    bool is_known = host->beat_count > 0 && host->beats_us[host->beat_count - 1] == last_us;

    if (!is_known && host->unsure_us != 0 && last_us == host->unsure_us)
        sim_host_was_heard(sim, host, host->unsure_us, host->unsure_seq);
    else if (host->beat_count > 0)
        CHECK(is_known);
    host->unsure_us = 0;
}

void sim_check_nothing_is_lost(struct sim *sim)
{
    check_row("after a loss of power");
    support_read(&sim->support, adopt_work, sim);
    check_row("after a loss of power");
    CHECK(world_number(&sim->world, "SELECT MAX(id) FROM journal") >= sim->journal_id);
    for (size_t i = 0; i < sim->host_count; i++)
        adopt_beat(sim, &sim->hosts[i]);
    check_row(" ");
}

/* Clocks */

int64_t sim_book_now(const struct sim *sim)
{
    return clock_now(&sim->books.clock).microseconds;
}

/* As the books of era `i` have it, counted from one. */
static int64_t book_in(const struct sim *sim, size_t i, int64_t true_us)
{
    int64_t book_us = true_us + sim->eras[i - 1].ahead_us;

    if (i == sim->era_count)
        return book_us;
    /* While there was no server: not past where the next one's books begin. */
    int64_t next_us = sim->eras[i].from_us + sim->eras[i].ahead_us;
    return book_us < next_us ? book_us : next_us;
}

int64_t sim_book_of(const struct sim *sim, int64_t true_us)
{
    size_t i = sim->era_count;

    if (true_us == INT64_MAX)
        return INT64_MAX;
    while (i > 1 && sim->eras[i - 1].from_us > true_us)
        i--;
    return book_in(sim, i, true_us);
}

int64_t sim_book_before(const struct sim *sim, int64_t true_us)
{
    size_t i = sim->era_count;

    while (i > 1 && sim->eras[i - 1].from_us >= true_us)
        i--;
    return book_in(sim, i, true_us);
}

static void add_era(struct sim *sim)
{
    CHECK(sim->era_count < SIM_ERAS_MAX);
    sim->eras[sim->era_count++] =
        (struct sim_era){ sim_now(sim), sim_book_now(sim) - sim_now(sim) };
}

/* A server takes the time from the wall; and not one that was before, or it would not start
 * (server/timekeeper.h). */
bool sim_books_open(struct sim *sim)
{
    int64_t wall_us = clock_now(&sim->wall).microseconds;

    if (sim->era_count > 0 && wall_us < sim->book_last_us) {
        int64_t set_us = sim_now(sim) - wall_us;

        sim_trace(sim, "server: the clock is wrong, and is set right");
        sim->wall.held_now = instant_add(sim->wall.held_now, set_us);
        if (sim_now(sim) < sim->book_last_us)
            return false; /* it was before, and the books have to be waited for */
    }
    clock_steady_open(&sim->books, &sim->wall);
    add_era(sim);
    sim->world.flow.clock = &sim->books.clock;
    return true;
}

void sim_set_clock(struct sim *sim)
{
    int64_t step_us = sim_between(3 * US_PER_SECOND, US_PER_HOUR);

    if (!sim_fault(sim, FAULT_CLOCK))
        return;
    step_us = sim_chance(2) ? -step_us : step_us;
    if (sim_chance(3))
        step_us = sim_now(sim) - clock_now(&sim->wall).microseconds; /* right again */
    sim->wall.held_now = instant_add(sim->wall.held_now, step_us);
    sim_trace(sim, "server: somebody sets the clock by %" PRId64 " us", step_us);
}

void sim_clocks_advance(struct sim *sim, int64_t us)
{
    int64_t apart_us;

    clock_advance(&sim->world.clock, us);
    clock_advance(&sim->wall, us);
    (void)clock_steady_look(&sim->books, &apart_us);
    if (!sim->is_server_up)
        return;
    sim->book_last_us = sim_book_now(sim);
    /* A wall clock that is off by little is followed, slowly. */
    if (sim->book_last_us - sim_now(sim) != sim->eras[sim->era_count - 1].ahead_us)
        add_era(sim);
}
