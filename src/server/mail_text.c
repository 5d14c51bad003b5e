/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mail_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sys/crypto.h"

enum { VALUE_LENGTH_MAX = 200, NAME_SIZE = 32, DATE_SIZE = 64, NUMBER_SIZE = 32 };

#define GIVE                                                                                       \
    "\nCode: {code}\n\nGive it to `berth verify`, or on the page that asked for it, at {url}.\n"

static const struct mail_template {
    const char *name, *subject, *body;
} templates[] = {
    { "sign_up", "Your code to sign up",
      "Somebody, we hope you, signed up with this email.\n" GIVE
      "It is good for a day. If it was not you, do nothing: nothing will come of it.\n" },
    { "sign_up_exists", "You have an account already",
      "Somebody, maybe you, signed up with this email at {url}.\n"
      "It has an account already, and nothing was changed. If you have forgotten the password,\n"
      "`berth reset password` sends you a code to set another.\n" },
    { "verify_email", "Your code to verify this email",
      "An account with this email waits for it to be verified.\n" GIVE "It is good for a day.\n" },
    { "change_email", "Your code to change your email",
      "Somebody, we hope you, wants this to be the email of their account.\n" GIVE
      "It is good for two hours. If it was not you, do nothing.\n" },
    { "email_changed", "Your email was changed",
      "Your account at {url} has another email now; mails to this one end here.\n"
      "If it was not you, write to the operator at once.\n" },
    { "reset_password", "Your code to set another password",
      "Somebody, we hope you, has forgotten the password of your account.\n"
      "\nCode: {code}\n\nGive it to `berth reset password`, or on the page that asked for it, at "
      "{url}.\nIt is good for an hour. If it was not you, do nothing: the password stays.\n" },
    { "password_changed", "Your password was changed",
      "The password of your account at {url} was changed, and other sessions have ended.\n"
      "If it was not you, set another with `berth reset password`, and look through your API "
      "keys.\n" },
    { "account_deleted", "Your account was deleted",
      "Your account at {url} was deleted, as was asked with its password. Keys, sessions, "
      "secrets,\n"
      "cards and what said whose it was are gone; the books and the bills stay, under a number.\n"
      "This is the last mail. The same email can sign up again.\n"
      "If it was not you, write to the operator at once.\n" },
    { "tfa_changed", "Two-factor authentication was changed",
      "What logging in to your account at {url} takes was changed: {what}.\n"
      "If it was not you, change your password at once.\n" },
    { "team_invite", "You are invited to a team",
      "You are invited to the team {team} as {role}.\n"
      "\nCode: {code}\n\nGive it to `berth accept invite`, or on the console, at {url}.\n"
      "It is good for a week. If you do not want to, do nothing.\n" },
    { "low_credit", "Your credit ends in {left}",
      "At the present rate your credit ends at {end}, in {left}.\n"
      "Then what runs is stopped; its data is kept for a while, which costs, too. Add credit, or\n"
      "stop what you do not need, at {url}.\n" },
    { "low_balance", "Your credit is below ${amount}",
      "Your credit has come down to the ${amount} below which you want to hear of it.\n"
      "Add credit, or turn this warning off, at {url}.\n" },
    { "credit_exhausted", "Your credit has ended",
      "Your credit ended at {end}, and what ran was stopped. Its data is kept for a while.\n"
      "Add credit at {url}, and start it again.\n" },
    { "payment", "Receipt: ${amount} of credit",
      "Your payment of ${amount} has arrived, and is credit on your account (deposit {deposit}).\n"
      "The receipt, to print: {url}/billing/, or `berth show deposits`.\n" },
    { "payment_failed", "A payment of ${amount} has failed",
      "Your payment of ${amount} did not go through (deposit {deposit}): {reason}.\n"
      "Nothing was charged. Try another card with `berth add credit`, or at {url}.\n" },
    { "payment_asks", "Your bank asks for you: a payment of ${amount}",
      "Your saved card was to be charged ${amount} (deposit {deposit}), and its bank wants you to\n"
      "confirm that. Nothing was charged. Pay on the provider's page, where you can:\n"
      "{url}/billing/?add={detail}, or `berth add credit {detail}`.\n" },
    { "refunded", "${amount} was sent back to your card",
      "${amount} of your credit at {url} was sent back to the card that it came from.\n"
      "Banks take five to ten days to show it.\n" },
    { "disputed", "A payment of ${amount} is disputed",
      "The owner of the card that paid ${amount} to your account has asked the bank to take it "
      "back.\nUntil that is decided as much of your credit is frozen. If it was you, write to "
      "the operator.\nMore at {url}.\n" },
    { "refund_failed", "${amount} could not be sent back to your card",
      "The card that ${amount} of your credit was to go back to did not take it. It is credit on\n"
      "your account at {url} again.\n" },
    { "dispute_won", "The payment of ${amount} stands",
      "The bank has decided about the disputed payment of ${amount}: it stands. What was frozen "
      "of\n"
      "your credit at {url} is free again.\n" },
    { "dispute_lost", "The payment of ${amount} was taken back",
      "The bank has decided about the disputed payment of ${amount}: it goes back to the card's\n"
      "owner. What was frozen of your credit is gone with it, and what is missing is owed by your\n"
      "account: {url}/billing/.\n" },
    { "written_off", "A debt of ${amount} was written off",
      "Your account has owed ${amount} for 180 days. It is written off: nobody asks you for it\n"
      "any more, and no card is charged for it. What was stopped stays stopped until there is\n"
      "credit: {url}/billing/.\n" },
    { "dispute_asks", "Dispute {dispute}: ${amount}, evidence by {end}",
      "A payment of ${amount} to account {account} is disputed: {reason}.\n"
      "What the books know of it is put together. Look at it, add what you know, and submit it by\n"
      "{end}: `berthd admin dispute show {dispute}`, or {url}/operator/disputes/.\n" },
    { "dispute_due", "Dispute {dispute} is to be answered within {detail}",
      "The evidence for the disputed payment of ${amount} of account {account} is due by {end},\n"
      "and nobody has submitted it: `berthd admin dispute show {dispute}`, or "
      "{url}/operator/disputes/.\n"
      "Without an answer the money is lost.\n" },
    { "dispute_refused", "The evidence for dispute {dispute} was refused",
      "The provider did not take the evidence for the disputed payment of ${amount} of account\n"
      "{account}: {detail}. It is a draft again: `berthd admin dispute show {dispute}`.\n" },
    { "dispute_ended", "Dispute {dispute} is {detail}",
      "The bank has decided about the disputed payment of ${amount} of account {account}: it is\n"
      "{detail}. The books have it.\n" },
    { "payout_made", "A payout of ${amount} is on its way",
      "Your week from {from} to {until} is invoiced: {invoice}.\n"
      "${amount} is paid out to you by {method}, and should arrive by {arrives}. What becomes of "
      "it:\n`berth show payouts`, or {url}/billing/.\n" },
    { "payout_method", "How you are paid was changed",
      "Your account at {url} is to be paid by {method} now: {detail}\n"
      "Payouts are made so from {end} on. If it was not you, change your password at once, say\n"
      "again how you are paid, and write to the operator.\n" },
    { "payout_paid", "A payout of ${amount} has arrived",
      "Your payout of ${amount} has arrived. The invoice of its week is at\n"
      "{url}/billing/.\n" },
    { "payout_failed", "A payout of ${amount} did not arrive",
      "Your payout of ${amount} did not arrive: {reason}.\n"
      "Look at how you are paid, with `berth show payouts` or at {url}/billing/. A bank is asked "
      "again "
      "each day\nfor two weeks, and PayPal waits thirty days for somebody to claim it; then you "
      "are owed it again,\nfor the next Friday's payout.\n" },
    { "payout_back", "A payout of ${amount} did not arrive",
      "Your payout of ${amount} did not arrive: {reason}.\n"
      "You are owed it again, for the next Friday's payout. Tell the operator of {url} what is to "
      "be\ndone otherwise then.\n" },
    { "lifetime_ends", "Instance {instance} ends in {left}",
      "The lifetime of instance {instance} {label} ends at {end}, in {left}: then it stops.\n"
      "Its data stays until {kept_until} and is deleted then. Copy it away; only its host can\n"
      "extend the lifetime.\n" },
    { "maintenance", "Maintenance of the machine of instance {instance}",
      "About instance {instance} {label}:\n\n{text}\n" },
    { "reclaim", "The machine of instance {instance} is taken back",
      "The host of instance {instance} {label} takes the machine back:\n\n{reason}\n\n"
      "The instance stops at {end}; leaving earlier costs nothing. Its data stays until\n"
      "{kept_until} and is deleted then. Copy it away.\n" },
    { "deposit_used_up", "What was paid ahead for instance {instance} is used up",
      "What you paid ahead for instance {instance} {label} was used up at {end}. From then on\n"
      "it is one on demand: ${amount} an hour for its GPUs, from your credit, and no discount.\n"
      "Pay ahead again with `berth prepay instance {instance} AMOUNT`, or at {url}.\n" },
    { "disk_low", "The disk of instance {instance} is nearly full",
      "Instance {instance} {label} uses {amount} of its disk.\n"
      "Delete something, or copy it away. What takes more than it rented is stopped, where its\n"
      "host cannot hold it to its size; its files are kept.\n" },
    { "disk_full", "Instance {instance} was stopped for its disk",
      "Instance {instance} {label} took more disk than it rented: {amount}.\n"
      "It is stopped, and its files are kept: copy them away with `berth copy`, or start it and\n"
      "delete something within two minutes.\n" },
    { "twins", "The key of machine {machine} is used by two machines",
      "Two agents take the session of machine {machine} from each other: its key is on two "
      "machines,\n"
      "as after a disk was copied. It was taken off the market; what is rented runs on.\n"
      "Stop the one that is not it, delete its folder (/var/lib/berth-host), and let it join with "
      "a\n"
      "token of its own; then list the machine again: `berth list machine {machine}`, or at "
      "{url}.\n" },
    { "key_revoked", "The key of machine {machine} was revoked",
      "An operator took its key from machine {machine}, as when it is in other hands. The machine "
      "is\naway until it comes back by another; what runs on it runs on, and nothing is deleted.\n"
      "Find out first how the key got out: whoever reads /var/lib/berth-host reads the next one, "
      "too.\n"
      "Then make a token for it, at {url}/machines/{machine} or with\n"
      "`berth host token --machine {machine}`, and say on the machine, as root:\n"
      "berth-host install --config /etc/berth/host.conf --token TOKEN && systemctl restart "
      "berth-host\n" },
    { "event", "{subject}",
      "{message}\n\nMore at {url}. Which of these mails you get is up to you:\n"
      "`berth set notifications`.\n" },
};

static const struct mail_template *find_template(const char *name)
{
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
        if (strcmp(templates[i].name, name) == 0)
            return &templates[i];
    }
    return NULL;
}

bool mail_text_has_code(const char *name)
{
    const struct mail_template *template = find_template(name);

    return template != NULL && strstr(template->body, "{code}") != NULL;
}

/* Foreign text: control characters become blanks, those that turn the reading order around too. */
static void write_clean(struct buf *out, const char *text)
{
    size_t length = strnlen(text, VALUE_LENGTH_MAX);

    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_turning =
            byte == 0xe2 && i + 2 < length &&
            ((unsigned char)text[i + 1] == 0x80 || (unsigned char)text[i + 1] == 0x81);

        if (is_turning)
            i += 2;
        buf_append(out, byte < ' ' || byte == 0x7f || is_turning ? " " : &text[i], 1);
    }
}

static void write_member(struct buf *out, const json_t *members, const char *name)
{
    const json_t *value = json_member(members, name);
    char number[NUMBER_SIZE];

    if (json_is_string(value)) {
        write_clean(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        write_clean(out, number);
    }
}

/* The template's text, its members filled in. In a header, members are digits and such of ours. */
static void fill(struct buf *out, const char *text, const char *line_end, const json_t *members)
{
    for (; *text != '\0'; text++) {
        size_t length = *text == '{' ? strcspn(text, "}") : 0;
        char name[NAME_SIZE] = "";

        if (length > 1 && length < sizeof name && text[length] == '}') {
            memcpy(name, text + 1, length - 1);
            write_member(out, members, name);
            text += length;
        } else if (*text == '\n') {
            buf_append(out, line_end, strlen(line_end));
        } else {
            buf_append(out, text, 1);
        }
    }
}

static void write_date(struct buf *out, struct instant now)
{
    time_t seconds = (time_t)(now.microseconds / US_PER_SECOND);
    char text[DATE_SIZE];
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts);
    buf_printf(out, "Date: %s\r\n", text);
}

/* ASCII alone, which needs no encoding; the rest of foreign text becomes '?'. */
static void write_subject(struct buf *out, const char *subject, const json_t *members)
{
    auto_buf struct buf text = buf_of(1024);

    fill(&text, subject, "\r\n", members);
    buf_printf(out, "Subject: ");
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];

        buf_append(out, c < ' ' || c > '~' ? "?" : &c, 1);
    }
    buf_printf(out, "\r\n");
}

bool mail_text_write(struct buf *out, const struct mail_envelope *envelope, const char *name,
                     const json_t *members, struct error *err)
{
    const struct mail_template *template = find_template(name);
    char id[HEX_SIZE(HASH_SIZE)];

    if (template == NULL)
        return error_set(err, ERROR_CORRUPT, "there is no mail '%.32s'", name);
    struct hash hash = crypto_sha256(envelope->key, strlen(envelope->key));
    buf_printf(out, "From: Berth <%s>\r\nTo: <%s>\r\n", envelope->from, envelope->to);
    write_subject(out, template->subject, members);
    write_date(out, envelope->now);
    /* The same mail again has the same id. */
    buf_printf(out, "Message-ID: <%.32s@%s>\r\n", hex_format(hash.bytes, HASH_SIZE, id),
               envelope->host);
    buf_printf(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n");
    fill(out, template->body, "\r\n", members);
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
}

bool mail_text_plain(const char *name, const json_t *members, struct buf *subject,
                     struct buf *message, struct error *err)
{
    const struct mail_template *template = find_template(name);

    if (template == NULL)
        return error_set(err, ERROR_CORRUPT, "there is no mail '%.32s'", name);
    fill(subject, template->subject, "\n", members);
    fill(message, template->body, "\n", members);
    return (!subject->has_overflowed && !message->has_overflowed) ||
           error_set(err, ERROR_OUT_OF_RANGE, "a message that is too long");
}
