/* SPDX-License-Identifier: Apache-2.0 */
#include "market/approval.h"

#include <assert.h>
#include <string.h>

static bool is_free(const struct approval_request *request)
{
    struct money sum;

    return money_add(request->amount, request->lately, &sum) &&
           money_compare(sum, APPROVAL_FREE_MAX) <= 0;
}

static bool is_same(const struct approval_request *request, const struct approval_asked *asked)
{
    struct instant until = instant_add(asked->at, APPROVAL_WAIT_HOURS * US_PER_HOUR);
    struct money tenth = { asked->amount.nanodollars / 10 }, most;

    return strcmp(request->body, asked->body) == 0 && instant_compare(request->at, until) <= 0 &&
           (!money_add(asked->amount, tenth, &most) || money_compare(request->amount, most) <= 0);
}

enum approval_outcome approval_decide(const struct approval_request *request,
                                      const struct approval_asked *asked)
{
    assert(request->amount.nanodollars > 0 && request->lately.nanodollars >= 0);
    if (is_free(request))
        return APPROVAL_FREE;
    if (request->operator_id == 0)
        return APPROVAL_NOBODY;
    if (asked == NULL || !is_same(request, asked))
        return APPROVAL_ASKED;
    return asked->operator_id == request->operator_id ? APPROVAL_WAITS : APPROVAL_GIVEN;
}
