/* SPDX-License-Identifier: Apache-2.0 */
#include "server/provider_stripe.h"

#include <string.h>

static enum provider_verdict judge(const struct stripe_reply *reply,
                                   struct stripe_failure *ret_failure)
{
    int status = reply->status;

    if (status >= 200 && status < 300)
        return reply->json != NULL ? PROVIDER_TAKEN : PROVIDER_AGAIN;
    if (status == 401 || status == 403)
        return PROVIDER_KEY;
    if (reply->advice == STRIPE_SAYS_RETRY || status == 409 || status == 424 || status == 429)
        return PROVIDER_AGAIN;
    if (status >= 500)
        return reply->advice == STRIPE_SAYS_STOP ? PROVIDER_DOUBT : PROVIDER_AGAIN;
    /* Anything else that is not Stripe's own is of something in between. */
    return status >= 400 && stripe_failure_read(reply->json, ret_failure) ? PROVIDER_REFUSED
                                                                          : PROVIDER_AGAIN;
}

static void log_call(const struct payments_asker *asker, const struct outbox_item *item,
                     const struct stripe_reply *reply)
{
    log_write(asker->options->flow->log, LOG_INFO, "payments: called",
              "%s: status %d, request %s%s", item->key, reply->status, reply->request_id,
              reply->is_replayed ? ", said before" : "");
}

/* The answer into the books. */
static enum provider_verdict take(const struct payments_asker *asker,
                                  const struct outbox_item *item, const json_t *json)
{
    const struct flow *flow = asker->options->flow;
    struct stripe_object object;
    enum pay_effect effect;
    struct error err;

    if (!stripe_object_read(json, &object, &err)) {
        log_failure(flow->log, "Stripe's answer is strange", &err);
        payments_alarm(asker, "an answer that cannot be read", item->key);
        return PROVIDER_REFUSED;
    }
    if (!flow_pay_answer(flow, item, &object, &effect, &err)) {
        log_failure(flow->log, "answer not written down", &err);
        return PROVIDER_AGAIN;
    }
    /* Answers to calls are not expanded: what is in them only by name is read. */
    if (effect == PAY_LATER && object.id[0] != '\0')
        effect = payments_look(asker, object.id, item->account);
    if (effect == PAY_STRANGE)
        payments_alarm(asker, "an answer that does not fit", item->key);
    return effect == PAY_LATER ? PROVIDER_AGAIN : PROVIDER_TAKEN;
}

static enum provider_verdict refuse(const struct payments_asker *asker,
                                    const struct outbox_item *item, int status,
                                    const struct stripe_failure *failure)
{
    const struct flow *flow = asker->options->flow;
    struct error err;

    /* A decline is how cards are; the rest is our mistake. */
    if (status != 402)
        payments_alarm(asker, failure->code[0] != '\0' ? failure->code : failure->type, item->key);
    if (flow_pay_refused(flow, item, failure, &err))
        return PROVIDER_REFUSED;
    log_failure(flow->log, "refusal not written down", &err);
    return PROVIDER_AGAIN;
}

static enum provider_verdict look_for(const struct payments_asker *asker,
                                      const struct outbox_item *item)
{
    const struct stripe_failure failure = { "", "no_answer", "", "", "", "" };

    switch (payments_doubt(asker, item)) {
    case PAYMENTS_FOUND:
        return PROVIDER_TAKEN;
    case PAYMENTS_ANEW:
        return PROVIDER_REFUSED;
    case PAYMENTS_STUCK:
        return refuse(asker, item, 0, &failure);
    case PAYMENTS_DOUBT_LATER:
        break;
    }
    return PROVIDER_AGAIN;
}

static enum provider_verdict stripe_make_call(const struct payments_asker *asker,
                                              const struct outbox_item *item, int *ret_status)
{
    const struct payments_options *options = asker->options;
    auto_stripe_reply struct stripe_reply reply = { .json = NULL };
    struct stripe_failure failure;
    char key[PAY_KEY_SIZE];
    struct error err;
    const struct stripe_request request = { item->method, item->path, item->body, item->account,
                                            pay_call_key(item, options->flow->pay->installation,
                                                         key) };

    if (item->attempts > 1 && instant_until(item->first_sent, clock_now(options->flow->clock)) >
                                  PAYMENTS_RESEND_SECONDS * US_PER_SECOND)
        return look_for(asker, item);
    if (!stripe_wire_send(options->stripe, asker->client, &request, &reply, &err)) {
        log_failure(options->flow->log, "payments: no answer", &err);
        return PROVIDER_AGAIN;
    }
    *ret_status = reply.status;
    log_call(asker, item, &reply);
    switch (judge(&reply, &failure)) {
    case PROVIDER_TAKEN:
        return take(asker, item, reply.json);
    case PROVIDER_REFUSED:
        return refuse(asker, item, reply.status, &failure);
    case PROVIDER_DOUBT:
        return look_for(asker, item);
    case PROVIDER_KEY:
        payments_alarm(asker, "Stripe refuses our key", item->key);
        return PROVIDER_KEY;
    case PROVIDER_AGAIN:
        break;
    }
    return PROVIDER_AGAIN;
}

const struct provider provider_stripe = { "stripe", stripe_make_call, payments_event, NULL,
                                          payments_sweep };
