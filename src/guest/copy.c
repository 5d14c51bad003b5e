/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest/tool.h"

enum { ID_LENGTH_MAX = 19, CONFIG_SIZE = 1024 };

/* Whoever comes this far holds the instance's key, and is root in it by SSH as well. */
static const char CONFIG[] = "use chroot = no\n"
                             "uid = 0\n"
                             "gid = 0\n"
                             "read only = no\n"
                             "munge symlinks = no\n"
                             "reverse lookup = no\n"
                             "log file = /dev/null\n"
                             "path = /\n"
                             "[%s]\n"
                             "[C.%s]\n";

int copy_main(const char *id)
{
    size_t length = strlen(id);
    char text[CONFIG_SIZE], config[64];

    if (length == 0 || length > ID_LENGTH_MAX || strspn(id, "0123456789") != length) {
        (void)fprintf(stderr, "berth: copy: '%.32s' is no instance\n", id);
        return 2;
    }
    int size = snprintf(text, sizeof(text), CONFIG, id, id);
    int fd = memfd_create("rsyncd.conf", 0); /* stays open: rsync reads it by its number */
    if (fd < 0 || write(fd, text, (size_t)size) != size) {
        (void)fprintf(stderr, "berth: copy: %s\n", strerror(errno));
        return 1;
    }
    (void)snprintf(config, sizeof(config), "--config=/proc/self/fd/%d", fd);
    const char *const arguments[] = { "rsync", "--server", "--daemon", config, ".", NULL };
    tool_main((char *const *)arguments);
}
