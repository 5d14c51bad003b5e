/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/quota.h"

#include <stdio.h>
#include <string.h>

enum { FIELD_MAX = 4096, TYPE_MAX = 32, OPTIONS_MAX = 1024 };

struct mount {
    char point[FIELD_MAX + 1], type[TYPE_MAX + 1], options[OPTIONS_MAX + 1];
};

/* The word of that number, from 0; false where there is none, or it does not fit. */
static bool take_word(const char *text, int number, char *word, size_t size)
{
    for (; number > 0 && *text != '\0'; number--) {
        text += strcspn(text, " ");
        text += *text == ' ' ? 1 : 0;
    }
    size_t length = strcspn(text, " ");
    if (length == 0 || length >= size)
        return false;
    memcpy(word, text, length);
    word[length] = '\0';
    return true;
}

/* What would end a word there is written as three octal digits behind a backslash. */
static void unescape(char *word)
{
    char *to = word;

    for (const char *from = word; *from != '\0'; to++) {
        bool is_code = from[0] == '\\' && strspn(from + 1, "01234567") >= 3;

        *to = is_code ? (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0') : *from;
        from += is_code ? 4 : 1;
    }
    *to = '\0';
}

/* 36 35 98:0 /root /mount/point options [optional ...] - type source super-options */
static bool read_mount(const char *line, struct mount *mount)
{
    const char *dash = strstr(line, " - ");

    if (dash == NULL || !take_word(line, 4, mount->point, sizeof mount->point) ||
        !take_word(dash + 3, 0, mount->type, sizeof mount->type) ||
        !take_word(dash + 3, 2, mount->options, sizeof mount->options))
        return false;
    unescape(mount->point);
    return true;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    if (length == 1 && *folder == '/')
        return *path == '/';
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* What the path lies on: the innermost, and of two at one place the later. */
static bool find_mount(const char *mounts, const char *path, struct mount *ret)
{
    static struct mount mount; /* large */
    static char line[4 * FIELD_MAX];
    bool has = false;

    for (const char *at = mounts; *at != '\0';) {
        size_t length = strcspn(at, "\n");

        (void)snprintf(line, sizeof line, "%.*s",
                       length < sizeof line ? (int)length : (int)sizeof line - 1, at);
        if (read_mount(line, &mount) && is_below(path, mount.point) &&
            (!has || strlen(mount.point) >= strlen(ret->point))) {
            *ret = mount;
            has = true;
        }
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    return has;
}

static bool has_option(const char *options, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = options; *at != '\0';) {
        size_t span = strcspn(at, ",");

        if (span == length && strncmp(at, name, length) == 0)
            return true;
        at += span + (at[span] == ',' ? 1 : 0);
    }
    return false;
}

static bool counts_projects(const struct mount *mount)
{
    return strcmp(mount->type, "xfs") == 0 &&
           (has_option(mount->options, "prjquota") || has_option(mount->options, "pquota"));
}

struct quota quota_of(const char *driver, const char *root, const char *mounts)
{
    static struct mount mount; /* large */
    struct quota quota = { 0 };
    bool has = find_mount(mounts, root, &mount);

    if (has && strcmp(driver, "overlay2") == 0 && counts_projects(&mount)) {
        quota.is_enforced = true;
        (void)snprintf(quota.text, sizeof quota.text, "xfs project quota");
    } else if (strcmp(driver, "btrfs") == 0) {
        quota.is_enforced = true;
        (void)snprintf(quota.text, sizeof quota.text, "btrfs quota groups");
    } else if (has) {
        (void)snprintf(
            quota.text, sizeof quota.text,
            "watched, warned and stopped: %.20s on %.20s%s cannot limit it", driver, mount.type,
            strcmp(mount.type, "xfs") == 0 && !counts_projects(&mount) ? " without pquota" : "");
    } else {
        (void)snprintf(quota.text, sizeof quota.text,
                       "watched, warned and stopped: %.60s is on no file system that is known",
                       root);
    }
    return quota;
}
