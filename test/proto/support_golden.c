/* SPDX-License-Identifier: Apache-2.0 */
#include "support_golden.h"

#include <string.h>

#include "check.h"

FILE *golden_open(const char *name)
{
    static const char here[] = __FILE__;
    char path[1024];

    (void)snprintf(path, sizeof path, "%.*sgolden/%s",
                   (int)(sizeof here - sizeof "support_golden.c"), here, name);
    FILE *file = fopen(path, "re");

    check_row("%s", path);
    CHECK(file != NULL);
    return file;
}

bool golden_line(FILE *file, char line[static GOLDEN_LINE_MAX])
{
    do {
        if (fgets(line, GOLDEN_LINE_MAX, file) == NULL)
            return false;
        line[strcspn(line, "\n")] = '\0';
    } while (line[0] == '#');
    return true;
}
