/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tunnel's process share. */

#ifndef BERTH_AGENT_TUNNEL_INSIDE_H
#define BERTH_AGENT_TUNNEL_INSIDE_H

#include <netdb.h>
#include <sys/socket.h>

#include "agent/tunnel.h"
#include "agent/tunnel_wire.h"
#include "proto/relay.h"
#include "sys/pump.h"
#include "sys/tls.h"

enum {
    TUNNEL_FD = 3, /* to the agent */
    TUNNEL_HELLO_MS = 10000,
    TUNNEL_BACKOFF_FIRST_MS = 250,
    TUNNEL_BACKOFF_MAX_MS = 10000,
    TUNNEL_IN = 4096,
    TUNNEL_OUT = 64 * 1024,
    TUNNEL_HOST_SIZE = 256,
};

enum tunnel_watch_kind {
    TUNNEL_WATCH_AGENT,
    TUNNEL_WATCH_NAMES,
    TUNNEL_WATCH_CONTROL,
    TUNNEL_WATCH_BACK,
    TUNNEL_WATCH_FLOWS,
    TUNNEL_WATCH_FLOW
};

struct tunnel_watch {
    enum tunnel_watch_kind kind;
    int end;
    void *owner;
};

enum control_state {
    CONTROL_RESTS, /* until dial_ms */
    CONTROL_NAMES, /* the resolver is asked */
    CONTROL_DIALS,
    CONTROL_SHAKES,
    CONTROL_CALLS, /* CALL was sent, NONCE is awaited */
    CONTROL_SIGNS, /* the agent is asked */
    CONTROL_PROVES,
    CONTROL_OPEN,
};

/* A relay, and the connection to it. */
struct control {
    struct control *next;
    struct tunnel_watch watch;
    int64_t id;
    char host[TUNNEL_HOST_SIZE];
    uint16_t port;
    bool has_pin, is_kept;
    uint8_t pin[TLS_PIN_SIZE];

    enum control_state state;
    int64_t epoch; /* that it was told */
    int64_t dial_ms, deadline_ms, heard_ms, ping_ms;
    unsigned failures;
    bool has_told; /* of a failure, since it last was open */
    int fd;
    struct tls *tls;
    uint8_t nonce[RELAY_NONCE_SIZE];
    struct sockaddr_storage address; /* the one that answered */
    socklen_t address_size;
    size_t in_count, out_at, out_count;
    uint8_t in[TUNNEL_IN], out[TUNNEL_OUT];
};

enum back_state { BACK_DIALS_HOST, BACK_DIALS_RELAY, BACK_SHAKES, BACK_SAYS, BACK_OPEN };

/* A caller's connection: ends[0] to the relay, ends[1] to the port on this host. */
struct back {
    struct back *next, *previous, *ready_next;
    struct tunnel_watch watches[2];
    enum back_state state;
    struct pump pump;
    uint8_t token[RELAY_TOKEN_SIZE];
    int64_t relay_id, instance_id;
    struct sockaddr_storage address;
    socklen_t address_size;
    bool has_pin, is_dead, is_ready;
    uint8_t pin[TLS_PIN_SIZE];
    int64_t deadline_ms;
    size_t said; /* bytes of BACK */
};

struct tunnel_process {
    struct log log;
    int epoll;
    int64_t now_ms;
    struct tls_context *tls;
    struct pump_bed bed;
    int64_t machine_id, epoch;
    struct control *controls;  /* owned */
    struct tunnel_port *ports; /* owned; sorted */
    size_t port_count;
    struct back *backs, *dead, *ready; /* owned lists */
    size_t back_count, back_max;
    struct flows *flows; /* owned list */
    size_t flow_count;   /* no more than back_max */
    int names[2];        /* pipe from the resolvers' threads */
    struct tunnel_watch agent_watch, names_watch;
};

#endif
