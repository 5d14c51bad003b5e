/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/user.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELDS = 7, NAME = 0, UID = 2, HOME = 5, SHELL = 6, LINE_MAX_LENGTH = 4096 };

/* Cut `line` at its colons. False unless there are as many fields as a passwd line has. */
static bool split(char *line, char *ret_fields[static FIELDS])
{
    line[strcspn(line, "\r\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        char *colon = strchr(line, ':');
        bool is_last = i == FIELDS - 1;

        if ((colon == NULL) != is_last)
            return false;
        ret_fields[i] = line;
        if (!is_last) {
            *colon = '\0';
            line = colon + 1;
        }
    }
    return true;
}

static bool copy(char to[static USER_FIELD_MAX], const char *from)
{
    return snprintf(to, USER_FIELD_MAX, "%s", from) < USER_FIELD_MAX;
}

bool user_read(const char *passwd, uid_t uid, struct user *ret_user)
{
    char line[LINE_MAX_LENGTH], wanted[16];
    char *fields[FIELDS];
    bool is_found = false;

    FILE *file = fopen(passwd, "re");
    if (file == NULL)
        return false;
    (void)snprintf(wanted, sizeof(wanted), "%u", (unsigned)uid);
    while (!is_found && fgets(line, sizeof(line), file) != NULL)
        is_found = split(line, fields) && strcmp(fields[UID], wanted) == 0;
    (void)fclose(file);

    struct user user;
    if (!is_found || fields[NAME][0] == '\0' || !copy(user.name, fields[NAME]) ||
        !copy(user.home, fields[HOME]) || !copy(user.shell, fields[SHELL]))
        return false;
    *ret_user = user;
    return true;
}

static bool is_directory(const char *path)
{
    struct stat found;

    return path[0] == '/' && stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

struct user user_self(void)
{
    uid_t uid = geteuid();
    struct user user = { .name = "root", .home = "/root" };

    if (!user_read("/etc/passwd", uid, &user) && uid != 0)
        (void)snprintf(user.name, sizeof(user.name), "%u", (unsigned)uid);
    if (!is_directory(user.home))
        (void)copy(user.home, "/");
    return user;
}
