/* SPDX-License-Identifier: Apache-2.0 */
/* Tries system calls in a guest, and says what the kernel says: a line each. Static, so that it
 * runs in any image. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VSOCK = 40 };

static void say(const char *name, long result)
{
    (void)printf("%s %s\n", name, result >= 0 ? "done" : strerrorname_np(errno));
}

int main(void)
{
    static const struct {
        const char *name;
        long number, first;
    } calls[] = {
        { "keyctl", SYS_keyctl, 0 },
        { "add_key", SYS_add_key, 0 },
        { "request_key", SYS_request_key, 0 },
        { "bpf", SYS_bpf, 0 },
        { "perf_event_open", SYS_perf_event_open, 0 },
        { "userfaultfd", SYS_userfaultfd, 0 },
        { "io_uring_setup", SYS_io_uring_setup, 1 },
        { "io_uring_enter", SYS_io_uring_enter, -1 },
        { "io_uring_register", SYS_io_uring_register, -1 },
        { "mount", SYS_mount, 0 },
        { "umount2", SYS_umount2, 0 },
        { "fsopen", SYS_fsopen, 0 },
        { "open_tree", SYS_open_tree, -1 },
        { "unshare(user)", SYS_unshare, CLONE_NEWUSER },
        { "clone(user)", SYS_clone, CLONE_NEWUSER | SIGCHLD },
        { "setns", SYS_setns, -1 },
        { "pivot_root", SYS_pivot_root, 0 },
        { "open_by_handle_at", SYS_open_by_handle_at, -1 },
        { "init_module", SYS_init_module, 0 },
        { "kexec_load", SYS_kexec_load, 0 },
        { "reboot", SYS_reboot, 0 },
        { "personality(no randomness)", SYS_personality, 0x40000 },
        { "socket(vsock)", SYS_socket, VSOCK },
        { "socket(packet)", SYS_socket, AF_PACKET },
        { "clone3", SYS_clone3, 0 },
        { "getpid", SYS_getpid, 0 },
        { "personality(ask)", SYS_personality, 0xffffffffL },
        { "memfd_create", SYS_memfd_create, (long)(const void *)"x" },
        { "socket(unix)", SYS_socket, AF_UNIX },
    };

    say("socket(raw)", syscall(SYS_socket, (long)AF_INET, (long)SOCK_RAW, (long)IPPROTO_ICMP));
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        say(calls[i].name, syscall(calls[i].number, calls[i].first, 1L, 0L, 0L, 0L, 0L));
    return 0;
}
