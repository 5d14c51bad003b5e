/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dispute_facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "market/billing.h"
#include "store/audit_log.h"
#include "store/user.h"

enum {
    LINE_MAX_BYTES = 400,
    TIME_SIZE = 32,
    ORDERED_US = 60 * US_PER_SECOND, /* the call that ordered a payment is written down after it */
};

/* A text of lines. What has no room is left out, and that is said. */
struct text {
    struct buf out;
    bool is_full;
};

static struct text text_of(void)
{
    return (struct text){ .out = buf_of(DISPUTE_TEXT_MAX + LINE_MAX_BYTES) };
}

static void PRINTF_LIKE(2, 3) add_line(struct text *text, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!text->is_full && text->out.length + strlen(line) + 1 > DISPUTE_TEXT_MAX) {
        text->is_full = true;
        buf_printf(&text->out, "(There is more than fits here.)\n");
    }
    if (!text->is_full)
        buf_printf(&text->out, "%s\n", line);
}

static bool end_text(struct text *text, struct arena *arena, const char **ret, struct error *err)
{
    *ret = arena_printf(arena, "%s", text->out.length > 0 ? text->out.bytes : "");
    buf_release(&text->out);
    return *ret != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for evidence");
}

static const char *time_of(struct instant at, char text[static TIME_SIZE])
{
    char full[INSTANT_TEXT_SIZE];

    (void)instant_format(at, full);
    (void)snprintf(text, TIME_SIZE, "%.10s %.8s UTC", full, full + 11);
    return text;
}

struct known {
    struct user_profile profile;
    struct deposit_row deposit;
    struct dispute_rental *rentals;
    size_t rental_count;
    struct audit_log_row *logins, *calls;
    size_t login_count, call_count;
    struct dispute_mail *mails;
    size_t mail_count;
};

static bool load(const struct pay *pay, const struct dispute_row *dispute, struct known *known,
                 struct error *err)
{
    int64_t user_id = dispute->user_id;
    bool has_user, has_deposit;

    if (!user_load_profile(pay->db, user_id, pay->arena, &known->profile, &has_user, err) ||
        !deposit_load(pay->db, dispute->deposit_id, pay->arena, &known->deposit, &has_deposit, err))
        return false;
    if (!has_user || !has_deposit)
        return error_set(err, ERROR_CORRUPT, "dispute %" PRId64 " is of nobody", dispute->id);
    return dispute_rentals(pay->db, user_id, billing_day(known->deposit.settled),
                           DISPUTE_RENTALS_MAX, pay->arena, &known->rentals, &known->rental_count,
                           err) &&
           audit_log_logins(pay->db, user_id, DISPUTE_LOGINS_MAX, pay->arena, &known->logins,
                            &known->login_count, err) &&
           audit_log_list(pay->db, user_id, DISPUTE_CALLS_MAX, pay->arena, &known->calls,
                          &known->call_count, err) &&
           dispute_mails(pay->db, known->profile.user.email, DISPUTE_MAILS_MAX, pay->arena,
                         &known->mails, &known->mail_count, err);
}

static const char *billing_of(const struct user_profile *profile, struct arena *arena)
{
    const char *text = "";

    for (int i = ADDRESS_LINE1; i <= ADDRESS_COUNTRY && text != NULL; i++)
        if (profile->address[i][0] != '\0')
            text = arena_printf(arena, "%s%s%s", text, text[0] != '\0' ? ", " : "",
                                profile->address[i]);
    return text;
}

/* From where the account was used last when the payment was ordered. */
static const char *ordered_from(const struct known *known)
{
    struct instant until = instant_add(known->deposit.created, ORDERED_US);

    for (size_t i = 0; i < known->call_count; i++)
        if (instant_compare(known->calls[i].at, until) <= 0)
            return known->calls[i].address;
    return "";
}

static const char *served_from(const struct known *known, struct arena *arena)
{
    struct instant first = INSTANT_NEVER;
    char date[BILLING_DATE_SIZE];

    for (size_t i = 0; i < known->rental_count; i++)
        if (instant_compare(known->rentals[i].from, first) < 0)
            first = known->rentals[i].from;
    if (known->rental_count == 0)
        return "";
    return arena_printf(arena, "%s", billing_date_format(billing_day(instant_add(first, 1)), date));
}

static const char *address_of(const struct audit_log_row *row)
{
    return row->address[0] != '\0' ? row->address : "an unknown address";
}

static bool is_login(const struct audit_log_row *row)
{
    return strcmp(row->route, AUDIT_ROUTE_LOGIN) == 0 ||
           strcmp(row->route, AUDIT_ROUTE_FACTOR) == 0;
}

/* What its client calls itself is in its arguments. */
static void add_login(struct text *text, const struct audit_log_row *login)
{
    auto_json json_t *args = NULL;
    const char *agent = NULL;
    char at[TIME_SIZE];
    struct error none;

    if (json_parse(login->args, strlen(login->args), &args, &none))
        agent = json_string_value(json_member(args, "agent"));
    bool has_agent = agent != NULL && agent[0] != '\0';
    add_line(text, "%s from %s: logged in with the password%s%s%.200s", time_of(login->at, at),
             address_of(login),
             strcmp(login->route, AUDIT_ROUTE_FACTOR) == 0 ? " and a second factor" : "",
             has_agent ? ", by " : "", has_agent ? agent : "");
}

/* The logins first: of calls there may be more than there is room for. */
static bool write_activity(const struct known *known, struct arena *arena, const char **ret,
                           struct error *err)
{
    struct text text = text_of();
    char at[TIME_SIZE];

    for (size_t i = 0; i < known->login_count; i++)
        add_login(&text, &known->logins[i]);
    if (known->login_count == DISPUTE_LOGINS_MAX)
        add_line(&text, "(and earlier logins)");
    for (size_t i = 0; i < known->call_count; i++)
        if (!is_login(&known->calls[i]))
            add_line(&text, "%s from %s: %s", time_of(known->calls[i].at, at),
                     address_of(&known->calls[i]), known->calls[i].route);
    if (known->call_count == DISPUTE_CALLS_MAX)
        add_line(&text, "(and earlier ones)");
    return end_text(&text, arena, ret, err);
}

static void add_receipt(struct text *text, const struct pay *pay, const struct known *known)
{
    const struct user_row *user = &known->profile.user;
    const struct deposit_row *deposit = &known->deposit;
    char amount[MONEY_TEXT_SIZE], at[TIME_SIZE];

    (void)pay;
    add_line(text, "Payment: $%s, received on %s, as %s of %s.",
             money_format(deposit->amount, amount), time_of(deposit->settled, at),
             deposit->object_id, deposit->provider);
    if (deposit->receipt[0] != '\0')
        add_line(text, "Receipt: %s, mailed to the account.", deposit->receipt);
    add_line(text, deposit->is_automatic
                       ? "It was charged to a saved card, as the account's owner had asked for."
                       : "It was paid on the provider's page, ordered from the account.");
    add_line(text, "Account: number %" PRId64 ", made on %s. Its email %s.%s", user->id,
             time_of(user->created, at), user->is_verified ? "was verified" : "was not verified",
             user->has_tfa ? " Logging in takes a second factor." : "");
    if (known->profile.terms[0] != '\0')
        add_line(text, "Its owner has accepted the market's terms, version %s, on %s, signing up.",
                 known->profile.terms, time_of(known->profile.terms_at, at));
}

static void add_rentals(struct text *text, const struct known *known)
{
    char amount[MONEY_TEXT_SIZE], from[TIME_SIZE], until[TIME_SIZE];
    struct money all = { 0 };

    if (known->rental_count == 0) {
        add_line(text, "Nothing was rented with it yet.");
        return;
    }
    add_line(text, "Rented from that day on:");
    for (size_t i = 0; i < known->rental_count; i++) {
        const struct dispute_rental *rental = &known->rentals[i];

        add_line(text,
                 "instance %" PRId64 " on machine %" PRId64 ", %s to %s: %" PRId64
                 " s of GPU time, %" PRId64 " MB sent, %" PRId64 " MB received, $%s",
                 rental->contract_id, rental->machine_id, time_of(rental->from, from),
                 time_of(rental->until, until), rental->gpu_us / US_PER_SECOND,
                 rental->up_bytes / 1000000, rental->down_bytes / 1000000,
                 money_format(rental->gross, amount));
        if (!money_add(all, rental->gross, &all))
            return;
    }
    if (known->rental_count == DISPUTE_RENTALS_MAX)
        add_line(text, "(and later ones)");
    add_line(text, "Together: $%s.", money_format(all, amount));
}

/* A mail by the name of its text; of what was in it nothing is told. */
static void add_mail(struct text *text, const struct dispute_mail *mail)
{
    auto_json json_t *body = NULL;
    char at[TIME_SIZE];
    struct error none;

    if (!json_parse(mail->body, strlen(mail->body), &body, &none))
        return;
    const char *name = json_string_value(json_member(body, "template"));
    const char *subject = json_string_value(json_member(body, "subject"));
    if (name != NULL)
        add_line(text, "%s: %.64s%s%.200s", time_of(mail->sent, at), name,
                 subject != NULL ? ", " : "", subject != NULL ? subject : "");
}

static bool write_record(const struct pay *pay, const struct known *known, const char **ret,
                         struct error *err)
{
    struct text text = text_of();

    add_receipt(&text, pay, known);
    add_rentals(&text, known);
    if (known->mail_count > 0)
        add_line(&text, "Mails to the account, the newest first:");
    for (size_t i = 0; i < known->mail_count; i++)
        add_mail(&text, &known->mails[i]);
    return end_text(&text, pay->arena, ret, err);
}

bool dispute_facts(const struct pay *pay, const struct dispute_row *dispute,
                   struct dispute_facts *ret, struct error *err)
{
    struct known known = { .rental_count = 0 };
    char amount[MONEY_TEXT_SIZE];

    if (!load(pay, dispute, &known, err))
        return error_context(err, "put together what is known of dispute %" PRId64, dispute->id);
    const struct user_row *user = &known.profile.user;
    struct dispute_facts facts = {
        .email = user->email,
        .name = user->fullname[0] != '\0' ? user->fullname : user->username,
        .billing = billing_of(&known.profile, pay->arena),
        .address = ordered_from(&known),
        .served = served_from(&known, pay->arena),
        .product = arena_printf(
            pay->arena,
            "$%s of prepaid credit, put on the account at once, from which "
            "computers with GPUs are rented over the internet by the second%s%s.",
            money_format(known.deposit.amount, amount), pay->flow->pay->site != NULL ? ", at " : "",
            pay->flow->pay->site != NULL ? pay->flow->pay->site : ""),
    };
    if (facts.billing == NULL || facts.served == NULL || facts.product == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for evidence");
    if (!write_activity(&known, pay->arena, &facts.activity, err) ||
        !write_record(pay, &known, &facts.record, err))
        return false;
    *ret = facts;
    return true;
}
