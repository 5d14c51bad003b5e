/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_ready.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "store/migrate.h"
#include "store/store.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum {
    PATH_SIZE = 512,
    COMMAND_SIZE = 2 * PATH_SIZE + 64,
    SCHEMA_MAX = 4 << 20,
    CONTENT_MAX = 64 << 20
};

static void fail(const char *what, const char *path)
{
    (void)fprintf(stderr, "ready databases: %s: %s\n", what, path);
    exit(1);
}

static void run(const char *program, const char *from, const char *to)
{
    char command[COMMAND_SIZE];

    (void)snprintf(command, sizeof command, "%s '%s' '%s'", program, from, to);
    if (system(command) != 0)
        fail("does not succeed", command);
}

/* Another schema, another folder. */
static void folder_for(const char *kind, char path[static PATH_SIZE])
{
    auto_buf struct buf text = buf_of(SCHEMA_MAX);
    struct migration_list schema = migrate_schema();
    char hex[HEX_SIZE(HASH_SIZE)];

    for (size_t i = 0; i < schema.count; i++)
        buf_append(&text, schema.items[i].text, strlen(schema.items[i].text));
    struct hash hash = crypto_sha256(text.bytes, text.length);
    (void)snprintf(path, PATH_SIZE, "%s/%s-%.16s", BERTH_TEST_READY, kind,
                   hex_format(hash.bytes, sizeof hash.bytes, hex));
}

static void migrate_at(const char *location)
{
    struct log log = log_silent();
    struct store *store;
    struct error err;

    if (!store_open(location, &log, &store, &err))
        fail(err.text, location);
    store_close(&store);
}

static void make_sqlite(const char *folder, const struct postgres_server *server)
{
    (void)server;
    migrate_at(folder);
}

static void make_postgres(const char *folder, const struct postgres_server *server)
{
    /* A socket's path has no room for a build tree's. */
    struct postgres_server making = *server;
    char directory[64], data[96], url[PATH_SIZE];

    (void)snprintf(directory, sizeof directory, "/tmp/berth-ready-%d", (int)getpid());
    postgres_server_start(&making, directory, false);
    postgres_server_create(&making, "migrated", NULL);
    postgres_server_url(&making, "migrated", url, sizeof url);
    migrate_at(url);
    postgres_server_end(&making);
    (void)snprintf(data, sizeof data, "%s/data", directory);
    run("cp -a", data, folder);
    postgres_server_stop(&making);
}

typedef void maker(const char *folder, const struct postgres_server *server);

/* The folder of that kind; the first program to want it makes it while the others wait. */
static void find(const char *kind, maker *make, const struct postgres_server *server,
                 char path[static PATH_SIZE])
{
    char making[PATH_SIZE + 16];

    (void)mkdir(BERTH_TEST_READY, 0755);
    int lock = open(BERTH_TEST_READY "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || lockf(lock, F_LOCK, 0) != 0)
        fail("cannot be locked", BERTH_TEST_READY "/lock");
    folder_for(kind, path);
    if (access(path, F_OK) != 0) {
        (void)snprintf(making, sizeof making, "%s.new", path);
        run("rm -rf", making, making);
        make(making, server);
        if (rename(making, path) != 0)
            fail("cannot be renamed", making);
    }
    (void)close(lock);
}

void ready_postgres_start(struct postgres_server *server, const char *directory)
{
    char folder[PATH_SIZE], data[PATH_SIZE];

    find("postgresql", make_postgres, server, folder);
    postgres_server_adopt(server, directory);
    (void)snprintf(data, sizeof data, "%s/data", directory);
    run("cp -a", folder, data);
    postgres_server_restart(server);
}

void ready_sqlite_copy(const char *data)
{
    /* Read once a program. */
    static struct buf content;
    struct error err;
    char path[PATH_SIZE];

    if (content.bytes == NULL) {
        char folder[PATH_SIZE], file[PATH_SIZE + 16];

        find("sqlite", make_sqlite, NULL, folder);
        (void)snprintf(file, sizeof file, "%s/berth.sqlite", folder);
        content = buf_of(CONTENT_MAX);
        if (!file_read(AT_FDCWD, file, &content, &err))
            fail(err.text, file);
    }
    (void)snprintf(path, sizeof path, "%s/berth.sqlite", data);
    if (!file_make_dir(data, 0700, &err) ||
        !file_replace(AT_FDCWD, path, 0600, content.bytes, content.length, &err))
        fail(err.text, path);
}
