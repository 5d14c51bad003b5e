/* SPDX-License-Identifier: Apache-2.0 */
#include "market/cloud.h"

#include <string.h>

#define NEEDED   .is_needed = true
#define SECRET   .is_secret = true
#define OBSCURED .is_secret = true, .is_obscured = true
#define URL      .is_url = true

static const struct cloud_kind kinds[] = {
    { "s3",
      "s3",
      { { .name = "access_key_id", NEEDED },
        { .name = "secret_access_key", NEEDED, SECRET },
        { .name = "session_token", SECRET },
        { .name = "region" },
        { .name = "endpoint", URL },
        { .name = "provider" } } },
    { "b2", "b2", { { .name = "account", NEEDED }, { .name = "key", NEEDED, SECRET } } },
    { "gcs",
      "google cloud storage",
      { { .name = "service_account_credentials", NEEDED, SECRET }, { .name = "project_number" } } },
    { "azureblob",
      "azureblob",
      { { .name = "account", NEEDED }, { .name = "key", NEEDED, SECRET } } },
    { "drive",
      "drive",
      { { .name = "service_account_credentials", NEEDED, SECRET }, { .name = "root_folder_id" } } },
    { "dropbox", "dropbox", { { .name = "token", NEEDED, SECRET } } },
    { "webdav",
      "webdav",
      { { .name = "url", NEEDED, URL },
        { .name = "vendor" },
        { .name = "user" },
        { .name = "pass", OBSCURED },
        { .name = "bearer_token", SECRET } } },
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static const char *const flags[] = { "--dry-run", "--size-only", "--ignore-existing", "--update",
                                     "--delete-excluded" };

const struct cloud_kind *cloud_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0 || strcmp(kinds[i].rclone, name) == 0)
            return &kinds[i];
    return NULL;
}

void cloud_names(struct buf *out)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", kinds[i].name);
}

bool cloud_has_flag(const char *flag)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(flags[i], flag) == 0)
            return true;
    return false;
}

static bool is_line(const char *text, size_t length, bool may_have_lines)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == 0x7f || (byte < ' ' && !(may_have_lines && strchr("\t\r\n", byte) != NULL)) ||
            byte == '\0')
            return false;
    }
    return true;
}

bool cloud_path_is_good(const char *path)
{
    size_t length = strlen(path);

    return length > 0 && length <= CLOUD_PATH_MAX && is_line(path, length, false);
}

/* http or https, or a host's bare name; without a login in it, which would be shown in errors. */
static bool is_url(const char *text)
{
    const char *rest = strstr(text, "://");
    bool has_scheme = rest != NULL;

    if (has_scheme && strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0)
        return false;
    rest = has_scheme ? rest + 3 : text;
    return *rest != '\0' && *rest != '/' && strpbrk(rest, "@ ?#") == NULL;
}

static const struct cloud_field *find_field(const struct cloud_kind *kind, const char *name)
{
    for (size_t i = 0; i < CLOUD_FIELDS_MAX && kind->fields[i].name != NULL; i++)
        if (strcmp(kind->fields[i].name, name) == 0)
            return &kind->fields[i];
    return NULL;
}

static bool check_value(const struct cloud_field *field, const json_t *value, struct error *err)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);

    if (text == NULL || length == 0 || length > CLOUD_VALUE_MAX)
        return error_set(err, ERROR_INVALID, "%s is a text of 1 to %d bytes", field->name,
                         CLOUD_VALUE_MAX);
    if (!is_line(text, length, field->is_secret))
        return error_set(err, ERROR_INVALID, "%s has control characters", field->name);
    if (field->is_url && !is_url(text))
        return error_set(err, ERROR_INVALID,
                         "%s is an address by http or https, without a login in it", field->name);
    return true;
}

bool cloud_check(const struct cloud_kind *kind, const json_t *config, struct error *err)
{
    const char *name;
    json_t *value;

    if (!json_is_object(config))
        return error_set(err, ERROR_INVALID, "config is an object of texts");
    json_object_foreach((json_t *)(uintptr_t)config, name, value)
    {
        const struct cloud_field *field = find_field(kind, name);

        if (field == NULL)
            return error_set(err, ERROR_INVALID, "%s has no %.64s", kind->name, name);
        if (!check_value(field, value, err))
            return false;
    }
    for (size_t i = 0; i < CLOUD_FIELDS_MAX && kind->fields[i].name != NULL; i++)
        if (kind->fields[i].is_needed && json_member(config, kind->fields[i].name) == NULL)
            return error_set(err, ERROR_INVALID, "%s needs %s", kind->name, kind->fields[i].name);
    return true;
}
