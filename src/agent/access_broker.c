/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/access_door.h"
#include "agent/access_visit.h"
#include "base/parse.h"
#include "sys/crypto.h"
#include "sys/fd.h"

enum { TICK_MS = 1000 };

int64_t broker_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void broker_watch(struct broker *broker, enum broker_event event, size_t index, int fd)
{
    struct epoll_event wanted = {
        .events = EPOLLIN,
        .data.u64 = (uint64_t)event << 32 | (uint64_t)index,
    };

    if (epoll_ctl(broker->epoll, EPOLL_CTL_ADD, fd, &wanted) != 0)
        abort();
}

void broker_unwatch(struct broker *broker, int *fd)
{
    /* By name: a child that was just forked may hold the other end of it for a moment longer, and
     * closing alone would leave it watched. */
    if (*fd >= 0)
        (void)epoll_ctl(broker->epoll, EPOLL_CTL_DEL, *fd, NULL);
    fd_release(fd);
}

void broker_keep_only(int first, int second)
{
    /* Out of the way of 3 and 4 first: each may be the other's number. */
    int high[] = { fcntl(first, F_DUPFD, 10), second < 0 ? -1 : fcntl(second, F_DUPFD, 10) };
    unsigned kept = second < 0 ? 1 : 2;

    for (unsigned i = 0; i < kept; i++)
        if (high[i] < 0 || dup2(high[i], 3 + (int)i) < 0)
            _exit(1);
    if (syscall(SYS_close_range, 3 + kept, ~0U, 0) != 0)
        _exit(1);
}

/* The agent hands over a memory file with the whole table. */
static bool read_table(struct broker *broker, int file)
{
    struct stat found;
    struct error err;
    struct access_table table;
    size_t length = 0;

    if (fstat(file, &found) != 0 || found.st_size < 0 || found.st_size > ACCESS_TABLE_LENGTH_MAX)
        return false;
    char *text = malloc((size_t)found.st_size + 1);
    if (text == NULL)
        abort();
    while (length < (size_t)found.st_size) {
        ssize_t got = pread(file, text + length, (size_t)found.st_size - length, (off_t)length);

        if (got <= 0)
            break;
        length += (size_t)got;
    }
    text[length] = '\0';
    if (!access_table_read(text, &table, &err)) {
        log_failure(&broker->options.log, "ssh table", &err);
        return false;
    }
    access_table_release(&broker->table);
    broker->table = table;
    return true;
}

static void handle_control(struct broker *broker)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    struct iovec part = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr in = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };

    ssize_t got = recvmsg(broker->control, &in, MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        /* The agent is gone; sessions go with us. */
        for (size_t i = 0; i < BROKER_VISITS_MAX; i++)
            if (broker->visits[i].pid != 0)
                (void)kill(broker->visits[i].pid, SIGKILL);
        _exit(0);
    }
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&in);
    if (rights == NULL || rights->cmsg_type != SCM_RIGHTS)
        return;
    auto_close int file = -1;
    memcpy(&file, CMSG_DATA(rights), sizeof(file));
    if (read_table(broker, file))
        doors_update(broker);
}

static void dispatch(struct broker *broker, uint64_t data)
{
    size_t index = (size_t)(data & UINT32_MAX);

    switch ((enum broker_event)(data >> 32)) {
    case EVENT_CONTROL:
        handle_control(broker);
        break;
    case EVENT_DOOR:
        door_accept(broker, index);
        break;
    case EVENT_STARTER:
        door_started(broker, index);
        break;
    case EVENT_VISIT:
        visit_handle(broker, index);
        break;
    case EVENT_PROCESS:
        visit_end(broker, index);
        break;
    }
}

static _Noreturn void run(struct broker *broker)
{
    int64_t next_tick_ms = broker_now_ms() + TICK_MS;

    (void)prctl(PR_SET_NAME, "berth-ssh");
    broker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (broker->epoll < 0)
        abort();
    broker_watch(broker, EVENT_CONTROL, 0, broker->control);
    for (;;) {
        struct epoll_event ready;
        int64_t wait_ms = next_tick_ms - broker_now_ms();

        /* One at a time: what it is about may be gone by the next. */
        int count = epoll_wait(broker->epoll, &ready, 1, wait_ms > 0 ? (int)wait_ms : 0);
        if (count > 0)
            dispatch(broker, ready.data.u64);
        else if (count < 0 && errno != EINTR)
            abort();
        if (broker_now_ms() >= next_tick_ms) {
            next_tick_ms = broker_now_ms() + TICK_MS;
            visits_tend(broker);
            doors_tend(broker);
        }
    }
}

/* Decimal digits below `end`. */
static bool parse_below(const char *text, uint64_t end, uint64_t *ret)
{
    return parse_u64(text, ret) && *ret < end;
}

/* What access.c passes on, in its order. */
static bool parse_arguments(char *const arguments[], struct access_options *options)
{
    uint64_t uid, gid, has_log, level, is_terminal;

    if (!parse_below(arguments[3], UINT32_MAX, &uid) ||
        !parse_below(arguments[4], UINT32_MAX, &gid) || !parse_below(arguments[5], 2, &has_log) ||
        !parse_below(arguments[6], LOG_ERROR + 1, &level) ||
        !parse_below(arguments[7], 2, &is_terminal))
        return false;
    *options = (struct access_options){
        .state_dir = arguments[0],
        .engine_socket = arguments[1],
        .bind_address = arguments[2],
        .session_uid = (uid_t)uid,
        .session_gid = (gid_t)gid,
        .log = { .fd = has_log == 1 ? STDERR_FILENO : -1,
                 .level_min = (enum log_level)level,
                 .is_terminal = is_terminal == 1 },
    };
    return true;
}

int access_broker_main(int count, char *arguments[])
{
    static struct broker broker;
    char keys_dir[ACCESS_STATE_DIR_MAX + 8];
    struct error err;

    if (count != 2 + ACCESS_BROKER_ARGUMENTS || !parse_arguments(arguments + 2, &broker.options) ||
        strlen(broker.options.state_dir) > ACCESS_STATE_DIR_MAX)
        return 2;
    crypto_start();
    (void)snprintf(keys_dir, sizeof(keys_dir), "%s/ssh", broker.options.state_dir);
    (void)snprintf(broker.jail, sizeof(broker.jail), "%s/empty", keys_dir);
    broker.control = BROKER_CONTROL_FD;
    broker.slots = mmap(NULL, ACCESS_SLOTS_MAX * sizeof(struct access_slot), PROT_READ | PROT_WRITE,
                        MAP_SHARED, BROKER_SLOTS_FD, 0);
    (void)close(BROKER_SLOTS_FD);
    if (broker.slots == MAP_FAILED || ssh_init() != SSH_OK)
        return 1;
    if (!access_hostkeys_open(keys_dir, &broker.keys, &err)) {
        log_failure(&broker.options.log, "ssh host keys", &err);
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    run(&broker);
}
