/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAGIC = 0x42525448, EXIT_NUMBER_END = 256 + 65, SIGNAL_NUMBER_END = 65 };

/* Both ends run on one machine and are built together: no byte order to care for. What follows
 * are term and its NUL, env, text and its NUL. */
struct header {
    uint32_t magic;
    uint8_t type, kind, has_terminal, zero;
    uint16_t tag, port;
    uint32_t number;
    struct wire_terminal terminal;
    uint32_t term_length, env_length, text_length;
};

_Static_assert(sizeof(struct header) == 36, "no padding: every byte on the wire is ours");

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool wire_is_variable(const char *name, size_t length)
{
    if (length == 0 || !is_letter(name[0]))
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_letter(name[i]) && !(name[i] >= '0' && name[i] <= '9'))
            return false;
    return true;
}

/* A row of "NAME=value" texts that fills `env` to its end. */
static bool env_is_valid(const char *env, size_t length)
{
    if (length > WIRE_ENV_MAX || (length > 0 && env[length - 1] != '\0'))
        return false;
    for (size_t at = 0; at < length; at += strlen(env + at) + 1) {
        const char *equals = strchr(env + at, '=');
        if (equals == NULL || !wire_is_variable(env + at, (size_t)(equals - (env + at))))
            return false;
    }
    return true;
}

/* What each type says with its number, and which may carry texts. */
static bool number_is_valid(const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_KEY:
    case WIRE_HELPER:
        return message->number <= 1;
    case WIRE_SOCKET:
    case WIRE_LISTEN:
        return message->number == 4 || message->number == 6;
    case WIRE_SIGNAL:
        return message->number > 0 && message->number < SIGNAL_NUMBER_END;
    case WIRE_EXITED:
        return message->number < EXIT_NUMBER_END;
    case WIRE_REFUSED:
        return message->number < 4096;
    case WIRE_GRANTED:
    case WIRE_RUN:
    case WIRE_STARTED:
    case WIRE_CLOSE:
        return message->number == 0;
    case WIRE_TYPES_END:
        break;
    }
    return false;
}

static bool message_is_valid(const struct wire_message *message)
{
    bool runs = message->type == WIRE_RUN;
    bool has_text = runs ? message->kind == WIRE_COMMAND || message->kind == WIRE_RESOLVE
                         : message->type == WIRE_KEY || message->type == WIRE_LISTEN ||
                               message->type == WIRE_REFUSED || message->type == WIRE_GRANTED;

    if (!number_is_valid(message))
        return false;
    if (message->port != 0 && message->type != WIRE_LISTEN && message->type != WIRE_GRANTED)
        return false;
    if (!has_text && message->text[0] != '\0')
        return false;
    if (!runs && (message->kind != WIRE_SHELL || message->has_terminal || message->env_length > 0))
        return false;
    return message->has_terminal || message->term[0] == '\0';
}

size_t wire_encode(const struct wire_message *message, uint8_t bytes[static WIRE_SIZE_MAX])
{
    struct wire_message whole = *message;
    if (whole.term == NULL)
        whole.term = "";
    if (whole.text == NULL)
        whole.text = "";
    assert(whole.type > 0 && whole.type < WIRE_TYPES_END && whole.kind < WIRE_KINDS_END);

    size_t term_length = strlen(whole.term), text_length = strlen(whole.text);
    if (term_length > WIRE_TERM_MAX || text_length > WIRE_TEXT_MAX ||
        !env_is_valid(whole.env, whole.env_length) || !message_is_valid(&whole))
        return 0;

    struct header header = {
        .magic = MAGIC,
        .type = (uint8_t)whole.type,
        .kind = (uint8_t)whole.kind,
        .has_terminal = whole.has_terminal,
        .tag = whole.tag,
        .port = whole.port,
        .number = whole.number,
        .terminal = whole.terminal,
        .term_length = (uint32_t)term_length,
        .env_length = (uint32_t)whole.env_length,
        .text_length = (uint32_t)text_length,
    };
    uint8_t *at = bytes;
    memcpy(at, &header, sizeof(header));
    at += sizeof(header);
    memcpy(at, whole.term, term_length + 1);
    at += term_length + 1;
    if (whole.env_length > 0)
        memcpy(at, whole.env, whole.env_length);
    at += whole.env_length;
    memcpy(at, whole.text, text_length + 1);
    at += text_length + 1;
    return (size_t)(at - bytes);
}

/* A text of `length` bytes at `*at`, and its NUL; moves behind it. */
static bool take_text(const uint8_t **at, const uint8_t *end, uint32_t length, const char **ret)
{
    if ((size_t)(end - *at) <= length || (*at)[length] != '\0' || memchr(*at, '\0', length) != NULL)
        return false;
    *ret = (const char *)*at;
    *at += length + 1;
    return true;
}

bool wire_decode(const uint8_t *bytes, size_t length, struct wire_message *ret_message)
{
    struct header header;
    const uint8_t *at = bytes + sizeof(header), *end = bytes + length;

    if (length < sizeof(header) || length > WIRE_SIZE_MAX)
        return false;
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != MAGIC || header.type == 0 || header.type >= WIRE_TYPES_END ||
        header.kind >= WIRE_KINDS_END || header.has_terminal > 1 || header.zero != 0 ||
        header.term_length > WIRE_TERM_MAX || header.env_length > WIRE_ENV_MAX ||
        header.text_length > WIRE_TEXT_MAX)
        return false;

    struct wire_message message = {
        .type = (enum wire_type)header.type,
        .kind = (enum wire_kind)header.kind,
        .has_terminal = header.has_terminal == 1,
        .tag = header.tag,
        .port = header.port,
        .number = header.number,
        .terminal = header.terminal,
        .env_length = header.env_length,
    };
    if (!take_text(&at, end, header.term_length, &message.term) ||
        (size_t)(end - at) < header.env_length)
        return false;
    message.env = (const char *)at;
    at += header.env_length;
    if (!take_text(&at, end, header.text_length, &message.text) || at != end ||
        !env_is_valid(message.env, message.env_length) || !message_is_valid(&message))
        return false;
    *ret_message = message;
    return true;
}

bool wire_send(int fd, const struct wire_message *message, const int *fds, size_t fd_count)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    union {
        char bytes[CMSG_SPACE(sizeof(int[WIRE_FDS_MAX]))];
        struct cmsghdr align;
    } control = { 0 };

    assert(fd_count <= WIRE_FDS_MAX);
    struct iovec part = { .iov_base = bytes, .iov_len = wire_encode(message, bytes) };
    if (part.iov_len == 0) {
        errno = EMSGSIZE;
        return false;
    }
    struct msghdr out = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd_count > 0) {
        size_t size = fd_count * sizeof(int);

        out.msg_control = control.bytes;
        out.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&out);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(rights), fds, size);
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &out, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* Take over the descriptors that came with `in`. False: more than fit, all of them closed. */
static bool take_fds(struct msghdr *in, int ret_fds[static WIRE_FDS_MAX])
{
    size_t count = 0;
    bool fits = (in->msg_flags & MSG_CTRUNC) == 0;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(in); part != NULL; part = CMSG_NXTHDR(in, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t came = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < came; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (count < WIRE_FDS_MAX)
                ret_fds[count++] = fd;
            else {
                (void)close(fd);
                fits = false;
            }
        }
    }
    return fits;
}

int wire_receive(int fd, uint8_t bytes[static WIRE_SIZE_MAX], struct wire_message *ret_message,
                 int ret_fds[static WIRE_FDS_MAX])
{
    union {
        char bytes[CMSG_SPACE(sizeof(int[WIRE_FDS_MAX]))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec part = { .iov_base = bytes, .iov_len = WIRE_SIZE_MAX };
    struct msghdr in = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };

    ssize_t length;
    do {
        length = recvmsg(fd, &in, MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    for (size_t i = 0; i < WIRE_FDS_MAX; i++)
        ret_fds[i] = -1;
    if (length < 0)
        return -1;
    bool is_whole = take_fds(&in, ret_fds) && (in.msg_flags & MSG_TRUNC) == 0;
    if (is_whole && length == 0)
        return 0;
    if (is_whole && wire_decode(bytes, (size_t)length, ret_message))
        return 1;
    for (size_t i = 0; i < WIRE_FDS_MAX; i++) {
        if (ret_fds[i] >= 0)
            (void)close(ret_fds[i]);
        ret_fds[i] = -1;
    }
    errno = EBADMSG;
    return -1;
}
