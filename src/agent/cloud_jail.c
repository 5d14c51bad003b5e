/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_jail.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DESCRIPTORS_MAX = 1024,
    THREADS_MAX = 512,
    FILE_MAX = 64 << 20,
    PATH_SIZE = PATH_MAX,
};
#define MEMORY_MAX (INT64_C(4) << 30)

/* What programs and TLS need. What is not there is left out. */
static const char *const shown[] = { "/usr",     "/lib",     "/lib64",
                                     "/bin",     "/etc/ssl", "/etc/ca-certificates",
                                     "/etc/pki", "/dev/null" };

static bool make_parents(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        bool is_made = mkdir(path, 0755) == 0 || errno == EEXIST;
        *at = '/';
        if (!is_made)
            return false;
    }
    return true;
}

/* On systems whose /lib is a link into /usr it is one here, too. */
static bool show(const char *root, const char *path)
{
    const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID;
    char target[PATH_SIZE], link[PATH_SIZE];
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT;
    (void)snprintf(target, sizeof target, "%s%s", root, path);
    if (!make_parents(target))
        return false;
    if (S_ISLNK(status.st_mode)) {
        ssize_t length = readlink(path, link, sizeof link - 1);

        if (length < 0)
            return false;
        link[length] = '\0';
        return symlink(link, target) == 0;
    }
    if (S_ISDIR(status.st_mode))
        return mkdir(target, 0755) == 0 && mount(path, target, NULL, MS_BIND, NULL) == 0 &&
               mount(NULL, target, NULL, flags | MS_NODEV, NULL) == 0;
    return mknod(target, S_IFREG | 0644, 0) == 0 && mount(path, target, NULL, MS_BIND, NULL) == 0;
}

static bool make_root(const char *root)
{
    char folder[PATH_SIZE];

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=755") != 0)
        return false;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!show(root, shown[i]))
            return false;
    (void)snprintf(folder, sizeof folder, "%s/tmp", root);
    return mkdir(folder, 0700) == 0 && chmod(folder, 01777) == 0;
}

static bool set_limits(void)
{
    const struct rlimit none = { 0, 0 };
    const struct rlimit descriptors = { DESCRIPTORS_MAX, DESCRIPTORS_MAX };
    const struct rlimit threads = { THREADS_MAX, THREADS_MAX };
    const struct rlimit file = { FILE_MAX, FILE_MAX };
    const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

    return setrlimit(RLIMIT_CORE, &none) == 0 && setrlimit(RLIMIT_NOFILE, &descriptors) == 0 &&
           setrlimit(RLIMIT_NPROC, &threads) == 0 && setrlimit(RLIMIT_FSIZE, &file) == 0 &&
           setrlimit(RLIMIT_DATA, &memory) == 0;
}

bool cloud_jail_enter(const struct cloud_jail *jail)
{
    if (jail->uid == 0) {
        errno = EINVAL;
        return false;
    }
    if (setns(jail->network, CLONE_NEWNET) != 0 ||
        unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0 || !make_root(jail->root) ||
        chroot(jail->root) != 0 || chdir("/") != 0 || setgroups(0, NULL) != 0 ||
        setresgid(jail->uid, jail->uid, jail->uid) != 0 ||
        setresuid(jail->uid, jail->uid, jail->uid) != 0)
        return false;
    /* Behind the change of user, which undoes it. */
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           set_limits();
}
