/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/tool.h"

/* Every container has this folder, in memory. The file says the same each time and so may stay;
 * rsync takes none that it has to follow a link to. */
#define FOLDER      "/dev/shm"
#define CONFIG_FILE FOLDER "/.berth-rsync"

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
    char text[CONFIG_SIZE], made[] = FOLDER "/.berth-rsync-XXXXXX";

    if (length == 0 || length > ID_LENGTH_MAX || strspn(id, "0123456789") != length) {
        (void)fprintf(stderr, "berth: copy: '%.32s' is no instance\n", id);
        return 2;
    }
    int size = snprintf(text, sizeof(text), CONFIG, id, id);
    int fd = mkstemp(made);
    if (fd < 0 || write(fd, text, (size_t)size) != size || rename(made, CONFIG_FILE) != 0) {
        (void)fprintf(stderr, "berth: copy: %s: %s\n", CONFIG_FILE, strerror(errno));
        return 1;
    }
    (void)close(fd);
    const char *const arguments[] = { "rsync", "--server", "--daemon", "--config=" CONFIG_FILE,
                                      ".",     NULL };
    tool_main((char *const *)arguments);
}
