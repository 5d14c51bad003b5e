/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/platform.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "sys/file.h"

enum { OS_RELEASE_MAX = 64 * 1024, VALUE_SIZE = 32 };

/* The value of `NAME=value` or `NAME="value"` at the beginning of a line. */
static bool find_value(const char *text, const char *name, char ret[static VALUE_SIZE])
{
    size_t length = strlen(name);

    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, name, length) == 0 && line[length] == '=') {
            const char *value = line + length + 1;
            value += *value == '"' || *value == '\'' ? 1 : 0;
            size_t count = strcspn(value, "\"'\n");
            if (count == 0 || count >= VALUE_SIZE)
                return false;
            memcpy(ret, value, count);
            ret[count] = '\0';
            return true;
        }
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    return false;
}

static void make_plain(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
        else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", *text) == NULL)
            *text = '_';
    }
}

bool platform_name(const char *os_release, char ret[static PLATFORM_SIZE], struct error *err)
{
    auto_buf struct buf text = buf_of(OS_RELEASE_MAX);
    char id[VALUE_SIZE], version[VALUE_SIZE] = "rolling";
    struct utsname names;

    if (!file_read(AT_FDCWD, os_release, &text, err))
        return false;
    if (text.length == 0 || !find_value(text.bytes, "ID", id))
        return error_set(err, ERROR_INVALID, "%s does not say what system this is", os_release);
    (void)find_value(text.bytes, "VERSION_ID", version); /* some have none */
    if (uname(&names) != 0 || strlen(names.machine) >= VALUE_SIZE / 2)
        return error_set(err, ERROR_INVALID, "the kernel does not say what machine this is");
    int length = snprintf(ret, PLATFORM_SIZE, "%.20s-%.20s-%.15s", id, version, names.machine);
    make_plain(ret);
    return (length > 0 && length < PLATFORM_SIZE) ||
           error_set(err, ERROR_OUT_OF_RANGE, "the system's name is too long");
}
