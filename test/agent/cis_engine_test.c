/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the CIS Docker Benchmark that a hostile guest is held by, looked at from the host:
 * the kernel's own account of a running instance, and the engine's. The number of each rule is
 * beside it. */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/isolate.h"
#include "agent/seen.h"
#include "base/parse.h"
#include "check.h"
#include "support_engine.h"
#include "support_host.h"
#include "sys/file.h"

enum { GUEST = 71, TEXT_MAX = 1 << 20, PIDS_PER_CPU = 4096, RAM_MB = 256 };

static struct buf text = { 0 };
static json_t *inspected;
static int64_t pid;

/* A file of the kernel's about the guest's first process. */
static const char *about(const char *name)
{
    char path[64];
    struct error err;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/%s", pid, name);
    buf_release(&text);
    text = buf_of(TEXT_MAX);
    CHECK_OK(file_read(AT_FDCWD, path, &text, &err), &err);
    return text.bytes;
}

/* The word behind "Name:\t" in its status. */
static const char *status_of(const char *name)
{
    static char word[64];
    const char *found = strstr(about("status"), name);

    CHECK(found != NULL);
    found += strlen(name);
    found += strspn(found, ":\t ");
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(found, "\n"), found);
    return word;
}

static json_t *at(const char *key)
{
    return json_object_get(json_object_get(inspected, "HostConfig"), key);
}

static int begin(void **state)
{
    struct desired_instance instance = host_instance(GUEST, 1, DESIRED_RUNNING);

    if (host_setup(state) != 0)
        return -1;
    instance.spec.ram_mb = RAM_MB;
    instance.spec.cpu_millis = 1000;
    host_want(&instance);
    (void)market_wait(host_market, GUEST, PHASE_RUNNING, 1, 4 * HOST_SECONDS);
    if (!host_inspect(GUEST, &inspected))
        return -1;
    pid = json_integer_value(json_object_get(json_object_get(inspected, "State"), "Pid"));
    return pid > 0 ? 0 : -1;
}

static int end(void **state)
{
    json_release(&inspected);
    buf_release(&text);
    host_destroy(GUEST, 2);
    return host_teardown(state);
}

/* 5.4: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT
 * AUDIT_WRITE, and none besides, now or by any program that it starts. */
static void test_capabilities_are_those_few(void **state)
{
    static const int numbers[] = { 0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29 };
    char want[32];
    uint64_t few = 0;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        few |= UINT64_C(1) << numbers[i];
    (void)snprintf(want, sizeof want, "%016" PRIx64, few);
    CHECK_TEXT(status_of("CapBnd"), want);
    CHECK_TEXT(status_of("CapEff"), want);
    CHECK_TEXT(status_of("CapPrm"), want);
    CHECK_TEXT(status_of("CapAmb"), "0000000000000000");
}

/* 5.26, 2.17, 5.5 */
static void test_it_gets_no_new_privileges_and_a_filter(void **state)
{
    (void)state;
    CHECK_TEXT(status_of("NoNewPrivs"), "1");
    CHECK_TEXT(status_of("Seccomp"), "2");
    CHECK(json_is_false(at("Privileged")));
    CHECK(json_array_size(at("MaskedPaths")) > 0);
    CHECK(json_array_size(at("ReadonlyPaths")) > 0);
}

/* 5.10, 5.16, 5.17, 5.21, 5.32 */
static void test_its_namespaces_are_its_own(void **state)
{
    static const char *const names[] = { "pid", "net", "ipc", "uts", "mnt" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64], theirs[64] = "", ours[64] = "";

        check_row("%s", names[i]);
        (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/ns/%s", pid, names[i]);
        CHECK(readlink(path, theirs, sizeof theirs - 1) > 0);
        (void)snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        CHECK(readlink(path, ours, sizeof ours - 1) > 0);
        CHECK(strcmp(theirs, ours) != 0);
    }
}

/* 2.9, 5.31: where the engine maps users, root in the guest is nobody on the host. Where it does
 * not, this says so: it is the engine's to do. */
static void test_users_are_mapped_where_the_engine_does_it(void **state)
{
    auto_docker struct docker docker = docker_open(engine_path());
    struct docker_call call = { .method = "GET", .path = "/info" };
    auto_json json_t *info = NULL;
    bool is_mapped = false;
    struct error err;
    json_t *option;
    size_t i;

    (void)state;
    CHECK_OK(docker_call(&docker, &call, &info, &err), &err);
    json_array_foreach(json_object_get(info, "SecurityOptions"), i, option)
    {
        is_mapped = is_mapped || strstr(json_string_value(option), "userns") != NULL;
    }
    bool is_root = strncmp(about("uid_map") + strspn(text.bytes, " "), "0 ", 2) == 0 &&
                   strtoll(text.bytes + strspn(text.bytes, " ") + 2, NULL, 10) == 0;
    CHECK_INT(is_root, !is_mapped);
    if (!is_mapped)
        print_message("the engine does not map users: root in a guest is the host's, without "
                      "its capabilities\n");
}

/* 5.6, 5.20, 5.32: nothing of the host's, but the tools, which it cannot change. */
static void test_no_folder_of_the_host_is_there(void **state)
{
    static const char *const known[] = {
        "/",
        "/proc",
        "/dev",
        "/sys",
        "/opt/berth",
        "/etc/resolv.conf",
        "/etc/hostname",
        "/etc/hosts",
        "/sbin/docker-init",
    };
    char line[4096];

    (void)state;
    for (const char *next = about("mountinfo"); *next != '\0';) {
        char point[PATH_MAX] = "";
        size_t length = strcspn(next, "\n");
        bool is_known = false;

        (void)snprintf(line, sizeof line, "%.*s", (int)length, next);
        next += length + (next[length] == '\n' ? 1 : 0);
        check_row("%s", line);
        CHECK(strstr(line, "docker.sock") == NULL);
        CHECK(strstr(line, " shared:") == NULL);
        const char *word = line;
        for (int i = 0; i < 4; i++)
            word += strcspn(word, " ") + 1;
        (void)snprintf(point, sizeof point, "%.*s", (int)strcspn(word, " "), word);
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known = is_known || strcmp(point, known[i]) == 0;
        bool is_kernels = strncmp(point, "/proc/", 6) == 0 || strncmp(point, "/sys/", 5) == 0 ||
                          strncmp(point, "/dev/", 5) == 0;
        CHECK(is_known || is_kernels);
        if (strcmp(point, "/opt/berth") == 0 || strcmp(point, "/sys") == 0)
            CHECK(strncmp(word + strcspn(word, " "), " ro,", 4) == 0);
    }
    CHECK_INT((int64_t)json_array_size(at("Binds")), 1);
}

/* 5.18: those that every container has, and none with a disk or memory behind it. */
static void test_no_device_of_the_host_is_there(void **state)
{
    char output[512];

    (void)state;
    CHECK_INT((int64_t)json_array_size(at("Devices")), 0);
    host_run(GUEST, "for d in /dev/*; do test -b $d && echo $d; done; echo none", output,
             sizeof output);
    CHECK_TEXT(output, "none");
    host_run(GUEST,
             "for d in /dev/*; do test -c $d && ! test -h $d && echo ${d#/dev/}; done | sort | tr "
             "'\\n' ' '",
             output, sizeof output);
    CHECK_TEXT(output, "full null random tty urandom zero ");
    host_run(GUEST, "mknod /x b 7 0 2>/dev/null && echo made || echo refused", output,
             sizeof output);
    CHECK_TEXT(output, "refused");
}

/* 5.11, 5.12, 5.29, 5.15: what it may take of the host. */
static void test_it_has_limits(void **state)
{
    (void)state;
    CHECK_INT(json_integer_value(at("Memory")), (int64_t)RAM_MB << 20);
    CHECK_INT(json_integer_value(at("MemorySwap")), (int64_t)RAM_MB << 20);
    CHECK_INT(json_integer_value(at("NanoCpus")), 1000000000);
    CHECK_INT(json_integer_value(at("PidsLimit")), PIDS_PER_CPU);
    CHECK_TEXT(json_string_value(json_object_get(at("RestartPolicy"), "Name")), "no");
    CHECK(json_is_false(at("PublishAllPorts")));
    CHECK(json_is_true(at("Init")));
}

/* 5.30, 2.2, 2.16: a bridge of its own, and walls around it. */
static void test_its_network_is_its_own(void **state)
{
    const char *mode = json_string_value(at("NetworkMode"));

    (void)state;
    CHECK(mode != NULL);
    CHECK(strncmp(mode, "bt", 2) == 0 || strncmp(mode, "container:", 10) == 0);
}

/* What the kernel says to one that tries. */
static void test_what_it_tries_is_refused(void **state)
{
    static const char *const tries[] = {
        "mount -t tmpfs x /mnt",
        "mount -t proc x /tmp",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo b > /proc/sysrq-trigger",
        "head -c1 /proc/kcore | grep -q .",
        "head -c1 /dev/mem",
        "ls /sys/firmware/* ",
        "unshare -m true",
        "unshare -U true",
        "chroot / ip link add x type dummy",
        "touch /opt/berth/x",
        "hostname other",
        "dmesg",
        "rmmod nothing-such",
        "swapon /etc/passwd",
        "nsenter -t 1 -m -n true",
        "ls /var/run/docker.sock",
        "ls /var/lib/docker/*",
        "[ $(ls /proc | grep -c '^[0-9]') -gt 30 ]", /* only its own processes */
        "find / -xdev -name release_agent | grep -q . || cat /sys/fs/cgroup/*/release_agent",
        "mkdir /sys/fs/cgroup/memory/x",
        "[ -c /dev/kmsg ] && head -c1 /dev/kmsg",
        "arping -c 1 -w 1 -I lo 127.0.0.1",
        "ip link set lo address 02:00:00:00:00:01",
        "ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:01 dev lo",
        "ip addr add 192.168.77.10/24 dev lo",
        "ip route add 192.168.77.0/24 dev lo",
        "chmod u+s /opt/berth/bin/berth-guest",
    };

    (void)state;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        char command[256], output[256];

        check_row("%s", tries[i]);
        (void)snprintf(command, sizeof command,
                       "{ %s; } >/dev/null 2>&1 && echo done || echo refused", tries[i]);
        host_run(GUEST, command, output, sizeof output);
        CHECK_TEXT(output, "refused");
    }
}

/* 5.22, and what of it is more than an engine's own list: by the numbers, from within. */
static void test_calls_that_no_guest_needs_are_refused(void **state)
{
    static const char *const refused[] = {
        "keyctl",        "add_key",
        "request_key",   "bpf",
        "userfaultfd",   "perf_event_open",
        "mount",         "io_uring_setup",
        "umount2",       "io_uring_enter",
        "fsopen",        "io_uring_register",
        "open_tree",     "unshare(user)",
        "clone(user)",   "setns",
        "pivot_root",    "open_by_handle_at",
        "init_module",   "kexec_load",
        "reboot",        "personality(no randomness)",
        "socket(vsock)", "socket(packet)",
        "socket(raw)",
    };
    static const char *const works[] = { "getpid", "personality(ask)", "memfd_create",
                                         "socket(unix)" };
    auto_buf struct buf program = buf_of(8 << 20);
    char path[256], command[256], output[256];
    struct error err;

    (void)state;
    /* Through the tools' folder, which the guest has at /opt/berth. */
    CHECK_OK(file_read(AT_FDCWD, "bin/probe_calls", &program, &err), &err);
    (void)snprintf(path, sizeof path, "%s/host/tools/bin/probe_calls", engine_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0755, program.bytes, program.length, &err), &err);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        check_row("%s", refused[i]);
        (void)snprintf(command, sizeof command, "/opt/berth/bin/probe_calls | grep -F '%s '",
                       refused[i]);
        host_run(GUEST, command, output, sizeof output);
        CHECK(strstr(output, " EPERM") != NULL);
    }
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        check_row("%s", works[i]);
        (void)snprintf(command, sizeof command, "/opt/berth/bin/probe_calls | grep -F '%s '",
                       works[i]);
        host_run(GUEST, command, output, sizeof output);
        CHECK(strstr(output, " done") != NULL);
    }
    /* Libraries take this for an old kernel, and use clone. */
    host_run(GUEST, "/opt/berth/bin/probe_calls | grep clone3", output, sizeof output);
    CHECK_TEXT(output, "clone3 ENOSYS");
}

/* 5.7: no SSH server, no agent: its first process, what starts programs in it, and this. */
static void test_no_server_of_ours_is_in_it(void **state)
{
    char output[256] = "";

    (void)state;
    /* The engine's own, by which a command before this one was started, is gone in a moment. */
    for (int i = 0; strcmp(output, ".") != 0 && i < 20; i++)
        host_run(GUEST,
                 "cat /proc/[0-9]*/comm 2>/dev/null | grep -v -x -e docker-init -e berth-guest "
                 "-e sh -e cat -e grep -e tr -e busybox | tr '\\n' ' '; echo .",
                 output, sizeof output);
    CHECK_TEXT(output, ".");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capabilities_are_those_few),
        cmocka_unit_test(test_it_gets_no_new_privileges_and_a_filter),
        cmocka_unit_test(test_its_namespaces_are_its_own),
        cmocka_unit_test(test_users_are_mapped_where_the_engine_does_it),
        cmocka_unit_test(test_no_folder_of_the_host_is_there),
        cmocka_unit_test(test_no_device_of_the_host_is_there),
        cmocka_unit_test(test_it_has_limits),
        cmocka_unit_test(test_its_network_is_its_own),
        cmocka_unit_test(test_what_it_tries_is_refused),
        cmocka_unit_test(test_calls_that_no_guest_needs_are_refused),
        cmocka_unit_test(test_no_server_of_ours_is_in_it),
    };
    engine_enter();
    return cmocka_run_group_tests(tests, begin, end);
}
