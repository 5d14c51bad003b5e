/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"
#include "sys/file.h"

enum { FILE_LENGTH_MAX = 8192 };

static const char no_dir[] = "neither XDG_CONFIG_HOME nor HOME is set";

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static bool find_dir(struct settings *settings, struct error *err)
{
    const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    int length = config != NULL ? snprintf(settings->dir, sizeof settings->dir, "%s/berth", config)
                                : snprintf(settings->dir, sizeof settings->dir, "%s/.config/berth",
                                           home != NULL ? home : "");

    if (config == NULL && home == NULL)
        return error_set(err, ERROR_INVALID, no_dir);
    if (length < 0 || (size_t)length >= sizeof settings->dir)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path of the configuration is too long");
    return true;
}

static void login_path(const struct settings *settings, char path[static PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/login.json", settings->dir);
}

/* Take an address as people write it: slashes at its end are dropped. */
static bool set_url(struct settings *settings, const char *url, struct error *err)
{
    size_t length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        length--;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return error_set(err, ERROR_INVALID,
                         "'%.128s' is no address: it begins with http:// or "
                         "https://",
                         url);
    if (length >= sizeof settings->url)
        return error_set(err, ERROR_OUT_OF_RANGE, "the address is too long");
    memcpy(settings->url, url, length);
    settings->url[length] = '\0';
    return true;
}

static bool set_key(struct settings *settings, const char *key, struct error *err)
{
    size_t length = strlen(key);

    if (length >= sizeof settings->api_key)
        return error_set(err, ERROR_OUT_OF_RANGE, "the API key is too long");
    for (const char *at = key; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f)
            return error_set(err, ERROR_INVALID, "an API key has no blanks and no controls");
    }
    memcpy(settings->api_key, key, length + 1);
    return true;
}

/* Leaves `stored` as it is where there is no login file. */
static bool read_login(struct settings *stored, struct error *err)
{
    auto_buf struct buf content = buf_of(FILE_LENGTH_MAX);
    auto_json json_t *root = NULL;
    const char *url, *key;
    char path[PATH_MAX];

    login_path(stored, path);
    if (!file_read(AT_FDCWD, path, &content, err))
        return err->code == ERROR_NOT_FOUND || error_context(err, "the login file");
    if (!json_parse(content.bytes, content.length, &root, err) ||
        !json_need_text(root, "url", SETTINGS_URL_SIZE - 1, &url, err) ||
        !json_need_text(root, "api_key", SETTINGS_KEY_SIZE - 1, &key, err) ||
        !set_url(stored, url, err) || !set_key(stored, key, err))
        return error_context(err, "%s", path);
    return true;
}

/* `stored` is what is remembered. */
static bool combine(const char *url, const char *api_key, struct settings stored,
                    struct settings *ret, struct error *err)
{
    struct settings settings = { .url = "" };

    memcpy(settings.dir, stored.dir, sizeof settings.dir);
    if (url == NULL)
        url = environment("BERTH_URL");
    if (api_key == NULL)
        api_key = environment("BERTH_API_KEY");
    if (url == NULL)
        url = stored.url;
    if (*url != '\0' && !set_url(&settings, url, err))
        return false;
    if (api_key == NULL)
        api_key = strcmp(settings.url, stored.url) == 0 ? stored.api_key : "";
    if (!set_key(&settings, api_key, err))
        return false;
    *ret = settings;
    return true;
}

bool settings_load(const char *url, const char *api_key, struct settings *ret, struct error *err)
{
    struct settings stored = { .url = "" };

    return find_dir(&stored, err) && read_login(&stored, err) &&
           combine(url, api_key, stored, ret, err);
}

bool settings_begin(const char *url, const char *api_key, struct settings *ret, struct error *err)
{
    struct settings none = { .url = "" }, stored;
    struct error ignored;

    if (!find_dir(&none, &ignored))
        *none.dir = '\0';
    stored = none;
    bool is_read = *none.dir != '\0' && read_login(&stored, &ignored);
    return combine(url, api_key, is_read ? stored : none, ret, err);
}

static bool need_dir(const struct settings *settings, struct error *err)
{
    return *settings->dir != '\0' || error_set(err, ERROR_INVALID, no_dir);
}

bool settings_save(const struct settings *settings, struct error *err)
{
    auto_buf struct buf content = buf_of(FILE_LENGTH_MAX);
    struct encoder json = encoder_of(&content);
    char path[PATH_MAX];

    encode_object(&json);
    encode_field_text(&json, "url", settings->url);
    encode_field_text(&json, "api_key", settings->api_key);
    encode_end(&json);
    buf_append(&content, "\n", 1);
    if (content.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the login file is too long");
    login_path(settings, path);
    return need_dir(settings, err) && file_make_dir(settings->dir, 0700, err) &&
           file_replace(AT_FDCWD, path, 0600, content.bytes, content.length, err);
}

bool settings_forget(const struct settings *settings, struct error *err)
{
    char path[PATH_MAX];

    if (!need_dir(settings, err))
        return false;
    login_path(settings, path);
    if (unlink(path) != 0 && errno != ENOENT)
        return error_system(err, errno, "remove %s", path);
    return true;
}
