/* SPDX-License-Identifier: Apache-2.0 */
#include "server/psp_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { KEYS_FILE_MAX = 8192, NAME_SIZE = 16 };

/* Keys go into headers: nothing in them may end one. */
static bool is_key(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
            return false;
    }
    return length > 0 && length < PSP_KEY_SIZE;
}

static bool take_line(const char *line, size_t length, psp_keys_take *take, void *context,
                      struct error *err)
{
    char name[NAME_SIZE], value[PSP_KEY_SIZE];
    size_t name_length = strcspn(line, " \n");
    const char *at = line + name_length + 1;
    size_t value_length = name_length < length ? length - name_length - 1 : 0;

    if (length == 0 || line[0] == '#')
        return true;
    if (name_length >= length || name_length >= sizeof name || !is_key(at, value_length))
        return error_set(err, ERROR_INVALID, "a line is \"NAME KEY\"");
    (void)snprintf(name, sizeof name, "%.*s", (int)name_length, line);
    (void)snprintf(value, sizeof value, "%.*s", (int)value_length, at);
    bool is_taken = take(context, name, value, err);
    crypto_wipe(value, sizeof value);
    return is_taken;
}

bool psp_keys_read(const char *path, psp_keys_take *take, void *context, struct error *err)
{
    auto_buf struct buf text = buf_of(KEYS_FILE_MAX);
    struct stat found;

    if (stat(path, &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_INVALID, "only its owner may read a file of keys: chmod 600");
    if (!file_read(AT_FDCWD, path, &text, err))
        return false;
    bool is_read = true;
    for (const char *line = text.length > 0 ? text.bytes : ""; is_read && *line != '\0';) {
        size_t length = strcspn(line, "\n");

        is_read = take_line(line, length, take, context, err);
        line += length + (line[length] == '\n');
    }
    if (text.length > 0)
        crypto_wipe(text.bytes, text.length);
    return is_read;
}

bool psp_base_is_good(const char *url)
{
    static const char *const local[] = { "http://127.0.0.1:", "http://localhost:",
                                         "http://[::1]:" };

    if (strlen(url) >= PSP_BASE_SIZE || strchr(url, '@') != NULL)
        return false;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        size_t length = strlen(local[i]);

        if (strncmp(url, local[i], length) == 0)
            return strspn(url + length, "0123456789") == strlen(url + length);
    }
    return strncmp(url, "https://", 8) == 0 && strchr(url + 8, '/') == NULL;
}
