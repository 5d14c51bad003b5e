/* SPDX-License-Identifier: Apache-2.0 */
#include "server/site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "server/coding.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { TAG_BYTES = 16, TAG_SIZE = HEX_SIZE(TAG_BYTES) + 2 };

static const char page_name[] = "/index.html";
static const char system_folder[] = "/usr/share/berth/web";
static const char html_type[] = "text/html; charset=utf-8";

static const char missing_page[] =
    "<!doctype html><html lang=\"en\"><title>Berth</title><h1>Berth</h1>"
    "<p>The market's API answers here, for the command line berth and whatever else speaks it.</p>"
    "<p>There is no web console beside this server: <code>make console</code> builds one, and "
    "<code>berthd serve --web DIR</code> serves one from another folder.</p></html>\n";

struct site_file {
    char name[SITE_NAME_MAX]; /* "/assets/x.js" */
    const char *type;
    char tag[TAG_SIZE]; /* with its quotes */
    struct buf bytes;   /* owned */
    bool is_lasting;
};

struct site {
    size_t count;
    struct site_file files[SITE_FILES_MAX];
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        { ".html", html_type },
        { ".js", "text/javascript; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".woff2", "font/woff2" },
        { ".json", "application/json" },
        { ".txt", "text/plain; charset=utf-8" },
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (ends_with(name, types[i].end))
            return types[i].type;
    }
    return "application/octet-stream";
}

static const struct site_file *find(const struct site *site, const char *name)
{
    for (size_t i = 0; i < site->count; i++) {
        if (strcmp(site->files[i].name, name) == 0)
            return &site->files[i];
    }
    return NULL;
}

static bool add_file(struct site *site, int dir, const char *entry, const char *name,
                     struct error *err)
{
    char digits[HEX_SIZE(TAG_BYTES)];

    if (site->count == SITE_FILES_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "it has more than %d files", SITE_FILES_MAX);
    struct site_file *file = &site->files[site->count];
    file->bytes = buf_of(SITE_BYTES_MAX);
    if (!file_read(dir, entry, &file->bytes, err)) {
        buf_release(&file->bytes);
        return error_context(err, "%s", name);
    }
    const char *bytes = file->bytes.length > 0 ? file->bytes.bytes : "";
    struct hash hash = crypto_sha256(bytes, file->bytes.length);
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    (void)snprintf(file->tag, sizeof file->tag, "\"%s\"",
                   hex_format(hash.bytes, TAG_BYTES, digits));
    file->type = type_of(name);
    file->is_lasting = strncmp(name, "/assets/", 8) == 0;
    site->count++;
    return true;
}

static bool add_folder(struct site *site, int dir, const char *path, int depth, struct error *err);

static bool add_entry(struct site *site, int dir, const char *entry, const char *path, int depth,
                      struct error *err)
{
    char name[SITE_NAME_MAX];
    struct stat about;

    if (entry[0] == '.' || fstatat(dir, entry, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)))
        return true;
    int length = snprintf(name, sizeof name, "%s/%s", path, entry);
    if (length < 0 || (size_t)length >= sizeof name)
        return error_set(err, ERROR_OUT_OF_RANGE, "%.40s... has too long a name", entry);
    if (S_ISREG(about.st_mode))
        return add_file(site, dir, entry, name, err);
    if (depth == SITE_DEPTH_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is more than %d folders deep", name,
                         SITE_DEPTH_MAX);
    auto_close int below = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below >= 0 ? add_folder(site, below, name, depth + 1, err)
                      : error_system(err, errno, "%s", name);
}

/* Borrows `dir`. */
static bool add_folder(struct site *site, int dir, const char *path, int depth, struct error *err)
{
    int own = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    DIR *stream = own >= 0 ? fdopendir(own) : NULL;
    bool is_read = true;

    if (stream == NULL) {
        int reason = errno;
        if (own >= 0)
            (void)close(own);
        return error_system(err, reason, "read the folder");
    }
    for (const struct dirent *entry; is_read && (entry = readdir(stream)) != NULL;)
        is_read = add_entry(site, dir, entry->d_name, path, depth, err);
    (void)closedir(stream);
    return is_read;
}

static bool read_folder(struct site *site, const char *folder, struct error *err)
{
    auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return error_system(err, errno, "the console's folder %.200s", folder);
    if (!add_folder(site, dir, "", 1, err))
        return error_context(err, "the console's folder %.200s", folder);
    if (find(site, page_name) == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "the console's folder %.200s has no index.html: make console builds one",
                         folder);
    return true;
}

/* The folder "web" beside the one that this program lies in. */
static bool has_page(const char *folder)
{
    char path[PATH_MAX + 16];

    return snprintf(path, sizeof path, "%s%s", folder, page_name) < (int)sizeof path &&
           access(path, R_OK) == 0;
}

static const char *default_folder(char path[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof "/web");

    for (int up = 0; up < 2 && length > 0; up++) {
        path[length] = '\0';
        const char *slash = strrchr(path, '/');
        length = slash != NULL ? slash - path : 0;
    }
    if (length > 0) {
        memcpy(path + length, "/web", sizeof "/web");
        if (has_page(path))
            return path;
    }
    return has_page(system_folder) ? system_folder : NULL;
}

bool site_open(const char *folder, struct site **ret_site, struct error *err)
{
    struct site *site = calloc(1, sizeof *site);
    char path[PATH_MAX];

    if (site == NULL)
        abort();
    if (folder == NULL)
        folder = default_folder(path);
    if (folder != NULL && !read_folder(site, folder, err)) {
        site_close(&site);
        return false;
    }
    *ret_site = site;
    return true;
}

void site_close(struct site **site)
{
    for (size_t i = 0; *site != NULL && i < (*site)->count; i++)
        buf_release(&(*site)->files[i].bytes);
    free(*site);
    *site = NULL;
}

size_t site_count(const struct site *site)
{
    return site->count;
}

static void set_headers(struct http_exchange *exchange, const char *tag, bool is_lasting)
{
    http_set_header(exchange, "Cache-Control",
                    is_lasting ? "public, max-age=31536000, immutable" : "no-cache");
    http_set_header(exchange, "Content-Security-Policy", SITE_POLICY);
    http_set_header(exchange, "Referrer-Policy", "same-origin");
    http_set_header(exchange, "Cross-Origin-Opener-Policy", "same-origin");
    http_set_header(exchange, "Vary", "Accept-Encoding");
    if (tag != NULL)
        http_set_header(exchange, "ETag", tag);
}

/* Whether If-None-Match names it: a list of tags in quotes, each weak or not, or a star. */
static bool is_known(const struct http_request *request, const char *tag)
{
    const char *list = http_header(request, "If-None-Match");

    return list != NULL && (strcmp(list, "*") == 0 || strstr(list, tag) != NULL);
}

/* What is sent of it: its compressed form where there is one and the client takes it. */
static const struct site_file *form_of(const struct site *site, const struct site_file *file,
                                       const struct http_request *request)
{
    char name[SITE_NAME_MAX + 4];

    (void)snprintf(name, sizeof name, "%s.gz", file->name);
    const struct site_file *packed = find(site, name);
    return packed != NULL && coding_takes_gzip(request) ? packed : file;
}

static void send_file(const struct site *site, const struct site_file *file,
                      struct http_exchange *exchange)
{
    const struct http_request *request = http_request_of(exchange);
    const struct site_file *form = form_of(site, file, request);

    set_headers(exchange, form->tag, file->is_lasting);
    if (is_known(request, form->tag)) {
        http_reply_static(exchange, 304, NULL, "", 0);
        return;
    }
    if (form != file)
        http_set_header(exchange, "Content-Encoding", "gzip");
    http_reply_static(exchange, 200, file->type, form->bytes.length > 0 ? form->bytes.bytes : "",
                      form->bytes.length);
}

bool site_answer(const struct site *site, struct http_exchange *exchange)
{
    const char *path = http_request_of(exchange)->path;
    bool is_place = strchr(strrchr(path, '/'), '.') == NULL;

    if (site->count == 0 && strcmp(path, "/") == 0) {
        set_headers(exchange, NULL, false);
        http_reply_static(exchange, 200, html_type, missing_page, sizeof missing_page - 1);
        return true;
    }
    const struct site_file *file = find(site, is_place ? page_name : path);
    if (file == NULL)
        return false;
    send_file(site, file, exchange);
    return true;
}
