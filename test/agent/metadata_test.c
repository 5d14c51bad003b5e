/* SPDX-License-Identifier: Apache-2.0 */
/* How many can ask at once. What they are told is tried in real containers
 * (preempt_engine_test.c); here networks alone, each of a process that does nothing else. */
#include "agent/metadata.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_netns.h"
#include "check.h"
#include "sys/fd.h"

enum {
    NETWORKS = METADATA_CALLS_ALL_MAX / METADATA_CALLS_MAX + 1,
    STEP_MS = 20,
    SETTLE_STEPS = 4,
};

struct network {
    pid_t pid;
    struct netns netns;
    int calls[METADATA_CALLS_MAX];
};

static struct network networks[NETWORKS];
static struct loop *loop;
static struct metadata *metadata;

static pid_t hold_network(void)
{
    int ready[2];
    char byte;

    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    (void)close(ready[0]);
    return pid;
}

static void raise_loopback(const struct netns *netns)
{
    struct ifreq ask = { .ifr_name = "lo" };
    auto_close int fd = netns_socket(netns, AF_INET, SOCK_DGRAM);

    CHECK(fd >= 0);
    ask.ifr_flags = IFF_UP | IFF_RUNNING;
    CHECK(ioctl(fd, SIOCSIFFLAGS, &ask) == 0);
}

static int setup(void **state)
{
    struct metadata_entry entries[NETWORKS];
    struct log log = log_silent();
    struct error err;

    (void)state;
    loop = loop_open(&clock_system);
    metadata = metadata_open(loop, &log);
    for (size_t i = 0; i < NETWORKS; i++) {
        networks[i].pid = hold_network();
        networks[i].netns = NETNS_NONE;
        /* Any process is in some control group. */
        CHECK_OK(netns_open(networks[i].pid, ":", &networks[i].netns, &err), &err);
        raise_loopback(&networks[i].netns);
        for (size_t k = 0; k < METADATA_CALLS_MAX; k++)
            networks[i].calls[k] = -1;
        entries[i] = (struct metadata_entry){ .instance_id = (int64_t)i + 1,
                                              .pid = networks[i].pid,
                                              .container_id = ":",
                                              .token = "first",
                                              .notice = "" };
    }
    metadata_update(metadata, entries, NETWORKS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETWORKS; i++) {
        for (size_t k = 0; k < METADATA_CALLS_MAX; k++)
            fd_release(&networks[i].calls[k]);
        netns_close(&networks[i].netns);
        (void)kill(networks[i].pid, SIGKILL);
        (void)waitpid(networks[i].pid, NULL, 0);
    }
    metadata_close(&metadata);
    loop_close(&loop);
    return 0;
}

static void settle(void)
{
    for (int i = 0; i < SETTLE_STEPS; i++)
        loop_step(loop, STEP_MS);
}

static int call(const struct network *network)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(METADATA_PORT) };
    int fd = netns_socket(&network->netns, AF_INET, SOCK_STREAM);

    CHECK_INT(inet_pton(AF_INET, METADATA_ADDRESS, &address.sin_addr), 1);
    CHECK(fd >= 0);
    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
          errno == EINPROGRESS);
    loop_step(loop, STEP_MS);
    return fd;
}

/* It was taken, and waits for what it asks. */
static bool is_open(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static bool is_answered(int fd)
{
    static const char ask[] = "GET /berth/instance HTTP/1.0\r\n\r\n";
    char reply[512] = "";

    if (send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0)
        return false;
    settle();
    return recv(fd, reply, sizeof reply - 1, MSG_DONTWAIT) > 0 && strstr(reply, "200 OK") != NULL;
}

static int64_t open_count(void)
{
    int64_t count = 0;

    for (size_t i = 0; i < NETWORKS; i++)
        for (size_t k = 0; k < METADATA_CALLS_MAX; k++)
            count += networks[i].calls[k] >= 0 && is_open(networks[i].calls[k]);
    return count;
}

static void test_so_many_can_ask_at_once_and_no_more(void **state)
{
    (void)state;
    /* Of one instance a few: the next is closed at once, while there is room for others. */
    for (size_t k = 0; k < METADATA_CALLS_MAX; k++)
        networks[0].calls[k] = call(&networks[0]);
    int more = call(&networks[0]);
    settle();
    CHECK(!is_open(more));
    fd_release(&more);
    CHECK_INT(open_count(), METADATA_CALLS_MAX);

    for (size_t i = 1; i < NETWORKS; i++)
        for (size_t k = 0; k < METADATA_CALLS_MAX; k++)
            networks[i].calls[k] = call(&networks[i]);
    settle();
    CHECK_INT(open_count(), METADATA_CALLS_ALL_MAX);
    for (size_t k = 0; k < METADATA_CALLS_MAX; k++) {
        CHECK(!is_open(networks[NETWORKS - 1].calls[k]));
        fd_release(&networks[NETWORKS - 1].calls[k]);
    }

    /* Whoever goes makes room for one, of whatever instance; and is answered. */
    fd_release(&networks[1].calls[0]);
    settle();
    networks[NETWORKS - 1].calls[0] = call(&networks[NETWORKS - 1]);
    networks[NETWORKS - 1].calls[1] = call(&networks[NETWORKS - 1]);
    settle();
    CHECK(is_open(networks[NETWORKS - 1].calls[0]));
    CHECK(!is_open(networks[NETWORKS - 1].calls[1]));
    CHECK(is_answered(networks[NETWORKS - 1].calls[0]));

    /* Who says nothing is not waited for. */
    int64_t until_us = clock_boot_us(&clock_system) + 2 * METADATA_CALL_MS * US_PER_MS;
    while (open_count() > 0 && clock_boot_us(&clock_system) < until_us)
        loop_step(loop, STEP_MS);
    CHECK_INT(open_count(), 0);
    int last = call(&networks[0]);
    settle();
    CHECK(is_answered(last));
    fd_release(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_can_ask_at_once_and_no_more),
    };

    if (geteuid() != 0) {
        print_message("only root makes networks\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
