/* SPDX-License-Identifier: Apache-2.0 */
/* What every flow is given. A flow is one thing that happens in the market: load the facts,
 * decide in market/, store it all in one transaction. No sockets, no threads; time comes from
 * the clock here. Each flow has a file, a request struct, an outcome enum and, where it
 * answers more, a reply struct. `false` with an error means the world failed (database, disk);
 * an outcome means the market said so, and nothing was written unless it is the good one. */

#ifndef BERTH_FLOW_FLOW_H
#define BERTH_FLOW_FLOW_H

#include "base/money.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/crypto.h"
#include "sys/log.h"

struct vault;         /* flow/vault.h */
struct pay_settings;  /* flow/pay.h */
struct password_gate; /* sys/password.h */
struct run_list;      /* market/run_list.h */

struct flow {
    struct store *store;
    const struct clock *clock;
    const struct log *log;
    const struct key_pair *server_keys; /* signs destroy instructions */
    const struct vault *vault;          /* opens what is sealed in the database */
    struct password_gate *passwords;    /* checks them, a few at a time */
    uint32_t guess_factor;              /* --rate-factor: so much more guessing; 0: without limit */
    bool auto_verifies;                 /* --auto-verify */
    bool allows_simulated;              /* --allow-simulated */
    struct money payout_min;            /* --payout-min */
    struct money spend_cap;             /* --spend-cap: of a new account, an hour; 0: none */
    bool skips_disk_offline;            /* --storage-when-offline skip */
    int64_t downtime_bps;               /* --downtime-credit, in hundredths of a percent */
    const char *terms, *terms_url;      /* --terms: the version that who signs up accepts, and where
                                           it is to be read; NULL, both: there are none */
    const struct pay_settings *pay;     /* providers of payments; NULL: all goes by hand */
    const struct run_list *runs;        /* --runs, and those that are known; NULL: these alone */
    bool uses_formula;                  /* --predictor off */
};

#endif
