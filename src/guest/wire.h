/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the way in say to each other: one message is one datagram of a
 * SOCK_SEQPACKET socket, descriptors ride along.
 *
 *     session -> broker   KEY, HELPER, SOCKET, LISTEN      <- GRANTED (descriptor) or REFUSED
 *     session -> helper   RUN, SIGNAL, CLOSE               <- STARTED (descriptors), EXITED or
 *                                                             REFUSED
 *
 * The broker is root and believes nothing that a session says; a session believes nothing that
 * a helper in a renter's container says. So every message is checked whole, by the one function
 * here, before anybody looks at a field. `tag` is the sender's: the answer carries it
 * back, and no other question has it for a long while. */

#ifndef BERTH_GUEST_WIRE_H
#define BERTH_GUEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_TEXT_MAX = 128 * 1024 - 1, /* a command: what the kernel takes as one argument */
    WIRE_TERM_MAX = 128,            /* $TERM */
    WIRE_ENV_MAX = 32 * 1024,       /* all variables together, with their NULs */
    WIRE_SIZE_MAX = 176 * 1024,     /* a message; below a socket's default buffer */
    WIRE_FDS_MAX = 3,
};

enum wire_type {
    WIRE_KEY = 1, /* may this key log in? text: "type base64"; number 1: it has, by signature */
    WIRE_HELPER,  /* a connection to the helper in the container; number 1: to copy files */
    WIRE_SOCKET,  /* a TCP socket of the container's network; number: 4 or 6 */
    WIRE_LISTEN,  /* the same, listening at `port`; text: the address */
    WIRE_GRANTED, /* yes; port: where it listens; text, of a HELPER that is there for copies alone:
                     what to say to whoever wants more; of a KEY that is good for one errand: that
                   */
    WIRE_REFUSED, /* no; text: why, for people; number: errno, or 0 */
    WIRE_RUN,     /* start a process */
    WIRE_STARTED, /* descriptors: input, output, error; or the terminal alone */
    WIRE_SIGNAL,  /* number: for the process and its group */
    WIRE_CLOSE,   /* nobody listens any more: hang up, then kill */
    WIRE_EXITED,  /* number: exit status, or 256 + the signal that killed it */
    WIRE_TYPES_END,
};

enum wire_kind {
    WIRE_SHELL,   /* the login shell */
    WIRE_COMMAND, /* text, through the shell */
    WIRE_SFTP,
    WIRE_RESOLVE, /* text: a host name */
    WIRE_KINDS_END,
};

struct wire_terminal {
    uint16_t columns, rows, x_pixels, y_pixels;
};

struct wire_message {
    enum wire_type type;
    uint16_t tag;
    uint16_t port;
    uint32_t number;
    enum wire_kind kind; /* of RUN */
    bool has_terminal;   /* of RUN */
    struct wire_terminal terminal;
    const char *term; /* never NULL in a decoded message */
    const char *env;  /* "NAME=value" and a NUL, one after the other */
    size_t env_length;
    const char *text; /* never NULL in a decoded message */
};

/* Returns the length, or 0 where the message would pass a limit above. */
size_t wire_encode(const struct wire_message *message, uint8_t bytes[static WIRE_SIZE_MAX]);

/* Texts of `*ret_message` point into `bytes`. False, leaving it alone, for whatever
 * wire_encode() would not have written. */
bool wire_decode(const uint8_t *bytes, size_t length, struct wire_message *ret_message);

/* A letter or underscore, then those and digits. */
bool wire_is_variable(const char *name, size_t length);

/* Send a message and `fd_count` descriptors. False, with errno: not sent, nothing of it. */
bool wire_send(int fd, const struct wire_message *message, const int *fds, size_t fd_count);

/* Receive one into `bytes`, which its texts point into. The descriptors that came are the
 * caller's; the rest of `ret_fds` is -1. Returns 1, 0 at the end of the connection, or -1 with
 * errno: EAGAIN where nothing is there, EBADMSG for what is no message of ours. */
int wire_receive(int fd, uint8_t bytes[static WIRE_SIZE_MAX], struct wire_message *ret_message,
                 int ret_fds[static WIRE_FDS_MAX]);

#endif
