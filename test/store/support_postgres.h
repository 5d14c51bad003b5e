/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL server of the test program's own. */

#ifndef BERTH_TEST_STORE_SUPPORT_POSTGRES_H
#define BERTH_TEST_STORE_SUPPORT_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

struct postgres_server {
    char directory[96]; /* its data and its socket */
    char binaries[96];
    pid_t pid;
    bool is_durable;
    const char *shared_buffers; /* NULL: few, as tests need */
};

/* Whether there is one to start; prints why not. */
bool postgres_server_is_installed(struct postgres_server *server);

/* `directory` is a path that does not exist yet, and is gone after the stop. It syncs to disk
 * only if it is to be durable. Ends the program if the server does not start. */
void postgres_server_start(struct postgres_server *server, const char *directory, bool is_durable);
void postgres_server_stop(struct postgres_server *server);

/* Only make the folder, for data from elsewhere: in "data" below it, before a restart. */
void postgres_server_adopt(struct postgres_server *server, const char *directory);

/* Start again after an end or a crash, on the same data; end it in good order; and kill it where
 * it stands. */
void postgres_server_restart(struct postgres_server *server);
void postgres_server_end(struct postgres_server *server);
void postgres_server_kill(struct postgres_server *server);

/* The URL of a database. */
void postgres_server_url(const struct postgres_server *server, const char *database, char *url,
                         size_t size);

/* A new database, like `template` if that is not NULL. */
void postgres_server_create(const struct postgres_server *server, const char *database,
                            const char *template);
void postgres_server_drop(const struct postgres_server *server, const char *database);
void postgres_server_script(const char *url, const char *sql);

#endif
