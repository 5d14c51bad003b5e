/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/group.h"
#include "guest/spawn.h"
#include "guest/wire.h"

enum {
    BACKLOG = 64,
    GRACE_MS = 2000,
    JOBS_MAX = 256, /* of a connection, with those that have not ended yet */
};

/* A process that runs for a channel. */
struct job {
    pid_t pid; /* 0: none */
    uint16_t tag;
    bool is_closed;     /* nobody listens: it was hung up */
    int64_t kill_at_ms; /* of a closed one */
};

struct conductor {
    int connection;
    int children; /* signalfd for SIGCHLD */
    struct job jobs[JOBS_MAX];
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void refuse(struct conductor *c, uint16_t tag, const char *why)
{
    (void)wire_send(c->connection,
                    &(struct wire_message){ .type = WIRE_REFUSED, .tag = tag, .text = why }, NULL,
                    0);
}

/* A place that nothing runs in; NULL where everything is taken. */
static struct job *find_free(struct conductor *c)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (c->jobs[i].pid == 0)
            return &c->jobs[i];
    return NULL;
}

/* What runs for a channel; NULL where nothing does. */
static struct job *find(struct conductor *c, uint16_t tag)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (c->jobs[i].pid != 0 && !c->jobs[i].is_closed && c->jobs[i].tag == tag)
            return &c->jobs[i];
    return NULL;
}

static void run(struct conductor *c, const struct wire_message *message)
{
    struct job *job = find_free(c);
    struct spawned spawned;
    char why[128];

    if (job == NULL) {
        refuse(c, message->tag, "too many programs on one connection");
        return;
    }
    if (!spawn(message, &spawned)) {
        (void)snprintf(why, sizeof(why), "cannot start a process: %s", strerror(errno));
        refuse(c, message->tag, why);
        return;
    }
    *job = (struct job){ .pid = spawned.pid, .tag = message->tag };
    (void)wire_send(c->connection,
                    &(struct wire_message){ .type = WIRE_STARTED, .tag = message->tag },
                    spawned.fds, spawned.fd_count);
    spawn_close(&spawned);
}

static void hang_up(struct job *job)
{
    if (job->pid == 0 || job->is_closed)
        return;
    job->is_closed = true;
    job->kill_at_ms = now_ms() + GRACE_MS;
    group_signal(job->pid, SIGHUP);
}

static void handle(struct conductor *c, const struct wire_message *message)
{
    struct job *job = find(c, message->tag);

    if (message->type == WIRE_RUN && job == NULL)
        run(c, message);
    else if (message->type == WIRE_CLOSE && job != NULL)
        hang_up(job);
    else if (message->type == WIRE_SIGNAL && job != NULL)
        (void)kill(-job->pid, (int)message->number);
}

/* False: the connection is over. */
static bool receive(struct conductor *c)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    int got = wire_receive(c->connection, bytes, &message, fds);
    for (size_t i = 0; i < WIRE_FDS_MAX; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    if (got > 0)
        handle(c, &message);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

static void report(struct conductor *c, uint16_t tag, int status)
{
    uint32_t number =
        WIFSIGNALED(status) ? 256 + (uint32_t)WTERMSIG(status) : (uint32_t)WEXITSTATUS(status);

    (void)wire_send(c->connection,
                    &(struct wire_message){ .type = WIRE_EXITED, .tag = tag, .number = number },
                    NULL, 0);
}

/* A job whose leader is gone is over, unless it was closed: then the rest of its session gets
 * the rest of its time. */
static void reap(struct conductor *c)
{
    struct signalfd_siginfo signals[16];
    int status;
    pid_t pid;

    (void)!read(c->children, signals, sizeof(signals));
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < JOBS_MAX; i++) {
            struct job *job = &c->jobs[i];

            if (job->pid != pid)
                continue;
            if (job->is_closed)
                group_signal(pid, SIGKILL);
            else
                report(c, job->tag, status);
            *job = (struct job){ 0 };
        }
    }
}

/* Kill what had its time. Returns how long to wait for the next one, or -1. */
static int kill_overdue(struct conductor *c)
{
    int64_t now = now_ms(), next = -1;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &c->jobs[i];

        if (job->pid == 0 || !job->is_closed)
            continue;
        if (job->kill_at_ms <= now) {
            group_signal(job->pid, SIGKILL);
            *job = (struct job){ 0 };
        } else if (next < 0 || job->kill_at_ms - now < next) {
            next = job->kill_at_ms - now;
        }
    }
    return (int)next;
}

static bool has_jobs(const struct conductor *c)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (c->jobs[i].pid != 0)
            return true;
    return false;
}

void serve_connection(int connection)
{
    static struct conductor c;
    sigset_t children;

    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&children);
    (void)sigaddset(&children, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &children, NULL);
    c = (struct conductor){
        .connection = connection,
        .children = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK),
    };
    if (c.children < 0)
        return;

    bool is_connected = true;
    while (is_connected || has_jobs(&c)) {
        struct pollfd ready[] = {
            { .fd = c.children, .events = POLLIN },
            { .fd = is_connected ? c.connection : -1, .events = POLLIN },
        };

        int wait_ms = kill_overdue(&c);
        if (poll(ready, 2, wait_ms) < 0 && errno != EINTR)
            break;
        if (ready[0].revents != 0)
            reap(&c);
        if (ready[1].revents != 0 && !receive(&c)) {
            is_connected = false;
            for (size_t i = 0; i < JOBS_MAX; i++)
                hang_up(&c.jobs[i]);
        }
    }
    (void)close(c.children);
}

/* Outside of the container, and so with no process id in here. */
static bool is_from_outside(int connection)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == 0;
}

/* Whoever started us may have left some of the first three closed: then a pipe must not land
 * there. */
static void open_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDWR);
}

int serve_main(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(name);

    if (length == 0 || length >= sizeof(address.sun_path)) {
        (void)fprintf(stderr, "berth: serve: that is no name\n");
        return 2;
    }
    open_standard();
    /* Abstract: the name starts behind a NUL, and has none at its end. */
    memcpy(address.sun_path + 1, name, length);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, BACKLOG) != 0) {
        (void)fprintf(stderr, "berth: serve: %s\n", strerror(errno));
        return 1;
    }
    /* Conductors are not waited for. */
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (connection < 0) {
            if (errno != EINTR && errno != ECONNABORTED)
                (void)poll(NULL, 0, 100);
            continue;
        }
        if (is_from_outside(connection) && fork() == 0) {
            (void)close(listener);
            serve_connection(connection);
            _exit(0);
        }
        (void)close(connection);
    }
}
