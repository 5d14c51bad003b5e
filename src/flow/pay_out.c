/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_out.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/account.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/pay_out_move.h"
#include "flow/provider.h"
#include "market/billing.h"
#include "proto/paypal.h"
#include "store/ledger.h"
#include "store/user.h"

enum { MEMBERS_MAX = 1024 };

struct out_work {
    const struct flow *flow;
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    const char *country, *receiver, *account, *object_id;
    enum pay_out_outcome outcome;
    int64_t number;
    struct payout_route_row *open;
    size_t open_count;
    struct pay_out_view view;
};

static struct out_work work_of(const struct flow *flow, const struct caller *caller)
{
    return (struct out_work){ .flow = flow, .caller = caller, .now = clock_now(flow->clock) };
}

static bool free_of(struct db *db, enum ledger_code code, int64_t user_id, struct money *ret,
                    struct error *err)
{
    struct ledger_sums sums;

    if (!ledger_load_sums(db, (struct ledger_key){ code, user_id, 0 }, &sums, err))
        return false;
    *ret = ledger_free(code, &sums);
    return true;
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct out_work *work = context;
    struct pay_out_view *view = &work->view;
    int64_t user_id = work->caller->user_id;

    view->next_cut = instant_add(billing_cut(work->now), BILLING_WEEK_US);
    view->minimum = work->flow->payout_min;
    return payout_method_load(db, user_id, work->arena, &view->method, &view->has_method, err) &&
           free_of(db, LEDGER_HOST_ACCRUED, user_id, &view->accrued, err) &&
           free_of(db, LEDGER_HOST_PAYABLE, user_id, &view->payable, err) &&
           payout_sum(db, user_id, &view->paid_out, err);
}

bool flow_pay_out_show(const struct flow *flow, const struct caller *caller, struct arena *arena,
                       struct pay_out_view *ret, struct error *err)
{
    struct out_work work = work_of(flow, caller);

    work.arena = arena;
    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show payouts");
    *ret = work.view;
    return true;
}

struct list_work {
    const struct caller *caller;
    struct arena *arena;
    struct pay_out_page *page;
};

/* One more than is shown says whether there is another page. */
static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    struct pay_out_page *page = work->page;
    const struct payout_range range = { work->caller->user_id, page->before, page->max + 1 };

    if (!payout_latest(db, &range, work->arena, &page->payouts, &page->count, err))
        return false;
    page->next = INSTANT_NEVER;
    if (page->count <= page->max)
        return true;
    page->count = page->max;
    page->next = page->payouts[page->count - 1].cut;
    return true;
}

bool flow_pay_out_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                       struct pay_out_page *page, struct error *err)
{
    struct list_work work = { caller, arena, page };

    assert(page->max >= 1 && page->max <= PAY_OUT_PAGE_MAX);
    return store_read(flow->store, list_work, &work, err) || error_context(err, "list payouts");
}

/* The provider's name for the host, to be asked for. */
static bool send_account(const struct pay *pay, int64_t user_id, const char *country,
                         struct error *err)
{
    struct user_row user;
    bool has;

    if (!user_load(pay->db, user_id, pay->arena, &user, &has, err))
        return false;
    const struct stripe_host host = { pay->flow->pay->installation, country, user.email, user_id };
    const struct pay_call call = { PAY_ACCOUNT, user_id, 1, NULL };
    struct psp_call bytes = stripe_account(&host);

    return pay_call_renew(pay->db, &call, &bytes, pay->now, err);
}

bool pay_out_enroll(const struct pay *pay, const struct payout_method_row *method,
                    struct error *err)
{
    return send_account(pay, method->user_id, method->country, err);
}

/* PayPal's is an address of mail: the one that the host says, or its own, if mail arrives there.
 * Stripe gives one itself. */
static bool find_account(const struct pay *pay, struct out_work *work,
                         const struct pay_provider *provider, const char **ret, struct error *err)
{
    char email[EMAIL_LENGTH_MAX + 1];
    struct user_row user;
    bool has;

    work->outcome = PAY_OUT_DONE;
    *ret = "";
    if (strcmp(provider->name, "paypal") != 0)
        return true;
    if (!user_load(pay->db, work->caller->user_id, pay->arena, &user, &has, err))
        return false;
    if (work->receiver != NULL)
        *ret = work->receiver;
    else if (has && user.is_verified)
        *ret = user.email;
    if (strlen(*ret) > PAYPAL_EMAIL_MAX || !account_email(*ret, email))
        work->outcome = PAY_OUT_BAD_RECEIVER;
    return true;
}

/* Saying it again changes nothing. Stripe's own name for the host is not the host's to say. */
static bool is_same(const struct payout_method_row *before, const struct payout_method_row *now)
{
    return strcmp(before->country, now->country) == 0 &&
           strcmp(before->provider, now->provider) == 0 &&
           (now->account[0] == '\0' || strcmp(before->account, now->account) == 0);
}

/* Mailed whatever the account chose to hear of: it may be news to its owner. */
static bool tell_change(const struct pay *pay, const struct payout_method_row *method,
                        struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char end[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "method", pay_provider_named(method->provider)->title);
    encode_field_text(&json, "detail", method->account);
    encode_field_text(&json, "end",
                      method->held.microseconds != 0 ? instant_format(method->held, end)
                                                     : "the next Friday");
    encode_end(&json);
    const struct notice_event event = { .user_id = method->user_id,
                                        .kind = NOTIFICATION_SECURITY,
                                        .template = "payout_method",
                                        .members = notice_members(&body) };
    return notice_tell(pay->db, &event, pay->now, err);
}

static bool set_work(struct db *db, void *context, struct error *err)
{
    struct out_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    const struct pay_provider *provider = pay_provider_for(work->flow->pay, work->country);
    bool is_ready = provider->starts[0] == '\0';
    struct payout_method_row method = { .user_id = work->caller->user_id,
                                        .provider = provider->name,
                                        .country = work->country,
                                        .account = "",
                                        .is_ready = is_ready,
                                        .reason = provider->starts,
                                        .link = "",
                                        .created = work->now,
                                        .updated = work->now };
    struct payout_method_row before;
    bool has;

    if (!user_lock(db, method.user_id, err) ||
        !payout_method_load(db, method.user_id, &arena, &before, &has, err))
        return false;
    if (!find_account(&pay, work, provider, &method.account, err))
        return false;
    if (work->outcome != PAY_OUT_DONE || (has && is_same(&before, &method)))
        return true;
    if (has)
        method.links = before.links;
    /* What nobody could be paid by yet is no way that anybody would miss. */
    if (has && (before.is_ready || instant_compare(before.held, work->now) > 0))
        method.held = instant_add(work->now, PAY_OUT_HELD_US);
    return payout_method_put(db, &method, err) && tell_change(&pay, &method, err) &&
           (provider->enroll == NULL || provider->enroll(&pay, &method, err));
}

bool flow_pay_out_set(const struct flow *flow, const struct caller *caller,
                      const struct pay_out_where *where, enum pay_out_outcome *ret,
                      struct error *err)
{
    struct out_work work = work_of(flow, caller);

    *ret = PAY_OUT_OFF;
    if (flow->pay == NULL)
        return true;
    *ret = PAY_OUT_BAD_COUNTRY;
    if (strlen(where->country) != 2 || strspn(where->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        return true;
    work.country = where->country;
    work.receiver = where->receiver;
    if (!store_write(flow->store, set_work, &work, err))
        return error_context(err, "say how to be paid");
    *ret = work.outcome;
    return true;
}

static bool send_link(const struct pay *pay, const struct payout_method_row *method,
                      struct error *err)
{
    const char *url = arena_printf(pay->arena, "%s/earnings/?payouts=1", pay->flow->pay->site);
    const struct pay_call call = { PAY_LINK, method->user_id, method->links, NULL };

    if (url == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "an address that is too long");
    struct psp_call bytes = stripe_account_link(method->account, url, url);
    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

static bool link_work(struct db *db, void *context, struct error *err)
{
    struct out_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    struct payout_method_row method;
    bool has;

    work->outcome = PAY_OUT_NONE;
    if (!user_lock_open(db, work->caller->user_id, err) ||
        !payout_method_load(db, work->caller->user_id, &arena, &method, &has, err))
        return false;
    if (!has || strcmp(method.provider, "stripe") != 0)
        return true;
    work->outcome = PAY_OUT_DONE;
    method.links++;
    method.link = "";
    work->number = method.links;
    if (!payout_method_put(db, &method, err))
        return false;
    /* Without a name there yet, the page follows when it has come. */
    return method.account[0] == '\0' ? send_account(&pay, method.user_id, method.country, err)
                                     : send_link(&pay, &method, err);
}

bool flow_pay_out_link(const struct flow *flow, const struct caller *caller, int64_t *ret_number,
                       enum pay_out_outcome *ret, struct error *err)
{
    struct out_work work = work_of(flow, caller);

    *ret = PAY_OUT_OFF;
    if (flow->pay == NULL || !flow->pay->has_stripe)
        return true;
    if (!store_write(flow->store, link_work, &work, err))
        return error_context(err, "make a page for a host");
    *ret_number = work.number;
    *ret = work.outcome;
    return true;
}

bool pay_out_start(const struct pay *pay, const struct payout_row *payout,
                   const struct payout_method_row *method, struct error *err)
{
    const struct pay_provider *provider = pay_provider_named(payout->provider);

    return provider->start == NULL || provider->start(pay, payout, method, err);
}

bool pay_out_account(const struct pay *pay, int64_t user_id, const struct stripe_object *account,
                     enum pay_effect *ret, struct error *err)
{
    struct payout_method_row method;
    bool has;

    *ret = PAY_DONE;
    if (user_id == 0 || strcmp(account->installation, pay->flow->pay->installation) != 0)
        return true;
    if (!user_lock(pay->db, user_id, err) ||
        !payout_method_load(pay->db, user_id, pay->arena, &method, &has, err))
        return false;
    /* The first name stays; another one of ours that nobody was told of is empty. */
    if (!has || strcmp(method.provider, "stripe") != 0 ||
        (method.account[0] != '\0' && strcmp(method.account, account->id) != 0))
        return true;
    bool is_first = method.account[0] == '\0';
    method.account = account->id;
    method.is_ready = account->is_ready;
    method.reason = account->is_ready ? "" : account->reason;
    method.updated = pay->now;
    return payout_method_put(pay->db, &method, err) &&
           (!is_first || method.links == 0 || send_link(pay, &method, err)) &&
           db_notify(pay->db, TOPIC_USER, user_id, err);
}

bool pay_out_linked(const struct pay *pay, int64_t user_id, int64_t number, const char *url,
                    struct error *err)
{
    struct payout_method_row method;
    bool has;

    if (!payout_method_load(pay->db, user_id, pay->arena, &method, &has, err))
        return false;
    if (!has || method.links != number)
        return true;
    method.link = url;
    method.updated = pay->now;
    return payout_method_put(pay->db, &method, err);
}

static bool open_work(struct db *db, void *context, struct error *err)
{
    struct out_work *work = context;

    return payout_route_open(db, work->number, work->arena, &work->open, &work->open_count, err);
}

bool flow_pay_out_open(const struct flow *flow, size_t max, struct arena *arena,
                       struct pay_out_open **ret, size_t *ret_count, struct error *err)
{
    struct out_work work = { .arena = arena, .number = (int64_t)max };

    if (!store_read(flow->store, open_work, &work, err))
        return error_context(err, "list payouts that are under way");
    struct pay_out_open *rows = arena_alloc(arena, work.open_count + 1, sizeof *rows);
    if (rows == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "too many payouts");
    for (size_t i = 0; i < work.open_count; i++)
        rows[i] = (struct pay_out_open){ work.open[i].account, work.open[i].object_id };
    *ret = rows;
    *ret_count = work.open_count;
    return true;
}

static bool known_work(struct db *db, void *context, struct error *err)
{
    struct out_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct payout_route_row route;

    return payout_route_find(db, work->account, work->object_id, &arena, &route,
                             &work->view.has_method, err);
}

bool flow_pay_out_is_known(const struct flow *flow, const char *account, const char *object_id,
                           bool *ret, struct error *err)
{
    struct out_work work = { .account = account, .object_id = object_id };

    if (!store_read(flow->store, known_work, &work, err))
        return error_context(err, "look for a payout");
    *ret = work.view.has_method;
    return true;
}
