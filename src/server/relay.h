/* SPDX-License-Identifier: Apache-2.0 */
/* A relay: hosts behind NAT dial it, renters dial it, and it puts them together. In berthd, or
 * alone (`berthd relay`), any number of them on one database.
 *
 * It says in the database where it is and that it lives, and reads there which of its ports leads
 * where: at once when told of a change, and every few seconds anyway. The bytes are
 * server/relay_engine.h's. */

#ifndef BERTH_SERVER_RELAY_H
#define BERTH_SERVER_RELAY_H

#include "flow/flow.h"
#include "server/options.h"
#include "server/relay_engine.h"

/* From a command line's --relay-... */
struct relay_options {
    const struct flow *flow; /* borrowed */
    const char *listen;      /* where agents dial: "ADDRESS:PORT" */
    const char *host;        /* the name or address that agents and renters dial; NULL: guess */
    const char *public_url;  /* whose host is the guess; or NULL */
    const char *ports;       /* "A-B" */
    const char *cert_file, *key_file;             /* NULL: plain TCP between agents and relay */
    const char *https_cert_file, *https_key_file; /* for browsers; NULL: none reaches a notebook */
};

/* The rows of --relay-ports and its companions, for a table of options. */
#define RELAY_OPTION_ROWS                                                                          \
    { "relay-ports", "A-B", "lend these ports to hosts without open ones (none)" },                \
        { "relay-listen", "ADDR:PORT", "where such hosts dial the relay (0.0.0.0:7700)" },         \
        { "relay-host", "NAME", "how hosts and renters reach it (the host of --public-url)" },     \
        { "relay-cert", "FILE", "speak TLS with hosts: a certificate, PEM (plain TCP)" },          \
        { "relay-key", "FILE", "and its key" },                                                    \
        { "relay-https-cert", "FILE",                                                              \
          "open notebooks at https://: an authority's certificate for --relay-host, PEM" },        \
    {                                                                                              \
        "relay-https-key", "FILE", "and its key; both are read anew when they change"              \
    }

/* All but `flow`, as given. */
struct relay_options relay_options_of(const struct options *options);

struct relay;

NODISCARD bool relay_open(const struct relay_options *options, struct relay **ret,
                          struct error *err);

/* Some route has changed. NULL: nothing. */
void relay_touch(struct relay *relay);

/* Nobody is sent to it any more, and its connections end. */
void relay_stop(struct relay *relay);
void relay_close(struct relay **relay);

/* For people: "192.0.2.1 ports 41000-41999, hosts dial port 7700". */
const char *relay_text(const struct relay *relay);
struct relay_counts relay_counts(const struct relay *relay);

#endif
