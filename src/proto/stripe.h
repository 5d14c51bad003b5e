/* SPDX-License-Identifier: Apache-2.0 */
/* What we say to Stripe: every call that Berth makes, as the bytes that go out.
 *
 * The bytes are those that Stripe's own library sends for the same call; test/proto/golden/ has
 * them, made by that library. What is made for somebody carries whose it is in its metadata, and
 * which installation of Berth made it: others may share the account. Amounts are cents. */

#ifndef BERTH_PROTO_STRIPE_H
#define BERTH_PROTO_STRIPE_H

#include "proto/psp_call.h"

/* Events are rendered in the version that their endpoint was made with: it must be this one. */
#define STRIPE_VERSION "2026-10-28.endive"

enum {
    STRIPE_CENTS_MIN = 50,
    STRIPE_CENTS_MAX = 99999999,
    STRIPE_PAGE = 100, /* of a list */
    STRIPE_PATH_MAX = 1024,
    STRIPE_BODY_MAX = 8192,
    STRIPE_EVIDENCE_MAX = 20000,
    STRIPE_EVIDENCE_BODY_MAX = 512 * 1024,
    STRIPE_ID_MAX = 255,
};

/* Whether it may stand in a path: letters, digits, '_', up to STRIPE_ID_MAX. */
bool stripe_is_id(const char *text);

struct stripe_customer {
    const char *installation, *email, *name;
    int64_t user_id;
};
struct psp_call stripe_customer(const struct stripe_customer *customer);

/* The hosted page on which somebody pays, or leaves a card. */
struct stripe_page {
    const char *installation, *customer, *done_url, *cancelled_url;
    int64_t id; /* of the deposit, or of the page for a card */
    int64_t cents;
};
struct psp_call stripe_pay_page(const struct stripe_page *page);
struct psp_call stripe_card_page(const struct stripe_page *page);
struct psp_call stripe_read_page(const char *session);

/* For a page of one's own with Stripe's script. */
struct psp_call stripe_setup(const char *customer);

/* Nobody is there to be asked: a card that was left. */
struct stripe_charge {
    const char *installation, *customer, *card, *description;
    int64_t deposit_id, cents;
};
struct psp_call stripe_charge(const struct stripe_charge *charge);

/* With its charge, and what of it reached our balance. */
struct psp_call stripe_read_intent(const char *intent);
struct psp_call stripe_list_cards(const char *customer);

struct stripe_refund {
    const char *installation, *intent;
    int64_t refund_id, cents;
};
struct psp_call stripe_refund(const struct stripe_refund *refund);

struct stripe_host {
    const char *installation, *country, *email;
    int64_t host_id;
};
struct psp_call stripe_account(const struct stripe_host *host);
struct psp_call stripe_account_link(const char *account, const char *again_url,
                                    const char *done_url);

/* From our balance to a host's. */
struct stripe_transfer {
    const char *installation, *account, *group;
    int64_t payout_id, cents;
};
struct psp_call stripe_transfer(const struct stripe_transfer *transfer);
struct psp_call stripe_reversal(const char *transfer, int64_t cents);

/* From a host's balance to its bank: sent as the host's account. */
struct psp_call stripe_payout(int64_t cents);

/* What speaks for a payment that is disputed; what is "" is not said. Once it is submitted the bank
 * decides on it. A text has up to STRIPE_EVIDENCE_MAX bytes. */
struct stripe_evidence {
    const char *dispute;
    const char *activity, *billing, *email, *name, *address, *product, *served, *text;
    bool is_submitted; /* else it is kept as a draft there */
};
struct psp_call stripe_evidence(const struct stripe_evidence *evidence);

/* One object by its id, of the kind that its id begins with ("pi_", "cs_", "re_", ...); false:
 * there is no such kind. */
NODISCARD bool stripe_read(const char *id, struct psp_call *ret);

/* Pages of what there is, newest first; `after`: the last id of the page before, or NULL. */
enum stripe_list_kind {
    STRIPE_LIST_MONEY,     /* balance transactions, made since `since_s` */
    STRIPE_LIST_EVENTS,    /* of type `name`, made since `since_s` */
    STRIPE_LIST_TRANSFERS, /* of the transfer group `name` to the account `whose` */
    STRIPE_LIST_INTENTS,   /* of the customer `whose`, made since `since_s` */
    STRIPE_LIST_REFUNDS,   /* of the intent `whose` */
    STRIPE_LIST_PAYOUTS,   /* of the connected account that the call is sent as, since `since_s` */
};
struct stripe_list {
    enum stripe_list_kind kind;
    const char *name, *whose, *after;
    int64_t since_s;
};
struct psp_call stripe_list(const struct stripe_list *list);

#endif
