/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seccomp.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/encode.h"

/* Flags of clone that make namespaces. */
#define CLONE_NEW_ANY INT64_C(0x7e020000)

enum { FAMILY_VSOCK = 40 };

/* Of x86, in 64 and 32 bits, and of ARM. A kernel or library that lacks one passes it over. */
static const char allowed[] =
    "_llseek _newselect accept accept4 access adjtimex alarm arch_prctl bind brk cachestat "
    "capget capset chdir chmod chown chown32 chroot clock_getres clock_getres_time64 "
    "clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range "
    "connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 "
    "execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate "
    "fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync "
    "fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat fstatat64 "
    "fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
    "futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu "
    "getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 "
    "getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority "
    "getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid "
    "getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat "
    "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy "
    "io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get "
    "ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self "
    "lchown lchown32 lgetxattr link linkat listen listxattr listxattrat llistxattr llseek "
    "lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier "
    "memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall "
    "mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive "
    "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl "
    "msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep "
    "newfstatat nice open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 "
    "pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv "
    "preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 "
    "pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readdir readlink "
    "readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages "
    "removexattr removexattrat rename renameat renameat2 restart_syscall rmdir rseq "
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
    "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max "
    "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp "
    "select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 "
    "sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid "
    "setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid "
    "setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid "
    "setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat "
    "shmctl shmdt shmget shutdown sigaction sigaltstack signal signalfd signalfd4 "
    "sigpending sigprocmask sigreturn sigsuspend socketcall socketpair splice stat stat64 "
    "statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs "
    "sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime "
    "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 "
    "ugetrlimit umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork "
    "vmsplice wait4 waitid waitpid write writev";

struct condition {
    const char *name;
    int64_t value, second;
    const char *compare;
};

/* Allowed where the first argument is such. Several rows of one call are alternatives. */
static const struct condition conditions[] = {
    { "clone", CLONE_NEW_ANY, 0, "SCMP_CMP_MASKED_EQ" },
    { "personality", 0, 0, "SCMP_CMP_EQ" },
    { "personality", 0x8, 0, "SCMP_CMP_EQ" },        /* PER_LINUX32 */
    { "personality", 0x20000, 0, "SCMP_CMP_EQ" },    /* UNAME26 */
    { "personality", 0x20008, 0, "SCMP_CMP_EQ" },    /* both */
    { "personality", UINT32_MAX, 0, "SCMP_CMP_EQ" }, /* ask */
    { "socket", FAMILY_VSOCK, 0, "SCMP_CMP_NE" },    /* to the machine that this one runs in */
};

static const char *const machines[][3] = {
    { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" },
    { "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", NULL },
};

static void encode_machines(struct encoder *json)
{
    encode_key(json, "archMap");
    encode_array(json);
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        encode_object(json);
        encode_field_text(json, "architecture", machines[i][0]);
        encode_key(json, "subArchitectures");
        encode_array(json);
        for (size_t k = 1; k < 3 && machines[i][k] != NULL; k++)
            encode_text(json, machines[i][k]);
        encode_end(json);
        encode_end(json);
    }
    encode_end(json);
}

/* Words with one blank between. */
static void encode_names(struct encoder *json, const char *names)
{
    encode_key(json, "names");
    encode_array(json);
    for (size_t length; *names != '\0'; names += length + (names[length] == ' ')) {
        length = strcspn(names, " ");
        encode_bytes(json, names, length);
    }
    encode_end(json);
}

static void encode_condition(struct encoder *json, const struct condition *condition)
{
    encode_object(json);
    encode_names(json, condition->name);
    encode_field_text(json, "action", "SCMP_ACT_ALLOW");
    encode_key(json, "args");
    encode_array(json);
    encode_object(json);
    encode_field_int(json, "index", 0);
    encode_field_int(json, "value", condition->value);
    encode_field_int(json, "valueTwo", condition->second);
    encode_field_text(json, "op", condition->compare);
    encode_end(json);
    encode_end(json);
    encode_end(json);
}

void seccomp_profile(struct buf *out)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    encode_field_text(&json, "defaultAction", "SCMP_ACT_ERRNO");
    encode_field_int(&json, "defaultErrnoRet", EPERM);
    encode_machines(&json);
    encode_key(&json, "syscalls");
    encode_array(&json);
    encode_object(&json);
    encode_names(&json, allowed);
    encode_field_text(&json, "action", "SCMP_ACT_ALLOW");
    encode_end(&json);
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++)
        encode_condition(&json, &conditions[i]);
    encode_object(&json);
    encode_names(&json, "clone3");
    encode_field_text(&json, "action", "SCMP_ACT_ERRNO");
    encode_field_int(&json, "errnoRet", ENOSYS);
    encode_end(&json);
    encode_end(&json);
    encode_end(&json);
}
