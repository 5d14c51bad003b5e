/* SPDX-License-Identifier: Apache-2.0 */
#include "market/idle_job.h"

#include <stddef.h>
#include <string.h>

static bool is_one_of(const char *text, size_t length, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strlen(*names) == length && strncmp(text, *names, length) == 0)
            return true;
    return false;
}

/* Images whose own command is a shell, under all the names that they go by. */
static bool is_bare(const char *image)
{
    static const char *const prefixes[] = { "docker.io/", "index.docker.io/", "library/", NULL };
    static const char *const bare[] = { "ubuntu", "debian", "alpine", "busybox", NULL };

    for (const char *const *prefix = prefixes; *prefix != NULL; prefix++)
        if (strncmp(image, *prefix, strlen(*prefix)) == 0)
            image += strlen(*prefix);
    return is_one_of(image, strcspn(image, ":@"), bare);
}

bool idle_job_is_dummy(const char *image, const char *const *args, int64_t arg_count)
{
    static const char *const shells[] = { "bash", "sh", "/bin/bash", "/bin/sh", NULL };

    if (!is_bare(image))
        return false;
    return arg_count == 0 || (arg_count == 1 && is_one_of(args[0], strlen(args[0]), shells));
}
