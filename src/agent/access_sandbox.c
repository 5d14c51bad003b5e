/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define IS_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define IS_SANITIZED 1
#    endif
#endif
#ifndef IS_SANITIZED
#    define IS_SANITIZED 0
#endif

#if defined(__x86_64__)
#    define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#    define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#    error "Name the architecture for the system call filter."
#endif

enum {
    DESCRIPTORS_MAX = 512,
    /* Two windows of libssh's for each channel; a client that ignores its window fills this. */
    MEMORY_MAX = 384 << 20,
};

/* What there is to do with sockets that are open already, and with memory. Anything else gets
 * EPERM: to start, to open, to make sockets, to signal, to look around. */
static const uint32_t ALLOWED[] = {
    SYS_read,          SYS_write,           SYS_readv,
    SYS_writev,        SYS_recvmsg,         SYS_sendmsg,
    SYS_recvfrom,      SYS_sendto,          SYS_epoll_create1,
    SYS_epoll_ctl,     SYS_epoll_pwait,     SYS_ppoll,
    SYS_close,         SYS_fcntl,           SYS_dup,
    SYS_ioctl,         SYS_connect,         SYS_accept4,
    SYS_shutdown,      SYS_getsockopt,      SYS_setsockopt,
    SYS_getsockname,   SYS_getpeername,     SYS_brk,
    SYS_mmap,          SYS_munmap,          SYS_mprotect,
    SYS_mremap,        SYS_madvise,         SYS_futex,
    SYS_clock_gettime, SYS_gettimeofday,    SYS_nanosleep,
    SYS_getrandom,     SYS_getpid,          SYS_gettid,
    SYS_getuid,        SYS_geteuid,         SYS_exit,
    SYS_exit_group,    SYS_rt_sigaction,    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,  SYS_restart_syscall, SYS_sched_yield,
    SYS_sigaltstack,   SYS_clock_nanosleep,
#ifdef SYS_poll
    SYS_poll,          SYS_epoll_wait,      SYS_time,
#endif
};

enum { ALLOWED_COUNT = sizeof(ALLOWED) / sizeof(ALLOWED[0]), FILTER_FRONT = 4 };

/* A program that compares the call's number with each in turn. */
static bool install_filter(void)
{
    struct sock_filter filter[FILTER_FRONT + 2 * ALLOWED_COUNT + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    size_t at = FILTER_FRONT;

    for (size_t i = 0; i < ALLOWED_COUNT; i++) {
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ALLOWED[i], 0, 1);
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[at++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & 0xffff));
    struct sock_fprog program = { .len = (unsigned short)at, .filter = filter };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool set_limits(void)
{
    const struct rlimit none = { 0, 0 };
    const struct rlimit descriptors = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };
    const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

    /* The sanitizer's shadow is no use of memory, and counts as one. */
    return setrlimit(RLIMIT_NPROC, &none) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
           setrlimit(RLIMIT_FSIZE, &none) == 0 && setrlimit(RLIMIT_NOFILE, &descriptors) == 0 &&
           (IS_SANITIZED || setrlimit(RLIMIT_DATA, &memory) == 0);
}

bool sandbox_enter(const struct sandbox *sandbox)
{
    if (sandbox->uid == 0 || sandbox->gid == 0) {
        errno = EINVAL;
        return false;
    }
    if (chroot(sandbox->jail) != 0 || chdir("/") != 0 || setgroups(0, NULL) != 0 ||
        setresgid(sandbox->gid, sandbox->gid, sandbox->gid) != 0 ||
        setresuid(sandbox->uid, sandbox->uid, sandbox->uid) != 0)
        return false;
    /* Behind the change of user, which undoes the first two. */
    return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && set_limits() && install_filter();
}
