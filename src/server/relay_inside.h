/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the relay's engine share. All of it belongs to the engine's thread, but what is
 * said to be locked. */

#ifndef BERTH_SERVER_RELAY_INSIDE_H
#define BERTH_SERVER_RELAY_INSIDE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/idmap.h"
#include "market/relaying.h"
#include "proto/relay.h"
#include "server/relay_engine.h"
#include "sys/pump.h"

enum relay_watch_kind { WATCH_WAKE, WATCH_DOOR, WATCH_PORT, WATCH_FLOWS, WATCH_LINK, WATCH_CALL };

/* What epoll gives back. */
struct relay_watch {
    enum relay_watch_kind kind;
    int end; /* of a call's pump */
    void *owner;
};

/* In a list, or in none. */
struct relay_node {
    struct relay_node *next, *previous;
};

struct relay_machine {
    int64_t id, epoch;
    uint8_t public_key[32], former_key[32];
    int64_t former_until_ms;    /* before which the former key is good, too */
    struct relay_link *control; /* NULL: its agent is not here */
    int64_t lost_ms;            /* since when */
    int64_t calls;
    bool is_kept; /* while routes are taken over */
};

struct relay_instance {
    int64_t id;
    struct relay_machine *machine;
    int64_t calls;
    _Atomic uint64_t bytes_up, bytes_down;
    bool is_kept;
};

struct relay_port {
    uint16_t port, inside;
    enum relaying_protocol protocol;
    struct relay_instance *instance;
    int listener; /* -1: could not listen; tried again every second */
    struct relay_watch watch;
    struct relay_flows *flows; /* of RELAYING_UDP */
    int64_t calls;
    bool is_kept, has_failed;
};

enum relay_link_state {
    LINK_SHAKES, /* TLS */
    LINK_HELLO,  /* CALL or BACK is awaited */
    LINK_PROVES, /* PROOF is awaited */
    LINK_EARLY,  /* proved, for an epoch that no route has yet */
    LINK_CONTROL,
};

enum { LINK_IN = 2048, LINK_OUT = 64 * 1024 };

/* A connection that an agent has made. */
struct relay_link {
    struct relay_node node;
    struct relay_watch watch;
    enum relay_link_state state;
    int fd;
    struct tls *tls;
    struct sockaddr_storage from;
    int64_t deadline_ms, heard_ms, ping_ms;
    int64_t machine_id, epoch;
    uint8_t nonce[RELAY_NONCE_SIZE], signature[RELAY_SIGNATURE_SIZE];
    struct relay_machine *machine; /* of a control */
    bool is_dead;
    size_t in_count, out_at, out_count;
    uint8_t in[LINK_IN];
    uint8_t *out; /* owned, LINK_OUT bytes; NULL until something waits */
};

/* A connection that somebody has made to a route's port. */
struct relay_call {
    struct relay_node node;  /* of those that shake, that wait, or that run */
    struct relay_node ready; /* those that have budget to use up */
    struct relay_watch watches[2];
    struct relay_port *port; /* NULL: dead */
    struct pump pump;        /* ends[0]: the caller */
    struct sockaddr_storage from;
    uint8_t token[RELAY_TOKEN_SIZE];
    bool is_shaking; /* TLS with the caller: before it is done, nobody is asked */
    bool is_asked;   /* the agent knows */
    bool is_open, is_dead;
    int64_t deadline_ms;
    uint64_t counted[2]; /* of the pump's bytes, by way */
};

struct relay_engine {
    struct relay_engine_options options;
    int64_t relay_id;
    pthread_t thread;
    bool has_thread;
    int epoll, door, wake;
    struct relay_watch door_watch, wake_watch;
    uint16_t door_port;
    struct tls_context *https; /* owned; NULL: none yet */
    struct pump_bed bed;
    int64_t now_ms;

    struct relay_port *ports[UINT16_MAX + 1]; /* owned */
    struct relay_machine **machines;          /* owned; places of machine_map */
    struct relay_instance **instances;        /* owned; places of instance_map */
    size_t machine_count, instance_count;
    struct idmap machine_map, instance_map;

    struct relay_node links, shaking, waiting, running, ready; /* heads of lists */
    struct relay_node graveyard; /* links and calls that end with this round */
    struct relay_node dead_calls;
    int64_t hello_count, shaking_count, waiting_count, call_count, call_max;
    _Atomic int64_t seen_agents, seen_calls, seen_waiting;
    _Atomic uint64_t bytes_up, bytes_down, served, refused;

    pthread_mutex_t lock;       /* guards what follows, and the table of instances */
    struct relay_route *routes; /* owned: to take over next; NULL: none */
    size_t route_count;
    struct tls_context *next_https; /* owned: to take over next; NULL: none */
    bool has_routes, is_stopping;
};

#define RELAY_OF(type, member, pointer)                                                            \
    ((struct type *)(void *)((char *)(pointer)-offsetof(struct type, member)))

void relay_list_init(struct relay_node *head);
void relay_list_add(struct relay_node *head, struct relay_node *node);
void relay_list_remove(struct relay_node *node); /* nothing where it is in none */
bool relay_list_is_empty(const struct relay_node *head);

/* False: out of descriptors to watch. */
NODISCARD bool relay_watch(struct relay_engine *engine, int fd, uint32_t events,
                           struct relay_watch *watch);

/* Before a watched socket is closed: a child that was forked meanwhile may still hold it open, and
 * epoll would go on to speak of a watch that is freed. Nothing where fd is -1. */
void relay_unwatch(struct relay_engine *engine, int fd);

/* Listening, or bound where `type` is SOCK_DGRAM; or -1 with errno. */
int relay_listen(const char *address, uint16_t port, int type);
bool relay_same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
void relay_take_keys(const struct relay_engine *engine, struct relay_machine *machine,
                     const struct relay_route *route);
struct relay_machine *relay_find_machine(const struct relay_engine *engine, int64_t id);

#endif
