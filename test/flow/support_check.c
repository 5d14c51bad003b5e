/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/support_check.h"

#include <stdio.h>
#include <string.h>

#include "flow/instance_change.h"
#include "flow/seal.h"

static void note(void *context, const char *rule, const char *text)
{
    struct findings *findings = context;
    size_t used = strlen(findings->rules), text_used = strlen(findings->texts);

    findings->count++;
    (void)snprintf(findings->rules + used, sizeof findings->rules - used, "%s ", rule);
    (void)snprintf(findings->texts + text_used, sizeof findings->texts - text_used, "    %s %s\n",
                   rule, text);
}

struct check_counts check_market(struct support *support, struct findings *findings)
{
    struct check_counts counts;
    struct error err;

    *findings = (struct findings){ .count = 0 };
    CHECK_OK(flow_check(support->store, note, findings, &counts, &err), &err);
    CHECK_INT((int64_t)counts.findings, findings->count);
    return counts;
}

void check_is_clean(struct support *support)
{
    struct findings findings;

    (void)check_market(support, &findings);
    if (findings.count > 0)
        print_error("%s", findings.texts);
    CHECK_INT(findings.count, 0);
}

int64_t check_seal(struct world *world)
{
    struct error err;
    size_t count;

    world_pass(world, (SEAL_AGE_SECONDS + 1) * US_PER_SECOND);
    CHECK_OK(flow_seal(&world->flow, &count, &err), &err);
    return (int64_t)count;
}

void check_live(struct world *world)
{
    static struct world_machine machine;
    enum change_outcome reply;
    struct error err;

    world_host(world, &machine, "alpha", 4);
    struct caller ada = world_user(world, "ada@example.org", 100);
    struct caller bob = world_user(world, "bob@example.org", 1);
    int64_t first = world_running(world, &machine, ada, 2);
    world_run(world, &machine, 20 * US_PER_SECOND);
    int64_t stopped = world_running(world, &machine, ada, 2);
    world_run(world, &machine, 60 * US_PER_SECOND);
    CHECK_OK(flow_stop(&world->flow, &ada, stopped, &reply, &err), &err);
    world_run(world, &machine, 30 * US_PER_SECOND);
    CHECK_OK(flow_destroy(&world->flow, &ada, first, &reply, &err), &err);
    world_run(world, &machine, 30 * US_PER_SECOND);
    (void)world_running(world, &machine, bob, 2);
    world_run(world, &machine, 90 * US_PER_SECOND);
}

/* Take away what would keep the plants from being planted. */
static const char surgery[] =
    "DROP INDEX gpu_one_holder;\n"
    "DROP INDEX run_interval_open;\n"
    "DROP INDEX rate_epoch_open;\n"
    "-- sqlite:\n"
    "DROP TRIGGER journal_no_update;\n"
    "DROP TRIGGER journal_no_delete;\n"
    "DROP TRIGGER transfer_no_update;\n"
    "DROP TRIGGER transfer_no_delete;\n"
    "DROP TRIGGER journal_seal_no_update;\n"
    "DROP TRIGGER journal_seal_no_delete;\n"
    "DROP TRIGGER hold_ends_once;\n"
    "DROP TRIGGER hold_no_delete;\n"
    "-- postgres:\n"
    "DROP TRIGGER journal_no_change ON journal;\n"
    "DROP TRIGGER transfer_no_change ON transfer;\n"
    "DROP TRIGGER journal_seal_no_change ON journal_seal;\n"
    "DROP TRIGGER hold_no_delete ON hold;\n"
    "DO $$ DECLARE r record; BEGIN\n"
    "  FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint\n"
    "    WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace LOOP\n"
    "    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);\n"
    "  END LOOP;\n"
    "END $$;\n"
    "-- end\n"
    /* Places to plant at. */
    "CREATE TABLE spot (running I64, stopped I64, ended I64, leg I64, fee I64, gpu I64,\n"
    "  debtor I64, funds I64) STRICT;\n"
    "INSERT INTO spot SELECT\n"
    "  (SELECT max(id) FROM contract WHERE state = 3),\n"
    "  (SELECT max(id) FROM contract WHERE state = 7),\n"
    "  (SELECT min(id) FROM contract WHERE destroyed_us > 0),\n"
    "  (SELECT min(journal_id) FROM transfer WHERE code = 11),\n"
    "  (SELECT id FROM account WHERE code = 4010),\n"
    "  (SELECT min(gpu_id) FROM gpu_claim),\n"
    "  (SELECT min(owner_id) FROM account WHERE code = 2020 AND cr_posted > dr_posted),\n"
    "  (SELECT min(id) FROM account WHERE code = 2020);\n";

static void run_without_checks(struct support *support, const char *sql)
{
    char script[2048];

    (void)snprintf(script, sizeof script,
                   "-- sqlite:\nPRAGMA ignore_check_constraints=ON;\n-- end\n%s", sql);
    support_script(support, script);
}

void check_plants(struct support *support, const struct plant *plants, size_t count)
{
    static struct world world;

    world_open(&world, support);
    check_live(&world);
    CHECK(check_seal(&world) > 0);
    check_plants_in(support, plants, count);
    world_close(&world);
}

void check_plants_in(struct support *support, const struct plant *plants, size_t count)
{
    check_is_clean(support);
    support_script(support, surgery);
    check_is_clean(support);
    for (size_t i = 0; i < count; i++) {
        struct findings findings;
        char rule[16];

        check_row("%s: %s", plants[i].rule, plants[i].harm);
        run_without_checks(support, plants[i].harm);
        (void)check_market(support, &findings);
        (void)snprintf(rule, sizeof rule, "%s ", plants[i].rule);
        const char *at = strstr(findings.rules, rule);
        if (at == NULL)
            print_error("found: %s\n%s", findings.rules, findings.texts);
        CHECK(at != NULL);
        run_without_checks(support, plants[i].mend);
        check_is_clean(support);
    }
}
