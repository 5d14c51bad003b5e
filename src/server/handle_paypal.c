/* SPDX-License-Identifier: Apache-2.0 */
/* What PayPal tells us unasked (docs/payments.md). */
#include <string.h>

#include "flow/pay_paypal.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { EVENT_MAX = 256 << 10, ID_MAX = 128 };

/* False: one is missing, or too long to be one. */
static bool read_headers(const struct http_request *request, struct paypal_event_headers *ret)
{
    const struct paypal_event_headers headers = {
        http_header(request, "Paypal-Auth-Algo"), http_header(request, "Paypal-Cert-Url"),
        http_header(request, "Paypal-Transmission-Id"),
        http_header(request, "Paypal-Transmission-Sig"),
        http_header(request, "Paypal-Transmission-Time")
    };
    const char *const all[] = { headers.algorithm, headers.cert_url, headers.transmission_id,
                                headers.signature, headers.time };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] == NULL || all[i][0] == '\0' || strlen(all[i]) > PAYPAL_HEADER_MAX)
            return false;
    *ret = headers;
    return paypal_is_cert_url(headers.cert_url);
}

/* Kept is the question whether it is genuine, as it is put to PayPal; and only where it is about a
 * batch of ours, whose names nobody else can know. */
static void take_event(struct call *call, const struct paypal_event_headers *headers)
{
    const struct http_request *request = call->request;
    auto_psp_call struct psp_call asked =
        paypal_verify(headers, call->app->paypal.webhook, request->body);
    struct paypal_event event;
    struct error err;
    bool is_new = false;

    if (!paypal_event_read(call->body, &event, &err))
        return reply_error(call, &err);
    if (strlen(event.id) > ID_MAX || asked.body.has_overflowed)
        return reply_refuse(call, 400, "invalid_args", "That is too long.");
    const struct psp_event_row row = { "paypal", event.id,         event.type, event.batch,
                                       "",       asked.body.bytes, 0 };
    if (event.batch[0] != '\0' && !flow_paypal_event(&call->app->flow, &row, &is_new, &err))
        return reply_error(call, &err);
    if (is_new)
        reply_success(call);
    else
        reply_message(call, "That was known, or is nothing of ours.");
}

void handle_paypal_event(struct call *call)
{
    const struct http_request *request = call->request;
    struct paypal_event_headers headers;

    if (!call->app->pay.has_paypal || call->app->paypal.webhook[0] == '\0')
        return reply_refuse(call, 409, "payments_off", "This market does not listen to PayPal.");
    if (call->body == NULL || strlen(request->body) != request->body_length ||
        request->body_length > EVENT_MAX || !read_headers(request, &headers))
        return reply_refuse(call, 400, "invalid_signature", "This is not signed as it should be.");
    take_event(call, &headers);
}
