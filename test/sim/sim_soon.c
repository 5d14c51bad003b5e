/* SPDX-License-Identifier: Apache-2.0 */
/* The laws that can be held against what is new since they were last looked at: after every turn,
 * for little. */
#include <inttypes.h>

#include "market/rental.h"
#include "sim.h"

/* Each counts what must not be, among journals after $1. */
static const struct {
    const char *what, *sql;
} new_journals[] = {
    { "a journal whose control accounts do not net to zero",
      "SELECT COUNT(*) FROM (SELECT journal_id, code, SUM(amount) AS net FROM ("
      "SELECT t.journal_id, a.code, t.amount FROM transfer t JOIN account a ON a.id = t.cr "
      "WHERE t.journal_id > $1 UNION ALL "
      "SELECT t.journal_id, a.code, -t.amount FROM transfer t JOIN account a ON a.id = t.dr "
      "WHERE t.journal_id > $1) x "
      "WHERE code BETWEEN 3000 AND 3999 GROUP BY journal_id, code HAVING SUM(amount) <> 0) y" },
    { "a journal without legs", "SELECT COUNT(*) FROM journal j WHERE j.id > $1 AND NOT EXISTS "
                                "(SELECT 1 FROM transfer t WHERE t.journal_id = j.id)" },
    { "a usage journal after its contract was destroyed",
      "SELECT COUNT(*) FROM journal j JOIN contract c ON c.id = j.ref_id WHERE j.id > $1 "
      "AND j.kind = 1 AND c.destroyed_us > 0 AND j.occurred_us > c.destroyed_us" },
};

static const char debtor_with_credit[] =
    "SELECT COUNT(*) FROM account d JOIN account c ON c.owner_id = d.owner_id "
    "WHERE d.code = 1210 AND d.dr_posted > d.cr_posted AND c.code IN (2010, 2020) "
    "AND c.cr_posted > c.dr_posted";

static bool is_arrow(enum rental_state from, enum rental_state to, int64_t reason)
{
    size_t count;
    const struct rental_arrow *arrows = rental_arrows(&count);

    for (size_t i = 0; i < count; i++)
        if (arrows[i].from == from && arrows[i].to == to && (int64_t)arrows[i].reason == reason)
            return true;
    return false;
}

static struct sim_walk *walk_of(struct sim *sim, int64_t contract_id)
{
    for (size_t i = 0; i < sim->walk_count; i++)
        if (sim->walks[i].contract_id == contract_id)
            return &sim->walks[i];
    CHECK(sim->walk_count < SIM_WALKS_MAX);
    struct sim_walk *walk = &sim->walks[sim->walk_count++];
    *walk = (struct sim_walk){ .contract_id = contract_id };
    return walk;
}

/* Each contract goes from state to state along arrows of the table, and along no others. */
static bool take_events(struct db *db, void *context, struct error *err)
{
    struct sim *sim = context;
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT id, contract_id, state, reason FROM contract_event WHERE id > $1 "
                 "ORDER BY id",
                 DB_ARGS(db_int(sim->event_id)));

    while (db_next(&rows, err)) {
        int64_t state = db_column_int(&rows, 2);
        struct sim_walk *walk = walk_of(sim, db_column_int(&rows, 1));

        check_row("instance %" PRId64 ", to state %" PRId64, walk->contract_id, state);
        CHECK(rental_state_is_valid(state));
        if (walk->has_begun && walk->state != (enum rental_state)state) /* else it is a note */
            CHECK(is_arrow(walk->state, (enum rental_state)state, db_column_int(&rows, 3)));
        else if (!walk->has_begun)
            CHECK(state == RENTAL_CREATED || state == RENTAL_SCHEDULING || state == RENTAL_STOPPED);
        sim_trace(sim, "instance %" PRId64 " goes to state %" PRId64 " by reason %" PRId64,
                  walk->contract_id, state, db_column_int(&rows, 3));
        walk->has_begun = true;
        walk->state = (enum rental_state)state;
        sim->event_id = db_column_int(&rows, 0);
    }
    return !rows.has_failed;
}

void sim_laws_soon(struct sim *sim)
{
    struct world *world = &sim->world;

    for (size_t i = 0; i < sizeof new_journals / sizeof new_journals[0]; i++) {
        check_row("%s", new_journals[i].what);
        CHECK_INT(world_number_of(world, new_journals[i].sql, sim->journal_id), 0);
    }
    sim->journal_id = world_number(world, "SELECT MAX(id) FROM journal");
    check_row("a debtor with credit");
    CHECK_INT(world_number(world, debtor_with_credit), 0);
    support_read(&sim->support, take_events, sim);
    check_row(" ");
}
