/* SPDX-License-Identifier: Apache-2.0 */
/* The broker: root, one process, one loop. It listens, accepts, starts a session process for
 * each connection, and answers what sessions ask (guest/wire.h).
 *
 *   access_broker.c   the loop, the table of instances, the clock
 *   access_door.c     one for each instance: its port and its helper
 *   access_visit.c    one for each connection: its process, its rights, its bytes
 *
 * A session is bound to the instance whose port accepted it. It may ask whether a key is good for
 * that instance, and once it has logged in, for sockets in that instance's network; nothing else.
 * Whatever it asks out of turn ends it. */

#ifndef BERTH_AGENT_ACCESS_BROKER_H
#define BERTH_AGENT_ACCESS_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/access.h"
#include "agent/access_hostkey.h"
#include "agent/access_limit.h"
#include "agent/access_netns.h"
#include "agent/access_table.h"
#include "guest/wire.h"
#include "sys/log.h"

enum {
    BROKER_VISITS_MAX = 512,
    BROKER_VISITS_PER_INSTANCE = 128,
    BROKER_LOGIN_MS = 30000, /* from TCP connection to login */
    BROKER_KEY_ASKS_MAX = 64,
    BROKER_HELPER_NAME_SIZE = 40,
    BROKER_CONTROL_FD = 3, /* as oneself.h leaves them */
    BROKER_SLOTS_FD = 4,
    BROKER_RETRY_MS = 1000, /* between attempts to start a helper that fails */
    BROKER_OPEN_MS = 60000, /* for a stopped instance to be opened for copies */
};

enum door_helper { HELPER_NONE, HELPER_STARTING, HELPER_READY };

/* An instance's port, and the helper in its container. */
struct door {
    int64_t instance_id; /* 0: no door */
    uint16_t port;
    uint16_t slot;
    int listener; /* -1: could not listen; tried again every second */
    char container_id[ACCESS_CONTAINER_SIZE];
    enum door_helper helper;
    char helper_name[BROKER_HELPER_NAME_SIZE];
    struct netns netns; /* of a helper that is ready */
    pid_t starter;      /* while it starts */
    int starter_pipe;
    int64_t retry_at_ms;
    char why[256]; /* the last start failed */
};

/* A connection. */
struct visit {
    pid_t pid; /* of its session process; 0: no visit */
    int process, socket, tcp;
    size_t door;
    int64_t instance_id;
    struct limit_key from;
    char address[64]; /* for people: "192.0.2.1 port 40000" */
    int64_t login_by_ms;
    int key_asks;
    bool has_logged_in;
    bool is_on_errand;        /* its key is good for one end of a copy */
    bool is_waiting;          /* for the helper */
    bool wants_copy;          /* and to copy files by it */
    int64_t waiting_until_ms; /* for the instance to be opened; 0: not for that */
    uint16_t waiting_tag;
    uint64_t counted_up, counted_down;
};

struct broker {
    struct access_options options;
    struct access_hostkeys keys;
    char jail[ACCESS_STATE_DIR_MAX + 16]; /* an empty directory for sessions to live in */
    struct access_slot *slots;
    int control, epoll;
    struct access_table table;
    struct limit limit;
    struct door doors[ACCESS_ENTRIES_MAX];
    struct visit visits[BROKER_VISITS_MAX];
};

enum broker_event { EVENT_CONTROL, EVENT_DOOR, EVENT_STARTER, EVENT_VISIT, EVENT_PROCESS };

/* In a forked child: keep standard error and those two, as 3 and 4; close all else. `second` may
 * be -1. */
void broker_keep_only(int first, int second);

/* Have the loop tell of input at `fd`. */
void broker_watch(struct broker *broker, enum broker_event event, size_t index, int fd);

/* No longer; and close it. */
void broker_unwatch(struct broker *broker, int *fd);

int64_t broker_now_ms(void);

#endif
