/* SPDX-License-Identifier: Apache-2.0 */
/* SSH into any image: the way in to every instance of this host.
 *
 * Nothing is installed into an image. The host itself speaks SSH on a port for each instance, and
 * runs what the client asks for as an exec of the engine, through a static helper mounted at
 * /opt/berth. So keys and host keys never enter a container, the host key outlives restarts, and
 * an instance that is stopped can say so.
 *
 *     client == TCP ==> session (one unprivileged process a connection: libssh)
 *                          |  SOCK_SEQPACKET, access_wire.h        ^
 *                          v                                       | streams, by SCM_RIGHTS
 *                       broker (root: listens, accepts, checks keys, asks the engine)
 *                          |  table of instances                   ^ counters, shared memory
 *                          v                                       |
 *                       agent  ----------------------------------->+
 *
 * The broker accepts, so it knows the instance of a connection by itself; it never believes a
 * session about that. A session has no files, no network but the sockets it was handed, no
 * engine; when libssh breaks on hostile bytes, it breaks for one connection.
 *
 * What goes with it, and is not called from here:
 *
 *   tools: access_tools.h fills a folder on the host that every container mounts read-only at
 *   /opt/berth (bin/berth-guest, and rsync where the host has it).
 *
 *   berth-guest launch [--idle] [--hostname NAME] [--onstart-env NAME] [--] [ARGV...]
 *       The container's entrypoint, with Init. At every start: waits until the container has the
 *       host name NAME, if one is given (agent/hostname.h); /root/onstart.sh if it is there and
 *       the command in the environment variable NAME if it is set, both in the background, output
 *       to the container's log; then ARGV in its place, or, with none, waits for SIGTERM and
 *       reaps. A command that cannot be run exits with 127 and a line that says why. With --idle
 *       nothing of the renter's is started.
 *   berth-guest shell [--pty COLSxROWS[,XPIXELSxYPIXELS]] [-c COMMAND]
 *       What an SSH session runs: the login shell of root, or COMMAND through it. Without any
 *       shell in the image, a simple COMMAND is run directly. PATH gets /opt/berth/bin appended.
 *   berth-guest sftp
 *       SFTP version 3 on standard input and output.
 *   berth-guest resolve NAME
 *       Addresses of NAME as the container sees it, one a line.
 */

#ifndef BERTH_AGENT_ACCESS_H
#define BERTH_AGENT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sys/log.h"

enum {
    ACCESS_ENTRIES_MAX = 1024,
    ACCESS_KEYS_MAX = 64,          /* of an entry; the rest is ignored and logged */
    ACCESS_KEY_LENGTH_MAX = 16384, /* of one authorized_keys line */
    ACCESS_COPIES_MAX = 16,        /* of an entry */
    ACCESS_COPY_SIZE = 32,
    ACCESS_COPY_PATH_MAX = 4096,
    ACCESS_STATE_TEXT_MAX = 256,
    ACCESS_STATE_DIR_MAX = 255,
    ACCESS_BROKER_ARGUMENTS = 8,
};

#define ACCESS_BROKER_VERB "ssh-broker"

struct access_options {
    const char *state_dir;     /* exists, root's; host keys are kept in <state_dir>/ssh */
    const char *engine_socket; /* path of the engine's unix socket */
    const char *bind_address;  /* numeric; "0.0.0.0" or "::" (which takes both) for all */
    uid_t session_uid;         /* who speaks SSH: nobody's uid and gid, never 0 */
    gid_t session_gid;
    struct log log; /* copied; the broker writes to it as well */
};

/* One end of a copy between two instances (proto/desired.h): who comes with the key may do this,
 * and nothing else. */
struct access_copy {
    const uint8_t *public_key, *greeting; /* of ACCESS_COPY_SIZE bytes each */
    bool is_target;
    const char *from,
        *to; /* `to` of a target; both NULL: all files, by SFTP (agent/cloud_work.h) */
};

/* One instance: where it is reached and by whom. */
struct access_entry {
    int64_t instance_id;
    uint16_t port;            /* on this host; 0: not reachable by SSH, as good as not listed */
    const char *container_id; /* 64 hexadecimal digits; "" while no container runs */
    const char *state_text;   /* shown where container_id is "": one line, what is the matter and
                                 what to do, as in "instance 12 is stopped: start it with `berth
                                 start instance 12`" */
    bool may_open;            /* stopped, and can be opened for copies */
    bool is_for_copies;      /* container_id is of what copies go through: all else is refused, with
                                state_text */
    const char *const *keys; /* authorized_keys lines without options */
    size_t key_count;
    const struct access_copy *copies;
    size_t copy_count;
};

/* Through the gateway since access_start(), whatever was restarted meanwhile: bytes of TCP payload
 * of connections that logged in. They never cross the container's interface, so they are billed
 * in addition to what that has counted. */
struct access_counters {
    uint64_t bytes_up;   /* from the instance to the client */
    uint64_t bytes_down; /* from the client to the instance */
    int64_t connection_count;
    int listen_errno;       /* why the port does not listen; 0: it does */
    int64_t copies_asked_s; /* when somebody last came to copy while it was stopped, by
                               CLOCK_MONOTONIC; 0: nobody yet */
};

struct access; /* opaque */

/* The broker is this program again, so that none of the agent's secrets are in the memory of
 * those who talk to strangers. main() of every program that calls access_start() begins with
 *
 *     if (count > 1 && strcmp(arguments[1], ACCESS_BROKER_VERB) == 0)
 *         return access_broker_main(count, arguments);
 */
int access_broker_main(int count, char *arguments[]);

/* Read or make the host keys and start the broker. It ends when the agent does, however that
 * ends. */
NODISCARD bool access_start(const struct access_options *options, struct access **ret_access,
                            struct error *err);

/* Say all there is; what is not listed is no longer reachable, and its connections end. Keys and
 * containers count for new connections and new channels at once. Never blocks: where the broker
 * is busy the newest state is delivered by access_tend(). Calling it with nothing changed costs a
 * comparison. ERROR_INVALID: an entry that makes no sense (its port twice, a container id that is
 * none): nothing is taken over. */
NODISCARD bool access_update(struct access *access, const struct access_entry *entries,
                             size_t count, struct error *err);

/* From the agent's loop, about every second: restarts the broker if it died, and delivers what is
 * waiting. The caller must not reap children that it did not start (no waitpid(-1)). */
void access_tend(struct access *access);

/* False: the instance is not listed. */
NODISCARD bool access_counters(const struct access *access, int64_t instance_id,
                               struct access_counters *ret_counters);

/* End every connection and the broker. Sets `*access` to NULL. */
void access_stop(struct access **access);

#endif
