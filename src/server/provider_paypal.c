/* SPDX-License-Identifier: Apache-2.0 */
#include "server/provider_paypal.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/pay_paypal.h"

enum { DUE_MAX = 4, DUE_ARENA_MAX = 1 << 20, SENDER_SIZE = 64 };

static int64_t seconds_of(const struct payments_asker *asker)
{
    return clock_now(asker->options->flow->clock).microseconds / US_PER_SECOND;
}

static bool ask(const struct payments_asker *asker, struct paypal_request request,
                struct paypal_reply *ret)
{
    struct error err;

    request.now_s = seconds_of(asker);
    if (paypal_wire_send(asker->options->paypal, asker->paypal, asker->client, &request, ret, &err))
        return true;
    log_failure(asker->options->flow->log, "payments: no answer", &err);
    return false;
}

static enum provider_verdict note(const struct payments_asker *asker,
                                  const struct outbox_item *item, bool is_noted,
                                  const struct error *err, enum provider_verdict verdict)
{
    if (is_noted)
        return verdict;
    log_failure(asker->options->flow->log, "answer not written down", err);
    payments_alarm(asker, "an answer that is not written down", item->key);
    return PROVIDER_AGAIN;
}

static enum provider_verdict taken(const struct payments_asker *asker,
                                   const struct outbox_item *item, const char *batch)
{
    struct error err;
    bool is_noted = flow_paypal_taken(asker->options->flow, item, batch, &err);

    return note(asker, item, is_noted, &err, PROVIDER_TAKEN);
}

/* One that is known by our name already is the one that we made, and did not hear of. */
static enum provider_verdict refused(const struct payments_asker *asker,
                                     const struct outbox_item *item,
                                     const struct paypal_failure *failure)
{
    struct error err;

    if (failure->batch[0] != '\0')
        return taken(asker, item, failure->batch);
    payments_alarm(asker, failure->name, item->key);
    bool is_noted = flow_paypal_refused(asker->options->flow, item, failure, &err);
    return note(asker, item, is_noted, &err, PROVIDER_REFUSED);
}

static enum provider_verdict judge(const struct payments_asker *asker,
                                   const struct outbox_item *item, const struct paypal_reply *reply)
{
    struct paypal_batch_seen batch;
    struct paypal_failure failure;
    int status = reply->status;
    struct error err;

    if (status == 401) {
        payments_alarm(asker, "PayPal refuses our key", item->key);
        return PROVIDER_KEY;
    }
    if (status >= 200 && status < 300) {
        if (paypal_batch_read(reply->json, &batch, &err))
            return taken(asker, item, batch.id);
        /* Asked again, it says the same, or which one it was. */
        log_failure(asker->options->flow->log, "PayPal's answer is strange", &err);
        return PROVIDER_AGAIN;
    }
    if (status == 408 || status == 409 || status == 429 || status >= 500 || status < 400 ||
        !paypal_failure_read(reply->json, &failure))
        return PROVIDER_AGAIN;
    return refused(asker, item, &failure);
}

/* The key that a batch is made once for is our name of it, which lies in its body, too. */
static void once_of(const struct outbox_item *item, char ret[static SENDER_SIZE])
{
    static const char before[] = "\"sender_batch_id\":\"";
    const char *at = strstr(item->body, before);

    at = at != NULL ? at + sizeof before - 1 : item->key;
    (void)snprintf(ret, SENDER_SIZE, "%.*s", (int)strcspn(at, "\""), at);
}

static enum provider_verdict make_call(const struct payments_asker *asker,
                                       const struct outbox_item *item, int *ret_status)
{
    auto_paypal_reply struct paypal_reply reply = { .json = NULL };
    char once[SENDER_SIZE];
    const struct paypal_request request = { item->method, item->path, item->body, once, 0 };

    /* PayPal has forgotten its name by now, and would make it again. */
    if (item->attempts > 1 &&
        instant_until(item->first_sent, clock_now(asker->options->flow->clock)) >
            PAY_PAYPAL_KNOWN_US) {
        payments_alarm(asker, "nobody knows whether PayPal has it", item->key);
        return PROVIDER_KEY;
    }
    once_of(item, once);
    if (!ask(asker, request, &reply))
        return PROVIDER_AGAIN;
    *ret_status = reply.status;
    log_write(asker->options->flow->log, LOG_INFO, "payments: called", "%s: status %d", item->key,
              reply.status);
    return judge(asker, item, &reply);
}

/* Is it PayPal who says so? What it asks for then is but to look. */
static enum pay_effect verify(const struct payments_asker *asker, const struct psp_event_row *event)
{
    auto_paypal_reply struct paypal_reply reply = { .json = NULL };
    const struct paypal_request request = { "POST", PAYPAL_VERIFY_PATH, event->body, NULL, 0 };
    const char *status;
    struct error err;

    if (!ask(asker, request, &reply) || reply.status != 200 || reply.json == NULL)
        return PAY_LATER;
    status = json_string_value(json_member(reply.json, "verification_status"));
    if (status == NULL || strcmp(status, "SUCCESS") != 0)
        return PAY_STRANGE;
    if (flow_paypal_look_now(asker->options->flow, event->object_id, &err))
        return PAY_DONE;
    log_failure(asker->options->flow->log, "event not written down", &err);
    return PAY_LATER;
}

static bool take_items(const struct payments_asker *asker, const struct payout_batch_row *batch,
                       const json_t *items)
{
    struct paypal_item_seen seen[PAYPAL_PAGE];
    size_t count = 0, strange = 0, unread = 0;
    struct error err;

    for (size_t i = 0; i < json_array_size(items) && count < PAYPAL_PAGE; i++) {
        if (paypal_item_read(json_array_get(items, i), &seen[count], &err))
            count++;
        else
            unread++;
    }
    if (!flow_paypal_items(asker->options->flow, batch->id, seen, count, &strange, &err)) {
        log_failure(asker->options->flow->log, "items not written down", &err);
        return false;
    }
    if (strange + unread > 0)
        payments_alarm(asker, "items that do not fit, of PayPal's batch", batch->object_id);
    return true;
}

/* All pages of a batch. False: nobody can tell now. */
static bool look_at(const struct payments_asker *asker, const struct payout_batch_row *batch)
{
    struct paypal_batch_seen seen = { .pages = 1 };
    struct error err;

    for (int64_t page = 1; page <= seen.pages; page++) {
        auto_psp_call struct psp_call call = paypal_read(batch->object_id, page);
        auto_paypal_reply struct paypal_reply reply = { .json = NULL };
        const struct paypal_request request = { call.method, call.path.bytes, "", NULL, 0 };

        if (!ask(asker, request, &reply))
            return false;
        if (reply.status != 200 || !paypal_batch_read(reply.json, &seen, &err) ||
            strcmp(seen.id, batch->object_id) != 0) {
            log_write(asker->options->flow->log, LOG_WARNING, "PayPal gave no answer",
                      "batch %s: status %d", batch->object_id, reply.status);
            return false;
        }
        if (seen.status == PAYPAL_BATCH_UNKNOWN)
            payments_alarm(asker, "a batch of an unknown status", batch->object_id);
        if (!take_items(asker, batch, json_member(reply.json, "items")))
            return false;
        /* Texts of `seen` end with the reply. */
        if (page >= seen.pages && !flow_paypal_looked(asker->options->flow, batch->id, &seen, &err))
            return false;
    }
    return true;
}

/* Those that are due; after a failure the rest waits a while. */
static bool look(const struct payments_asker *asker)
{
    auto_arena struct arena arena = arena_of(DUE_ARENA_MAX);
    const struct flow *flow = asker->options->flow;
    struct payout_batch_row *rows;
    struct error err;
    size_t count;

    if (seconds_of(asker) < asker->paypal->pause_s ||
        !flow_paypal_due(flow, DUE_MAX, &arena, &rows, &count, &err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!look_at(asker, &rows[i])) {
            asker->paypal->pause_s = seconds_of(asker) + PAYPAL_PAUSE_S;
            return false;
        }
    }
    return count > 0;
}

const struct provider provider_paypal = { "paypal", make_call, verify, look, NULL };
