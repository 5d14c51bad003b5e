/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_rows.h"

#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/ledger.h"
#include "store/support_rows.h"

/* With so many legs, each between two accounts of its own. */
static struct journal journal_of(size_t legs)
{
    struct leg items[JOURNAL_LEGS_MAX];
    struct journal_moves moves = { .key = "adj:rows",
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = 1,
                                   .occurred = scene_at(1),
                                   .legs = items,
                                   .leg_count = legs };
    struct journal journal;

    for (size_t i = 0; i < legs; i++)
        items[i] = (struct leg){ { LEDGER_RENTER_RECEIVABLE, 100 + (int64_t)i, 0 },
                                 { LEDGER_HOST_ACCRUED, 200 + (int64_t)i, 0 },
                                 { 1 + (int64_t)i },
                                 LEG_HOST_SHARE };
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    return journal;
}

/* On both sides of every number that a statement takes. */
static void test_every_leg_is_stored_in_its_place(void **state)
{
    static const size_t counts[] = { 1, 2, 3, 4, 6, 7, JOURNAL_LEGS_MAX };
    auto_scene struct scene scene = scene_open(*state);

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct journal journal = journal_of(counts[i]);
        struct ledger_entries entries = { .count = 0 };
        int64_t id;

        check_row("%zu legs", counts[i]);
        CHECK_OK(db_insert(scene.db,
                           "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, "
                           "posted_us, ref_kind, ref_id) VALUES ($1, '', 11, 0, 0, 2, 1) "
                           "RETURNING id",
                           DB_ARGS(db_text((char[]){ (char)('a' + i), '\0' })), &id, &scene.err),
                 &scene.err);
        for (size_t k = 0; k < journal.leg_count; k++)
            CHECK(ledger_entries_add(&entries, &journal.legs[k]));
        CHECK_OK(ledger_entries_find(scene.db, &entries, scene_at(1), &scene.err), &scene.err);
        CHECK_OK(ledger_insert_legs(scene.db, id, &journal, &entries, &scene.err), &scene.err);
        CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM transfer WHERE journal_id = "
                                       "(SELECT MAX(id) FROM journal)"),
                  (int64_t)counts[i]);
        CHECK_INT(scene_number(&scene,
                               "SELECT COUNT(*) FROM transfer t "
                               "JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr "
                               "WHERE t.journal_id = (SELECT MAX(id) FROM journal) "
                               "AND t.amount = t.leg AND d.owner_id = 99 + t.leg "
                               "AND c.owner_id = 199 + t.leg"),
                  (int64_t)counts[i]);
    }
}

/* Of several journals, on both sides of what a statement takes. */
static void test_all_legs_of_all_journals_are_stored_in_their_places(void **state)
{
    enum { JOURNALS = 2 * LEDGER_LEGS_MAX / JOURNAL_LEGS_MAX + 2 };
    static const size_t counts[] = { 1, 2, LEDGER_LEGS_MAX / JOURNAL_LEGS_MAX, JOURNALS };
    static struct ledger_entries entries[JOURNALS];
    static struct journal journals[JOURNALS];
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[JOURNALS];
    char key[32];

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t before = scene_number(&scene, "SELECT COUNT(*) FROM transfer"), legs = 0;

        check_row("%zu journals", counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            journals[k] = journal_of(JOURNAL_LEGS_MAX - k % 2);
            legs += (int64_t)journals[k].leg_count;
            entries[k] = (struct ledger_entries){ .count = 0 };
            (void)snprintf(key, sizeof key, "all:%zu:%zu", i, k);
            CHECK_OK(db_insert(scene.db,
                               "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, "
                               "posted_us, ref_kind, ref_id) VALUES ($1, '', 11, 0, 0, 2, 1) "
                               "RETURNING id",
                               DB_ARGS(db_text(key)), &ids[k], &scene.err),
                     &scene.err);
            for (size_t leg = 0; leg < journals[k].leg_count; leg++)
                CHECK(ledger_entries_add(&entries[k], &journals[k].legs[leg]));
        }
        CHECK_OK(ledger_entries_find_all(scene.db, entries, counts[i], scene_at(1), &scene.err),
                 &scene.err);
        CHECK_OK(ledger_insert_all_legs(scene.db, ids, journals, entries, counts[i], &scene.err),
                 &scene.err);
        CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM transfer") - before, legs);
        CHECK_INT(scene_number(&scene,
                               "SELECT COUNT(*) FROM transfer t "
                               "JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr "
                               "WHERE t.amount <> t.leg OR d.owner_id <> 99 + t.leg "
                               "OR c.owner_id <> 199 + t.leg"),
                  0);
        CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM journal j WHERE idem_key LIKE 'all:%' "
                                       "AND (SELECT COUNT(*) FROM transfer t WHERE "
                                       "t.journal_id = j.id) NOT IN (15, 16)"),
                  0);
    }
}

/* The hash is of what was asked: another amount of a move is another thing. */
static void test_the_hash_is_of_what_was_asked(void **state)
{
    struct journal journal = journal_of(2), other = journal_of(2);
    char hash[HEX_SIZE(HASH_SIZE)], other_hash[HEX_SIZE(HASH_SIZE)];

    (void)state;
    ledger_body_hash(&journal, hash);
    ledger_body_hash(&other, other_hash);
    CHECK_TEXT(hash, other_hash);
    CHECK_INT((int64_t)strlen(hash), 64);
    other.ref_id++;
    ledger_body_hash(&other, other_hash);
    CHECK(strcmp(hash, other_hash) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_leg_is_stored_in_its_place),
        cmocka_unit_test(test_all_legs_of_all_journals_are_stored_in_their_places),
        cmocka_unit_test(test_the_hash_is_of_what_was_asked),
    };

    return SUPPORT_RUN(tests);
}
