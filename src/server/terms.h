/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of the market, that who signs up accepts: --terms and --terms-url. */

#ifndef BERTH_SERVER_TERMS_H
#define BERTH_SERVER_TERMS_H

#include "flow/flow.h"
#include "server/options.h"

#define TERMS_OPTION_ROWS                                                                          \
    { "terms", "VERSION", "who signs up accepts this version of the terms (none)" },               \
    {                                                                                              \
        "terms-url", "URL", "where these terms are to be read (needed with --terms)"               \
    }

/* Sets `flow->terms` and its page, which live as long as the options; or leaves them alone. */
NODISCARD bool terms_read(const struct options *options, struct flow *flow, struct error *err);

#endif
