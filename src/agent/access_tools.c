/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/child.h"
#include "sys/file.h"

enum {
    FILE_MAX = 64 << 20,
    PATH_SIZE = 1024,
    LISTING_MAX = 64 * 1024,
    LISTING_MS = 10000,
    LIBRARIES_MAX = 64,
};

static const char *const RSYNC_PATHS[] = { "/usr/bin/rsync", "/bin/rsync", "/usr/local/bin/rsync" };

/* The file `from`, whole, as `dir`/`name`. */
static bool copy_file(const char *from, const char *dir, const char *name, struct error *err)
{
    auto_buf struct buf content = buf_of(FILE_MAX);
    auto_buf struct buf old = buf_of(FILE_MAX);
    char to[PATH_SIZE];
    struct error ignored;

    if (snprintf(to, sizeof(to), "%s/%s", dir, name) >= (int)sizeof(to))
        return error_set(err, ERROR_INVALID, "the path %s is too long", dir);
    if (!file_read(AT_FDCWD, from, &content, err))
        return error_context(err, "copy %s", from);
    /* One that is the same stays: containers have it open. */
    if (file_read(AT_FDCWD, to, &old, &ignored) && old.length == content.length &&
        (old.length == 0 || memcmp(old.bytes, content.bytes, old.length) == 0))
        return true;
    return file_replace(AT_FDCWD, to, 0755, content.bytes, content.length, err);
}

static bool make_link(const char *target, const char *dir, const char *name, struct error *err)
{
    char path[PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", dir);
    if (symlink(target, path) != 0 && errno != EEXIST)
        return error_system(err, errno, "link %s", path);
    return true;
}

/* The path in one line of what ldd prints: "libz.so.1 => /lib/libz.so.1 (0x...)", or the
 * loader's own, "/lib64/ld-linux.so.2 (0x...)". NULL where it has none. */
static char *path_in(char *line, bool *ret_is_loader)
{
    char *path = strchr(line, '/');

    if (path == NULL)
        return NULL;
    *ret_is_loader = strstr(line, "=>") == NULL;
    path[strcspn(path, " \t")] = '\0';
    return path;
}

static bool copy_libraries(char *listing, const char *dir, struct error *err)
{
    bool has_loader = false;
    size_t count = 0;

    for (char *line; (line = strsep(&listing, "\n")) != NULL && count < LIBRARIES_MAX;) {
        bool is_loader;
        const char *path = path_in(line, &is_loader);

        if (path == NULL)
            continue;
        if (!copy_file(path, dir, is_loader ? "ld.so" : strrchr(path, '/') + 1, err))
            return false;
        has_loader = has_loader || is_loader;
        count++;
    }
    return has_loader || error_set(err, ERROR_NOT_FOUND, "no loader among the libraries");
}

/* The host's rsync with all that it needs, and a name to call it by. */
static bool install_rsync(const char *rsync, const char *bin, const char *lib, struct error *err)
{
    const char *const arguments[] = { "ldd", rsync, NULL };
    const struct child_run run = { .arguments = arguments, .timeout_ms = LISTING_MS };
    auto_buf struct buf output = buf_of(LISTING_MAX);
    int status;

    if (!child_run(&run, &output, &status, err))
        return false;
    if (status != 0 || output.length == 0)
        return error_set(err, ERROR_NOT_FOUND, "ldd %s: status %d", rsync, status);
    auto_free char *listing = buf_take(&output);
    return copy_libraries(listing, lib, err) && copy_file(rsync, lib, "rsync", err) &&
           make_link("berth-guest", bin, "rsync", err);
}

bool access_tools_install(const char *guest_path, const char *dir, bool *ret_has_rsync,
                          struct error *err)
{
    char bin[PATH_SIZE], lib[PATH_SIZE];
    bool has_rsync = false;

    if (snprintf(bin, sizeof(bin), "%s/bin", dir) >= (int)sizeof(bin) ||
        snprintf(lib, sizeof(lib), "%s/lib", dir) >= (int)sizeof(lib))
        return error_set(err, ERROR_INVALID, "the path %s is too long", dir);
    if (!file_make_dir(bin, 0755, err) || !file_make_dir(lib, 0755, err) ||
        !copy_file(guest_path, bin, "berth-guest", err) ||
        !make_link("berth-guest", bin, "scp", err))
        return error_context(err, "the tools for containers");
    for (size_t i = 0; i < sizeof(RSYNC_PATHS) / sizeof(RSYNC_PATHS[0]) && !has_rsync; i++) {
        struct error ignored;

        has_rsync =
            access(RSYNC_PATHS[i], X_OK) == 0 && install_rsync(RSYNC_PATHS[i], bin, lib, &ignored);
    }
    *ret_has_rsync = has_rsync;
    return true;
}
