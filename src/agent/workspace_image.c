/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workspace_image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/probe.h"
#include "agent/workspace.h"
#include "base/buf.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { MAKE_TIMEOUT_MS = 60000, LOOPS_MAX = 4096, TRIES_MAX = 64, OUTPUT_MAX = 4096 };

static bool make_file(const char *path, int64_t size, struct error *err)
{
    auto_close int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, size) != 0)
        return error_system(err, errno, "make %s", path);
    return true;
}

static bool format(const char *path, struct error *err)
{
    auto_buf struct buf output = buf_of(OUTPUT_MAX);
    char program[64];
    const char *const arguments[] = { program, "-q", "-F", "-m", "0", "-O", "encrypt", path, NULL };
    struct child_run run = { .arguments = arguments, .timeout_ms = MAKE_TIMEOUT_MS };
    int status = 0;

    if (!probe_program("mkfs.ext4", program, sizeof program))
        return error_set(err, ERROR_UNAVAILABLE, "mkfs.ext4 is not there: apt install e2fsprogs");
    if (!child_run(&run, &output, &status, err))
        return false;
    buf_append(&output, "", 0);
    if (status != 0)
        return error_set(err, ERROR_UNAVAILABLE, "mkfs.ext4 -O encrypt: %.200s", output.bytes);
    return true;
}

/* Under another name until it is whole. */
bool workspace_image_make(const char *image, int64_t size, struct error *err)
{
    char fresh[WORKSPACE_PATH_SIZE + 8];
    struct stat status;

    if (stat(image, &status) == 0)
        return true;
    (void)snprintf(fresh, sizeof fresh, "%s.new", image);
    if (!make_file(fresh, size, err) || !format(fresh, err)) {
        (void)unlink(fresh);
        return false;
    }
    if (rename(fresh, image) != 0)
        return error_system(err, errno, "make %s", image);
    return true;
}

/* The device that has that file already; false: none has. */
static bool find_device(const char *image, char device[static 32])
{
    auto_buf struct buf text = buf_of(WORKSPACE_PATH_SIZE * 4);
    struct error ignored;

    for (int i = 0; i < LOOPS_MAX; i++) {
        char path[64];

        (void)snprintf(path, sizeof path, "/sys/block/loop%d", i);
        if (access(path, F_OK) != 0)
            return false; /* they are numbered without gaps */
        (void)snprintf(path, sizeof path, "/sys/block/loop%d/loop/backing_file", i);
        buf_release(&text);
        if (!file_read(AT_FDCWD, path, &text, &ignored))
            continue;
        buf_append(&text, "", 0);
        text.bytes[strcspn(text.bytes, "\n")] = '\0';
        if (strcmp(text.bytes, image) == 0) {
            (void)snprintf(device, 32, "/dev/loop%d", i);
            return true;
        }
    }
    return false;
}

/* It lets go of the file by itself when it is unmounted. Others may take the same number first. */
static bool attach(const char *image, char device[static 32], int *ret_fd, struct error *err)
{
    auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    auto_close int file = open(image, O_RDWR | O_CLOEXEC);

    if (control < 0 || file < 0)
        return error_system(err, errno, "a loop device for %s", image);
    for (int i = 0; i < TRIES_MAX; i++) {
        struct loop_config config = { .fd = (uint32_t)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        if (number < 0)
            break;
        (void)snprintf(device, 32, "/dev/loop%d", number);
        int fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            break;
        (void)snprintf((char *)config.info.lo_file_name, sizeof config.info.lo_file_name, "%.63s",
                       strrchr(image, '/') + 1);
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            *ret_fd = fd;
            return true;
        }
        int error = errno;
        (void)close(fd);
        errno = error;
        if (error != EBUSY)
            break;
    }
    return error_system(err, errno, "a loop device for %s", image);
}

bool workspace_image_is_mounted(const char *folder)
{
    char above[WORKSPACE_PATH_SIZE];
    struct stat own, parent;

    (void)snprintf(above, sizeof above, "%s/..", folder);
    return stat(folder, &own) == 0 && stat(above, &parent) == 0 && own.st_dev != parent.st_dev;
}

bool workspace_image_mount(const char *image, const char *folder, struct error *err)
{
    auto_close int fd = -1;
    char device[32];

    if (workspace_image_is_mounted(folder))
        return true;
    if (!file_make_dir(folder, 0700, err) ||
        (!find_device(image, device) && !attach(image, device, &fd, err)))
        return false;
    if (mount(device, folder, "ext4", MS_NODEV | MS_NOSUID | MS_NOATIME, "discard") != 0)
        return error_system(err, errno, "mount %s", image);
    return true;
}

bool workspace_image_unmount(const char *folder, struct error *err)
{
    if (workspace_image_is_mounted(folder) && umount2(folder, UMOUNT_NOFOLLOW) != 0)
        return error_system(err, errno, "unmount %s", folder);
    return true;
}
