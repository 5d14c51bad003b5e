/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "market/journal.h"
#include "store/seal.h"
#include "sys/crypto.h"

/* An account beside what its transfers and its holds add up to. */
struct account {
    int64_t id, code, owner, sub;
    unsigned flags;
    struct money debits, credits, pending_debits, pending_credits; /* as kept */
    numerator sum_debits, sum_credits;                             /* as recomputed */
    numerator granted, used, expired;                              /* of promo, by why */
    struct money hold_debits, hold_credits;
};

/* All accounts are in memory, so that the transfers need be read once, in the order in which they
 * were written. Whatever else is read comes in pages. */
struct books {
    struct check_run *run;
    struct account *accounts; /* owned; by id */
    size_t account_count, account_capacity;
    struct idmap places; /* of accounts, by id */
    struct audit_stream hold_debits, hold_credits;
    numerator total_debits, total_credits;
    numerator debit_balance[LEDGER_EQUITY + 1]; /* by kind */
};

/* Why given credit came or went. What is charged and then taken back was not used. */
static void sort_promo(struct account *account, int64_t code, numerator credited)
{
    if (code == LEG_GRANTED)
        account->granted += credited;
    else if (code == LEG_EXPIRED)
        account->expired -= credited;
    else if (code / 10 >= COMPONENT_GPU && code / 10 <= COMPONENT_DOWN)
        account->used -= credited;
}

/* One side of a transfer: sign 1 where the account is credited, -1 where it is debited. */
static struct ledger_key add_side(struct books *books, const struct audit_row *leg, int sign)
{
    int64_t id = leg->at[sign > 0 ? 5 : 4], amount = leg->at[3];
    uint32_t place = idmap_find(&books->places, id);

    if (place == IDMAP_NONE) {
        check_run_find(books->run, "I-2",
                       "transfers belong to account %" PRId64 ", which does not exist", id);
        return (struct ledger_key){ .code = 0 };
    }
    struct account *account = &books->accounts[place];
    *(sign > 0 ? &account->sum_credits : &account->sum_debits) += amount;
    if (account->code == LEDGER_RENTER_PROMO)
        sort_promo(account, leg->at[2], sign * (numerator)amount);
    return (struct ledger_key){ (enum ledger_code)account->code, account->owner, account->sub };
}

static struct leg add_transfer(struct books *books, const struct audit_row *row)
{
    struct ledger_key debit = add_side(books, row, -1);

    return (struct leg){ debit, add_side(books, row, 1), { row->at[3] }, (int)row->at[2] };
}

static void check_promo(struct check_run *run, const struct account *account)
{
    numerator left = account->sum_credits - account->sum_debits;

    if (account->code == LEDGER_RENTER_PROMO &&
        (account->granted != account->used + account->expired + left || account->expired < 0))
        check_run_find(run, "I-18",
                       "renter %" PRId64 " was granted %" PRId64 ", has used %" PRId64
                       ", lost %" PRId64 " and has %" PRId64 " left",
                       account->owner, (int64_t)account->granted, (int64_t)account->used,
                       (int64_t)account->expired, (int64_t)left);
}

static bool sum_holds(struct books *books, struct audit_stream *stream, int64_t id,
                      struct money *ret_sum, struct error *err)
{
    struct audit_row row;
    bool has;

    if (!check_run_skip(books->run, stream, id, "holds", err) ||
        !check_run_take(stream, id, &row, &has, err))
        return false;
    *ret_sum = (struct money){ has ? row.at[1] : 0 };
    return true;
}

static void check_limits(struct check_run *run, const struct account *account)
{
    const struct ledger_account *chart = ledger_account(account->code);
    struct money all_debits, all_credits;

    if (chart == NULL) {
        check_run_find(run, "I-4",
                       "account %" PRId64 " has code %" PRId64 ", which is not in the chart",
                       account->id, account->code);
        return;
    }
    if ((account->flags & ~(unsigned)LEDGER_CLOSED) != chart->flags)
        check_run_find(run, "I-4", "account %" PRId64 " (%s of %" PRId64 ") has flags %u, not %u",
                       account->id, chart->name, account->owner, account->flags, chart->flags);
    if (!money_add(account->debits, account->pending_debits, &all_debits) ||
        !money_add(account->credits, account->pending_credits, &all_credits) ||
        !ledger_is_within_limits(chart->flags & LEDGER_L, all_debits, account->credits) ||
        !ledger_is_within_limits(chart->flags & LEDGER_A, account->debits, all_credits))
        check_run_find(run, "I-4",
                       "account %" PRId64 " (%s of %" PRId64
                       ") is beyond its limit: debits %" PRId64 " and %" PRId64
                       " pending, credits %" PRId64 " and %" PRId64 " pending",
                       account->id, chart->name, account->owner, account->debits.nanodollars,
                       account->pending_debits.nanodollars, account->credits.nanodollars,
                       account->pending_credits.nanodollars);
}

static void check_sums(struct check_run *run, const struct account *account)
{
    bool is_summed = (account->flags & LEDGER_S) != 0;
    numerator debits = is_summed ? 0 : account->sum_debits;
    numerator credits = is_summed ? 0 : account->sum_credits;

    if (account->debits.nanodollars != debits || account->credits.nanodollars != credits)
        check_run_find(run, "I-2",
                       "account %" PRId64 " keeps debits %" PRId64 " and credits %" PRId64
                       ", its transfers say %" PRId64 " and %" PRId64,
                       account->id, account->debits.nanodollars, account->credits.nanodollars,
                       (int64_t)debits, (int64_t)credits);
    struct money held_debits = is_summed ? (struct money){ 0 } : account->hold_debits;
    struct money held_credits = is_summed ? (struct money){ 0 } : account->hold_credits;
    if (money_compare(account->pending_debits, held_debits) != 0 ||
        money_compare(account->pending_credits, held_credits) != 0)
        check_run_find(run, "I-2",
                       "account %" PRId64 " keeps %" PRId64 " and %" PRId64
                       " pending, its open holds say %" PRId64 " and %" PRId64,
                       account->id, account->pending_debits.nanodollars,
                       account->pending_credits.nanodollars, held_debits.nanodollars,
                       held_credits.nanodollars);
}

static bool check_account(struct books *books, struct account *account, struct error *err)
{
    const struct ledger_account *chart = ledger_account(account->code);

    if (!sum_holds(books, &books->hold_debits, account->id, &account->hold_debits, err) ||
        !sum_holds(books, &books->hold_credits, account->id, &account->hold_credits, err))
        return false;
    check_limits(books->run, account);
    check_sums(books->run, account);
    check_promo(books->run, account);
    if (account->code == LEDGER_STRIPE || account->code == LEDGER_PAYPAL)
        books->run->provider_balance[account->code == LEDGER_PAYPAL] +=
            account->sum_debits - account->sum_credits;
    books->total_debits += account->sum_debits;
    books->total_credits += account->sum_credits;
    if (chart != NULL)
        books->debit_balance[chart->kind] += account->sum_debits - account->sum_credits;
    return true;
}

static void check_totals(struct books *books)
{
    const numerator *debit = books->debit_balance;
    numerator left = debit[LEDGER_ASSET] + debit[LEDGER_LIABILITY];
    numerator right = -debit[LEDGER_EQUITY] - debit[LEDGER_INCOME] - debit[LEDGER_EXPENSE];

    if (books->total_debits != books->total_credits)
        check_run_find(books->run, "I-1", "all debits are %" PRId64 ", all credits %" PRId64,
                       (int64_t)books->total_debits, (int64_t)books->total_credits);
    if (left != right)
        check_run_find(books->run, "I-20",
                       "assets less liabilities are %" PRId64
                       ", equity and income less expenses %" PRId64,
                       (int64_t)left, (int64_t)right);
}

static struct account *push(struct books *books)
{
    if (books->account_count == books->account_capacity) {
        books->account_capacity = 2 * books->account_capacity + 1024;
        books->accounts =
            realloc(books->accounts, books->account_capacity * sizeof *books->accounts);
        if (books->accounts == NULL || books->account_capacity >= IDMAP_NONE)
            abort();
    }
    return &books->accounts[books->account_count++];
}

static bool load_accounts(struct books *books, struct error *err)
{
    auto_audit struct audit_stream accounts = audit_open(books->run->db, AUDIT_ACCOUNTS);
    const struct audit_row *row;

    for (; audit_see(&accounts, &row, err); audit_take(&accounts)) {
        books->run->counts.accounts = accounts.taken;
        if (row == NULL)
            return true;
        idmap_put(&books->places, row->at[0], (uint32_t)books->account_count);
        *push(books) = (struct account){
            .id = row->at[0],
            .code = row->at[1],
            .owner = row->at[2],
            .sub = row->at[8],
            .flags = (unsigned)row->at[3],
            .debits = { row->at[4] },
            .credits = { row->at[5] },
            .pending_debits = { row->at[6] },
            .pending_credits = { row->at[7] },
        };
    }
    return false;
}

/* What is kept beside what was added up of it. */
static bool check_accounts(struct books *books, struct error *err)
{
    for (size_t i = 0; i < books->account_count; i++)
        if (!check_account(books, &books->accounts[i], err))
            return false;
    check_totals(books);
    return check_run_skip(books->run, &books->hold_debits, INT64_MAX, "holds", err) &&
           check_run_skip(books->run, &books->hold_credits, INT64_MAX, "holds", err);
}

static bool check_debtors(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream debtors = audit_open(run->db, AUDIT_DEBTORS);
    const struct audit_row *row;

    while (audit_see(&debtors, &row, err)) {
        if (row == NULL)
            return true;
        check_run_find(run, "I-5", "renter %" PRId64 " owes and has credit at once", row->at[0]);
        audit_take(&debtors);
    }
    return false;
}

/* A hold that was captured was taken from where it was held, and no more than it held. */
static bool check_captured(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream holds = audit_open(run->db, AUDIT_CAPTURED);
    const struct audit_row *row;

    for (; audit_see(&holds, &row, err); audit_take(&holds)) {
        if (row == NULL)
            return true;
        if (row->at[2] <= 0 || row->at[2] > row->at[1])
            check_run_find(run, "I-2",
                           "hold %" PRId64 " is of %" PRId64 ", and its journal took %" PRId64,
                           row->at[0], row->at[1], row->at[2]);
    }
    return false;
}

/* What the renter is charged for a component is what host and house get. */
static void check_split(struct check_run *run, int64_t id, const struct journal *journal)
{
    for (int component = COMPONENT_GPU; component <= COMPONENT_DOWN; component++) {
        numerator charged = 0, shared = 0;

        for (size_t i = 0; i < journal->leg_count; i++) {
            const struct leg *leg = &journal->legs[i];

            if (leg->code == 10 * component + LEG_CHARGE)
                charged += leg->amount.nanodollars;
            if (leg->code == 10 * component + LEG_HOST_SHARE ||
                leg->code == 10 * component + LEG_FEE)
                shared += leg->amount.nanodollars;
        }
        if (charged != shared)
            check_run_find(run, "I-8",
                           "journal %" PRId64 " charges %" PRId64 " for %s and shares out %" PRId64,
                           id, (int64_t)charged, component_name((enum component)component),
                           (int64_t)shared);
    }
}

static void check_hash(struct check_run *run, const struct audit_row *row,
                       const struct journal *journal)
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);
    char text[HEX_SIZE(HASH_SIZE)];

    journal_body(&body, journal);
    struct hash hash = crypto_sha256(body.length > 0 ? body.bytes : "", body.length);
    if (body.has_overflowed ||
        strcmp(hex_format(hash.bytes, sizeof hash.bytes, text), row->hash) != 0)
        check_run_find(run, "I-19", "journal %" PRId64 " (%s) is not what was posted", row->at[0],
                       row->key);
}

/* The chain over the journals, as it is recomputed along with them. */
struct chain {
    struct audit_stream seals;
    struct seal previous;
    struct seal_batch batch;
};

/* Close the batches that end before journal `id`. */
static bool close_batches(struct check_run *run, struct chain *chain, int64_t id, struct error *err)
{
    const struct audit_row *row;

    while (audit_see(&chain->seals, &row, err)) {
        if (row == NULL || row->at[1] >= id)
            return true;
        struct seal seal = { .hash = "" };
        if (chain->batch.journal_count > 0)
            seal = seal_close(&chain->previous, &chain->batch);
        if (seal.number != row->at[0] || seal.last_journal != row->at[1] ||
            seal.journal_count != row->at[2] || strcmp(seal.hash, row->hash) != 0)
            check_run_find(run, "I-19",
                           "seal %" PRId64 ", of %" PRId64 " journals up to %" PRId64
                           ", does not match them",
                           row->at[0], row->at[2], row->at[1]);
        /* From here on as it is stored, so that one break is one finding. */
        chain->previous = (struct seal){ .number = row->at[0], .last_journal = row->at[1] };
        (void)snprintf(chain->previous.hash, sizeof chain->previous.hash, "%.*s",
                       (int)sizeof chain->previous.hash - 1, row->hash);
        chain->batch = (struct seal_batch){ .last_journal = row->at[1] };
        run->counts.sealed = chain->previous.last_journal;
        run->counts.seals++;
        audit_take(&chain->seals);
    }
    return false;
}

static void check_kind(struct check_run *run, const struct audit_row *row,
                       const struct journal *journal, size_t leg_count)
{
    int64_t id = row->at[0];

    if (!journal_is_balanced(journal))
        check_run_find(run, "I-3", "journal %" PRId64 " (%s) is not balanced: %zu legs", id,
                       row->key, leg_count);
    if (journal->kind == JOURNAL_USAGE)
        check_split(run, id, journal);
    check_usage_add(&run->usage, id, journal);
    if (journal->corrects >= id)
        check_run_find(run, "I-15", "journal %" PRId64 " corrects %" PRId64 ", a later one", id,
                       journal->corrects);
    check_hash(run, row, journal);
}

/* The transfers up to journal `id`, each added to its accounts; that one's are its legs. More than
 * there may be are counted, not kept. */
static bool take_legs(struct books *books, struct audit_stream *transfers, int64_t id,
                      struct journal *journal, size_t *ret_count, struct error *err)
{
    const struct audit_row *row;

    for (*ret_count = 0; audit_see(transfers, &row, err); audit_take(transfers)) {
        books->run->counts.transfers = transfers->taken;
        if (row == NULL || row->at[0] > id)
            return true;
        struct leg leg = add_transfer(books, row);
        if (row->at[0] < id)
            check_run_find(books->run, "I-2", "legs belong to %" PRId64 ", which does not exist",
                           row->at[0]);
        else if ((*ret_count)++ < JOURNAL_LEGS_MAX)
            journal->legs[journal->leg_count++] = leg;
    }
    return false;
}

static bool check_journal(struct books *books, struct chain *chain, struct audit_stream *transfers,
                          const struct audit_row *row, struct error *err)
{
    struct check_run *run = books->run;
    int64_t id = row->at[0];
    struct journal journal = audit_journal(row);
    size_t leg_count;

    if (!close_batches(run, chain, id, err) ||
        !take_legs(books, transfers, id, &journal, &leg_count, err))
        return false;
    if (leg_count > JOURNAL_LEGS_MAX)
        check_run_find(run, "I-3", "journal %" PRId64 " has %zu legs", id, leg_count);
    else
        check_kind(run, row, &journal, leg_count);
    struct seal_entry entry = { id, { row->at[3] }, row->hash, &journal };
    if (id > chain->batch.last_journal)
        seal_batch_add(&chain->batch, &entry);
    return true;
}

static bool check_all_journals(struct books *books, struct chain *chain, struct error *err)
{
    struct check_run *run = books->run;
    auto_audit struct audit_stream journals = audit_open(run->db, AUDIT_JOURNALS);
    auto_audit struct audit_stream transfers = audit_open(run->db, AUDIT_TRANSFERS);
    const struct audit_row *row;
    struct journal none;
    size_t none_count;

    for (; audit_see(&journals, &row, err); audit_take(&journals)) {
        run->counts.journals = journals.taken;
        if (row == NULL)
            return take_legs(books, &transfers, INT64_MAX, &none, &none_count, err) &&
                   close_batches(run, chain, INT64_MAX, err);
        if (!check_journal(books, chain, &transfers, row, err))
            return false;
    }
    return false;
}

static bool check_journals(struct books *books, struct error *err)
{
    struct check_run *run = books->run;
    struct chain chain = { .seals = audit_open(run->db, AUDIT_SEALS) };
    bool is_read = check_all_journals(books, &chain, err);

    (void)snprintf(run->counts.head, sizeof run->counts.head, "%s", chain.previous.hash);
    run->counts.unsealed = (uint64_t)chain.batch.journal_count;
    audit_close(&chain.seals);
    return is_read;
}

bool check_books(struct check_run *run, struct error *err)
{
    struct books books = { .run = run,
                           .hold_debits = audit_open(run->db, AUDIT_HOLD_DEBITS),
                           .hold_credits = audit_open(run->db, AUDIT_HOLD_CREDITS) };
    bool is_read = load_accounts(&books, err) && check_journals(&books, err) &&
                   check_accounts(&books, err) && check_captured(run, err) &&
                   check_debtors(run, err);

    audit_close(&books.hold_debits);
    audit_close(&books.hold_credits);
    idmap_release(&books.places);
    free(books.accounts);
    return is_read;
}
