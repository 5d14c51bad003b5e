/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARIES "/opt/berth/lib"
#define LOADER    LIBRARIES "/ld.so"

enum { ARGUMENTS_MAX = 4096, OURS = 4 };

static const char *const NAMES[] = { "rsync" };

bool tool_is_name(const char *name)
{
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

_Noreturn void tool_main(char *const arguments[])
{
    static char *whole[ARGUMENTS_MAX];
    char program[64];
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash != NULL ? slash + 1 : arguments[0];
    size_t count = 1;

    (void)snprintf(program, sizeof(program), LIBRARIES "/%s", name);
    const char *const front[OURS] = { LOADER, "--library-path", LIBRARIES, program };
    memcpy(whole, front, sizeof(front));
    while (arguments[count] != NULL && OURS + count < ARGUMENTS_MAX) {
        whole[OURS + count - 1] = arguments[count];
        count++;
    }
    if (arguments[count] == NULL)
        execv(LOADER, whole);
    else
        errno = E2BIG;
    (void)fprintf(stderr, "berth: %s: %s\n", name, strerror(errno));
    _exit(127);
}
