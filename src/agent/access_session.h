/* SPDX-License-Identifier: Apache-2.0 */
/* A session: the process that speaks SSH with one client.
 *
 * It runs as nobody, in an empty directory, may start nothing and open nothing, and holds two
 * sockets: the client's and the broker's. Everything else it has to ask for.
 *
 *   access_session.c   the loop: the client, the broker, the helper, the streams
 *   access_login.c     who may come in
 *   access_channel.c   channels and their streams, pumped both ways within windows
 *   access_program.c   channels that run something
 *   access_forward.c   channels that lead to a port, and ports that lead to channels
 *
 * Nothing blocks and nothing grows: from the client we read what a process takes, from a process
 * what the client's window takes. */

#ifndef BERTH_AGENT_ACCESS_SESSION_H
#define BERTH_AGENT_ACCESS_SESSION_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/access.h"
#include "agent/access_hostkey.h"
#include "guest/wire.h"

enum {
    SESSION_CHANNELS_MAX = 112,
    SESSION_LISTENERS_MAX = 15,
    /* What a message is about: a channel, behind those a port, behind those the helper. Above
     * that a number that makes a tag another one when its channel is. */
    SESSION_TAGS = SESSION_CHANNELS_MAX + SESSION_LISTENERS_MAX + 1,
    SESSION_HELPER_TAG = SESSION_TAGS - 1,
    SESSION_CHUNK = 64 * 1024,
    SESSION_ADDRESSES_MAX = 16,
    SESSION_NAME_MAX = 255,
    SESSION_RESOLVED_MAX = 2048,
};

struct access_session {
    const struct access_hostkeys *keys;
    const char *jail; /* an empty directory */
    uid_t uid;
    gid_t gid;
    int64_t instance_id;
    char connection[160]; /* as in $SSH_CONNECTION */
    int tcp, broker;
};

enum channel_kind { CHANNEL_NONE, CHANNEL_PROGRAM, CHANNEL_FORWARD, CHANNEL_RESOLVE };

enum channel_state {
    CHANNEL_NEW,     /* a program's: nothing runs yet */
    CHANNEL_WAITING, /* for the helper */
    CHANNEL_ASKED,   /* the helper, the broker or a peer will answer */
    CHANNEL_OPEN,    /* streams */
};

/* Bytes that one side has given and the other has not taken yet. */
struct backlog {
    uint8_t *bytes; /* owned; NULL: none */
    size_t at, end, room;
};

/* A stream's descriptor, and what the loop was asked to tell of it. */
struct stream {
    int fd; /* -1: none, or at its end */
    uint32_t watched;
};

enum { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_COUNT };

/* Where a forward leads; addresses are tried in turn. */
struct destination {
    char name[SESSION_NAME_MAX + 1];
    uint16_t port;
    size_t address_count, address_at;
    char addresses[SESSION_ADDRESSES_MAX][48];
};

struct session;

struct channel {
    struct session *session;
    uint16_t tag;
    enum channel_kind kind;
    enum channel_state state;
    ssh_channel ssh; /* NULL before it is accepted, and of CHANNEL_RESOLVE */
    struct ssh_channel_callbacks_struct callbacks;
    struct stream streams[STREAM_COUNT]; /* IN: what we write to; OUT, ERR: what we read */
    struct backlog to_process, to_client;
    bool is_error_backlog;   /* to_client belongs to standard error */
    uint32_t client_pending; /* bytes that libssh holds until the process takes them */
    bool client_has_ended;   /* its input */
    bool client_has_closed;
    bool has_sent_eof; /* to the client */
    bool has_exited;
    uint32_t exit_number; /* as in WIRE_EXITED */

    /* A program's. */
    enum wire_kind wanted;
    bool has_terminal;
    struct wire_terminal terminal;
    char term[WIRE_TERM_MAX + 1];
    char *env; /* owned, with env_length bytes; NULL: none */
    size_t env_length;
    char *command; /* owned until it is sent; or NULL */

    /* A forward's. */
    ssh_message request;             /* not answered yet; or NULL */
    struct destination *destination; /* owned; or NULL */
    size_t resolver;                 /* the channel that looks the name up */
    bool is_reverse;                 /* the client has still to accept it */
    char reverse_address[SESSION_NAME_MAX + 1], reverse_from[48];
    uint16_t reverse_port, reverse_from_port;
    size_t forward; /* of a CHANNEL_RESOLVE: who waits for it */
};

/* A port in the container that the client asked for (ssh -R). */
struct listener {
    bool is_used, is_asked;
    struct stream stream; /* -1: the broker has not answered yet */
    char address[SESSION_NAME_MAX + 1];
    uint16_t port;
    ssh_message request; /* not answered yet; or NULL */
};

enum helper_state { SESSION_HELPER_NONE, SESSION_HELPER_ASKED, SESSION_HELPER_READY };

struct session {
    const struct access_session *start;
    ssh_session ssh;
    int epoll, tcp, broker, helper;
    uint32_t tcp_watched;
    enum helper_state helper_state;
    bool has_asked_to_copy; /* so that what is stopped is opened */
    bool is_authenticated, is_over;
    bool is_copy; /* it came as LOGIN_COPY_USER, who may copy files and no more */
    char copies_text[ACCESS_STATE_TEXT_MAX + 1]; /* nobody may do more, and why; "": they may */
    char *errand; /* owned: the one thing that its key is good for, as the broker has said it; or
                     NULL */
    bool has_greeted;
    uint16_t tags_used;
    struct ssh_counter_struct counter; /* of packets */
    bool has_hinted; /* the client was told what is wrong with its key or its user */
    int key_offers;
    int64_t heard_ms; /* when the client last said anything */
    struct channel channels[SESSION_CHANNELS_MAX];
    struct listener listeners[SESSION_LISTENERS_MAX];
};

/* Speak until one side has enough. */
_Noreturn void access_session_run(const struct access_session *start);

/* access_session.c, for the others. */
int64_t session_now_ms(void);
void session_ask_helper(struct session *session);
void session_watch(struct session *session, uint64_t what, struct stream *stream, uint32_t events);
uint64_t session_listener_event(size_t index);
uint64_t session_stream_event(size_t index, int stream);

#endif
