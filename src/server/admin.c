/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/parse.h"
#include "flow/account.h"
#include "flow/admin.h"
#include "flow/audit_log.h"
#include "flow/revoke_key.h"
#include "flow/show_user.h"
#include "server/admin_approvals.h"
#include "server/admin_builds.h"
#include "server/admin_disputes.h"
#include "server/admin_holds.h"
#include "server/admin_money.h"
#include "server/admin_parked.h"
#include "server/admin_payments.h"
#include "server/data_dir.h"
#include "server/fields.h"
#include "server/trial_json.h"
#include "server/whereabouts.h"

enum { USERS_PAGE_MAX = 256, ADMIN_ARENA_MAX = 16 << 20 };

const struct option_row admin_options[] = {
    { "data", "DIR", "the server's folder (needed)" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { "email", "E", "user create: whose account; the others: of whom" },
    { "username", "NAME", "user create: how to call them" },
    { "credit", "25.00", "user create: dollars to begin with" },
    { "admin", NULL, "user create: an operator" },
    { "user", "ID", "credit: of whom, in place of --email" },
    { "amount", "25.00", "credit: dollars" },
    { "ticket", "TEXT", "credit grant, deposit: the same one again adds nothing" },
    { "component", "C", "refund charge: gpu, disk, bwu or bwd" },
    { "used", "N", "refund charge: how many hours or GB, or all" },
    { "state", "S",
      "payout list: created, submitted, in_transit, paid, failed, ...; hold list: open; "
      "dispute list: said, taken, won, lost; "
      "approval list: waiting" },
    { "operator", "FILE", "refund charge, hold take: your API key, for what takes two operators" },
    { "reference", "R", "payout: what the bank or provider calls it; build: its version" },
    { "reason", "TEXT", "payout fail, hold: why" },
    { "text", "TEXT", "dispute note: your words" },
    { "days", "N", "credit expect, hold: for how long (14; until it is ended)" },
    { NULL, NULL, NULL },
};

static bool run_user_create(struct admin *admin, struct error *err)
{
    const char *credit = options_get(admin->options, "credit");
    struct account_request request = { .username = options_get(admin->options, "username"),
                                       .is_admin = options_has(admin->options, "admin") };
    struct account_reply done;

    if (!admin_need(admin, "email", &request.email, err) ||
        (credit != NULL && !money_parse(credit, &request.credit, err)) ||
        !flow_account_create(&admin->flow, &request, &done, err))
        return false;
    switch (done.outcome) {
    case ACCOUNT_CREATED:
        break;
    case ACCOUNT_EXISTS:
        return admin_refuse(err, "this email has an account already");
    case ACCOUNT_BAD_EMAIL:
        return admin_refuse(err, "this is not an email address");
    case ACCOUNT_BAD_CREDIT:
        return admin_refuse(err, "credit must not be negative");
    }
    struct encoder json = encoder_of(admin->out);
    encode_object(&json);
    encode_field_int(&json, "id", done.user_id);
    encode_field_text(&json, "email", request.email);
    encode_field_text(&json, "api_key", done.api_key);
    encode_end(&json);
    crypto_wipe(done.api_key, sizeof done.api_key);
    return true;
}

static bool encode_user(struct admin *admin, struct encoder *json, const struct user_row *user,
                        struct error *err)
{
    const struct caller caller = { .kind = CALLER_USER, .user_id = user->id, .scopes = SCOPE_ALL };
    auto_arena struct arena arena = arena_of(ADMIN_ARENA_MAX);
    struct user_view view;
    char created[INSTANT_TEXT_SIZE];

    if (!flow_show_user(&admin->flow, &caller, &arena, &view, err))
        return error_context(err, "user %lld", (long long)user->id);
    encode_object(json);
    encode_field_int(json, "id", user->id);
    encode_field_text(json, "email", user->email);
    encode_field_text(json, "username", user->username);
    encode_field_bool(json, "is_admin", user->is_admin);
    encode_field_bool(json, "is_host", view.has_machines);
    encode_field_money(json, "credit", view.credit);
    encode_field_money(json, "balance", view.earnings);
    encode_field_money(json, "pending_credit", view.pending_credit);
    encode_field_money(json, "held_credit", view.held_credit);
    encode_field_money(json, "held_earnings", view.held_earnings);
    encode_field_money(json, "credit_limit", user->credit_limit);
    encode_field_text(json, "created_at", instant_format(user->created, created));
    encode_end(json);
    return true;
}

static bool run_user_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    int64_t after = 0;
    size_t count;

    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(ADMIN_ARENA_MAX);
        struct user_row *users;
        if (!flow_user_list(&admin->flow, after, USERS_PAGE_MAX, &arena, &users, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!encode_user(admin, &json, &users[i], err))
                return false;
            after = users[i].id;
        }
    } while (count == USERS_PAGE_MAX);
    encode_end(&json);
    return true;
}

/* Whoever --user or --email names. */
bool admin_find_user(struct admin *admin, int64_t *ret_id, struct error *err)
{
    const char *id = options_get(admin->options, "user");
    const char *email = options_get(admin->options, "email");
    int64_t after = 0;
    size_t count;

    if (id != NULL)
        return admin_parse_id(id, ret_id, err);
    if (email == NULL)
        return error_set(err, ERROR_INVALID, "--user ID or --email E is needed");
    do {
        auto_arena struct arena arena = arena_of(ADMIN_ARENA_MAX);
        struct user_row *users;
        if (!flow_user_list(&admin->flow, after, USERS_PAGE_MAX, &arena, &users, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            after = users[i].id;
            if (strcasecmp(users[i].email, email) == 0) {
                *ret_id = users[i].id;
                return true;
            }
        }
    } while (count == USERS_PAGE_MAX);
    return error_set(err, ERROR_NOT_FOUND, "nobody has the email %.64s", email);
}

bool admin_report(struct admin *admin, enum admin_outcome outcome, const char *what, int64_t id,
                  struct error *err)
{
    struct encoder json = encoder_of(admin->out);

    switch (outcome) {
    case ADMIN_DONE:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_field_int(&json, what, id);
        encode_end(&json);
        return true;
    case ADMIN_NOT_FOUND:
        return error_set(err, ERROR_NOT_FOUND, "there is no %s %lld", what, (long long)id);
    case ADMIN_BAD_AMOUNT:
        return admin_refuse(err, "the amount must be above zero");
    case ADMIN_BAD_PLACE:
        return admin_refuse(err, "a place ends in a country's two letters: 'Gothenburg, SE'");
    }
    return admin_refuse(err, "the market refused");
}

static bool set_verification(struct admin *admin, enum verification verification, struct error *err)
{
    enum admin_outcome outcome;
    int64_t machine_id;

    return admin_parse_id(admin->options->words[2], &machine_id, err) &&
           flow_set_verification(&admin->flow, machine_id, verification, &outcome, err) &&
           admin_report(admin, outcome, "machine", machine_id, err);
}

static bool run_machine_place(struct admin *admin, struct error *err)
{
    enum admin_outcome outcome;
    int64_t machine_id;

    return admin_parse_id(admin->options->words[2], &machine_id, err) &&
           flow_set_place(&admin->flow, machine_id, admin->options->words[3], &outcome, err) &&
           admin_report(admin, outcome, "machine", machine_id, err);
}

static bool run_machine_revoke_key(struct admin *admin, struct error *err)
{
    enum admin_outcome outcome;
    int64_t machine_id;

    return admin_parse_id(admin->options->words[2], &machine_id, err) &&
           flow_revoke_key(&admin->flow, machine_id, &outcome, err) &&
           admin_report(admin, outcome, "machine", machine_id, err);
}

static bool run_machine_verify(struct admin *admin, struct error *err)
{
    return set_verification(admin, VERIFICATION_VERIFIED, err);
}

static bool run_machine_deverify(struct admin *admin, struct error *err)
{
    return set_verification(admin, VERIFICATION_DEVERIFIED, err);
}

static bool run_machine_unset(struct admin *admin, struct error *err)
{
    return set_verification(admin, VERIFICATION_UNVERIFIED, err);
}

static bool run_ledger_balance(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    struct trial_balance trial;

    if (!flow_trial_balance(&admin->flow, &trial, err))
        return false;
    trial_encode(&json, &trial);
    return true;
}

/* The newest first: of --user, or of everybody. */
static bool run_audit_list(struct admin *admin, struct error *err)
{
    const char *user = options_get(admin->options, "user");
    auto_arena struct arena arena = arena_of(ADMIN_ARENA_MAX);
    struct encoder json = encoder_of(admin->out);
    struct caller caller = { 0 };
    struct audit_log_row *rows;
    char at[INSTANT_TEXT_SIZE];
    size_t count;

    if ((user != NULL && !admin_parse_id(user, &caller.user_id, err)) ||
        !flow_audit_log(&admin->flow, user != NULL ? &caller : NULL, &arena, &rows, &count, err))
        return false;
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_text(&json, "at", instant_format(rows[i].at, at));
        encode_field_int(&json, "user_id", rows[i].user_id);
        field_known_int(&json, "key_id", rows[i].key_id);
        field_known_int(&json, "session_id", rows[i].login_id);
        field_known_int(&json, "member_id", rows[i].member_id);
        encode_field_text(&json, "address", rows[i].address);
        encode_field_text(&json, "route", rows[i].route);
        encode_field_text(&json, "args", rows[i].args);
        encode_end(&json);
    }
    encode_end(&json);
    return true;
}

static const struct admin_command {
    const char *noun, *verb, *arguments, *help;
    size_t word_count;
    bool (*run)(struct admin *admin, struct error *err);
} commands[] = {
    { "user", "create", "--email E [--credit 25.00] [--admin]",
      "make an account; prints id, email, api_key", 2, run_user_create },
    { "user", "list", "", "all accounts", 2, run_user_list },
    { "audit", "list", "[--user ID]", "what was called on accounts, the newest first", 2,
      run_audit_list },
    { "credit", "grant", "--user ID --amount 25.00", "give credit", 2, admin_credit_grant },
    { "credit", "deposit", "--user ID --amount 25.00 --ticket T",
      "bought credit: money that has reached the bank", 2, admin_credit_deposit },
    { "credit", "expect", "--user ID --amount 25.00 --ticket T [--days 14]",
      "money on its way: told as pending until its deposit, or so many days", 2,
      admin_credit_expect },
    { "hold", "credit", "--user ID --amount 25.00 --ticket T [--days N] [--reason TEXT]",
      "set bought credit aside: it pays for nothing", 2, admin_hold_credit },
    { "hold", "earnings", "--user ID --amount 25.00 --ticket T [--days N] [--reason TEXT]",
      "keep what a host is owed out of payouts", 2, admin_hold_earnings },
    { "hold", "list", "[--state open] [--user ID]", "what is set aside, or was", 2,
      admin_hold_list },
    { "hold", "release", "ID", "let it go; money that was expected will not come", 3,
      admin_hold_release },
    { "hold", "take", "ID [--amount 25.00] [--operator FILE]",
      "credit: it was sent back; earnings: the house keeps them; the rest is let go", 3,
      admin_hold_take },
    { "approval", "list", "[--state waiting]",
      "what takes two operators: above $100 in a day, another must ask for the same", 2,
      admin_approval_list },
    { "credit", "limit", "--user ID --amount 25.00", "let an account owe this much", 2,
      admin_credit_limit },
    { "credit", "cap", "--user ID --amount 25.00",
      "let an account spend this much an hour; 0: the rule", 2, admin_credit_cap },
    { "debt", "list", "", "what renters had owed for 180 days, and was written off", 2,
      admin_debt_list },
    { "ledger", "balance", "", "the trial balance, to the nanodollar", 2, run_ledger_balance },
    { "refund", "charge", "ID --component gpu --used 1.5 --ticket T [--operator FILE]",
      "take back what was charged: hours of gpu or disk, GB of bwu or bwd, or all", 3,
      admin_refund },
    { "parked", "list", "", "GPU time that one posting was not to charge: it waits for you", 2,
      admin_parked_list },
    { "parked", "charge", "ID", "charge it, as far as there is credit", 3, admin_parked_charge },
    { "parked", "drop", "ID", "nobody pays for it", 3, admin_parked_drop },
    { "payout", "list", "[--state created] [--user ID]", "what hosts are paid, and whether it came",
      2, admin_payout_list },
    { "payout", "submit", "ID --reference R", "it is on its way", 3, admin_payout_submit },
    { "payout", "settle", "ID [--reference R]", "it has been paid", 3, admin_payout_settle },
    { "payout", "fail", "ID --reason TEXT",
      "it failed or came back: the host is owed it again, from next Friday on", 3,
      admin_payout_fail },
    { "refund", "deposit", "ID --amount 25.00 --ticket T [--operator FILE]",
      "send bought credit that is not spent back to the card that it came from", 3,
      admin_deposit_refund },
    { "dispute", "list", "[--state taken]", "payments that are disputed, with when evidence is due",
      2, admin_dispute_list },
    { "dispute", "show", "ID", "what is said to it, as it would be submitted", 3,
      admin_dispute_show },
    { "dispute", "note", "ID --text TEXT", "add your words; the rest is put together anew", 3,
      admin_dispute_note },
    { "dispute", "submit", "ID", "give it to the bank, which decides on it: once", 3,
      admin_dispute_submit },
    { "payments", "sweep", "",
      "have the server look at what the providers did in the last week, as every night", 2,
      admin_payments_sweep },
    { "build", "list", "", "programs that hosts are meant to run", 2, admin_build_list },
    { "build", "add", "SHA256 --reference VERSION",
      "one of them, by what sha256sum says of berth-host; others are asked for more proofs", 3,
      admin_build_add },
    { "build", "remove", "SHA256", "no longer one of them", 3, admin_build_remove },
    { "machine", "verify", "ID", "count the machine as verified", 3, run_machine_verify },
    { "machine", "deverify", "ID", "take it off the market for new rentals", 3,
      run_machine_deverify },
    { "machine", "unset", "ID", "let what is asked of every machine decide again", 3,
      run_machine_unset },
    { "machine", "place", "ID 'Gothenburg, SE'", "say where it is, for searches and the map", 4,
      run_machine_place },
    { "machine", "revoke-key", "ID",
      "its key is in other hands: end its session, and let it in by a new key alone", 3,
      run_machine_revoke_key },
};

void admin_describe(struct buf *out)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct admin_command *command = &commands[i];
        buf_printf(out, "  %s %s %s\n      %s\n", command->noun, command->verb, command->arguments,
                   command->help);
    }
}

static const struct admin_command *find_command(const struct options *options)
{
    for (size_t i = 0; options->word_count >= 2 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].noun, options->words[0]) == 0 &&
            strcmp(commands[i].verb, options->words[1]) == 0 &&
            commands[i].word_count == options->word_count)
            return &commands[i];
    }
    return NULL;
}

/* The server on the same SQLite cannot hear of our commits: nudge it. */
static void tell_server(const struct data_dir *dir)
{
    pid_t server = data_dir_server(dir);

    if (server > 0)
        (void)kill(server, SIGHUP);
}

bool admin_run(const struct options *options, struct buf *out, struct error *err)
{
    const struct admin_command *command = find_command(options);
    const char *location;
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct log log = log_standard();
    struct key_pair keys;
    struct admin admin = { .options = options, .out = out };

    if (command == NULL)
        return error_set(err, ERROR_INVALID, "no such command: see berthd admin --help");
    if (!options_has(options, "data"))
        return error_set(err, ERROR_INVALID, "--data DIR is needed");
    if (!data_dir_find(options_get(options, "data"), &dir, err) ||
        !whereabouts_find(options, &location, err) || !data_dir_keys(&dir, &keys, err))
        return false;
    admin.flow = (struct flow){ .clock = &clock_system, .log = &log, .server_keys = &keys };
    bool is_done =
        store_open_beside(location, &log, &admin.flow.store, err) && command->run(&admin, err);
    store_close(&admin.flow.store);
    crypto_wipe(&keys, sizeof keys);
    if (is_done)
        tell_server(&dir);
    return is_done;
}
