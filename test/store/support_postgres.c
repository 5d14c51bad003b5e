/* SPDX-License-Identifier: Apache-2.0 */
#include "store/support_postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_SECONDS_MAX = 60, ARGUMENTS_MAX = 32 };

static void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "postgresql: %s: %s\n", what, detail);
    exit(1);
}

/* PostgreSQL refuses to run as root. */
static const struct passwd *someone_else(void)
{
    const struct passwd *user = getpwnam("postgres");

    return user != NULL ? user : getpwnam("nobody");
}

static bool has_programs(const char *directory)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/initdb", directory);
    if (access(path, X_OK) != 0)
        return false;
    (void)snprintf(path, sizeof path, "%s/postgres", directory);
    return access(path, X_OK) == 0;
}

bool postgres_server_is_installed(struct postgres_server *server)
{
    const char *path = getenv("PATH");
    glob_t found = { 0 };
    bool has_found = false;

    (void)glob("/usr/lib/postgresql/*/bin", 0, NULL, &found);
    for (size_t i = found.gl_pathc; i > 0 && !has_found; i--) {
        has_found = has_programs(found.gl_pathv[i - 1]);
        if (has_found)
            (void)snprintf(server->binaries, sizeof server->binaries, "%s", found.gl_pathv[i - 1]);
    }
    globfree(&found);
    while (!has_found && path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");

        (void)snprintf(server->binaries, sizeof server->binaries, "%.*s", (int)length, path);
        has_found = has_programs(server->binaries);
        path += length + (path[length] == ':');
    }
    if (!has_found)
        (void)fprintf(stderr, "postgresql: initdb and postgres are not in PATH "
                              "nor in /usr/lib/postgresql/*/bin\n");
    return has_found;
}

/* Run a program of PostgreSQL's, in a child that dies with us. By its whole path: the programs look
 * for one another beside what they were called as. */
static pid_t launch(const struct postgres_server *server, const char *const *arguments)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    char program[192], output[192];
    const char *words[ARGUMENTS_MAX] = { program };
    const struct passwd *user = geteuid() == 0 ? someone_else() : NULL;

    (void)snprintf(program, sizeof program, "%s/%s", server->binaries, arguments[0]);
    (void)snprintf(output, sizeof output, "%s/output", server->directory);
    int fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || setpgid(0, 0) != 0)
        _exit(126);
    if (user != NULL && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0 || chdir("/") != 0))
        _exit(126);
    /* After setuid(), which forgets it. SIGQUIT is the server's immediate stop. */
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent)
        _exit(126);
    for (size_t i = 1; i < ARGUMENTS_MAX - 1 && arguments[i] != NULL; i++)
        words[i] = arguments[i];
    (void)execv(program, (char *const *)words);
    _exit(127);
}

static void show_output(const struct postgres_server *server)
{
    char path[192], line[512];

    (void)snprintf(path, sizeof path, "%s/output", server->directory);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)fputs(line, stderr);
    if (file != NULL)
        (void)fclose(file);
}

void postgres_server_url(const struct postgres_server *server, const char *database, char *url,
                         size_t size)
{
    (void)snprintf(url, size, "postgresql:///%s?host=%s&user=berth", database, server->directory);
}

static bool can_connect(const struct postgres_server *server)
{
    char url[256];

    postgres_server_url(server, "postgres", url, sizeof url);
    PGconn *connection = PQconnectdb(url);
    bool is_connected = PQstatus(connection) == CONNECTION_OK;
    PQfinish(connection);
    return is_connected;
}

void postgres_server_restart(struct postgres_server *server)
{
    char data[160], socket[160], buffers[64];
    const char *sync = server->is_durable ? "fsync=on" : "fsync=off";
    const char *const arguments[] = { "postgres",
                                      "-D",
                                      data,
                                      "-c",
                                      "listen_addresses=",
                                      "-c",
                                      socket,
                                      "-c",
                                      sync,
                                      "-c",
                                      "max_connections=60",
                                      "-c",
                                      buffers,
                                      "-c",
                                      "autovacuum=off",
                                      NULL };

    (void)snprintf(data, sizeof data, "%s/data", server->directory);
    (void)snprintf(socket, sizeof socket, "unix_socket_directories=%s", server->directory);
    (void)snprintf(buffers, sizeof buffers, "shared_buffers=%s",
                   server->shared_buffers != NULL ? server->shared_buffers : "32MB");
    server->pid = launch(server, arguments);
    for (int tries = 0; !can_connect(server); tries++) {
        struct timespec pause = { .tv_nsec = 20000000 };

        if (tries == START_SECONDS_MAX * 50 || waitpid(server->pid, NULL, WNOHANG) != 0) {
            show_output(server);
            fail("does not start", server->directory);
        }
        (void)nanosleep(&pause, NULL);
    }
}

void postgres_server_adopt(struct postgres_server *server, const char *directory)
{
    (void)snprintf(server->directory, sizeof server->directory, "%s", directory);
    if (mkdir(directory, 0700) != 0)
        fail(directory, strerror(errno));
    if (geteuid() == 0) {
        const struct passwd *user = someone_else();

        if (user == NULL || chown(directory, user->pw_uid, user->pw_gid) != 0)
            fail(directory, "cannot be given to another user");
    }
}

void postgres_server_start(struct postgres_server *server, const char *directory, bool is_durable)
{
    char data[160];
    int status;
    const char *const arguments[] = {
        "initdb",          "-D", data,   "-U",        "berth",      "-A",
        "trust",           "-E", "UTF8", "--no-sync", "--locale=C", "--no-instructions",
        "--wal-segsize=1", NULL
    };

    postgres_server_adopt(server, directory);
    server->is_durable = is_durable;
    (void)snprintf(data, sizeof data, "%s/data", directory);
    pid_t pid = launch(server, arguments);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        show_output(server);
        fail("initdb", directory);
    }
    postgres_server_restart(server);
}

void postgres_server_end(struct postgres_server *server)
{
    (void)kill(server->pid, SIGINT);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void postgres_server_kill(struct postgres_server *server)
{
    (void)kill(server->pid, SIGQUIT);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void postgres_server_stop(struct postgres_server *server)
{
    char command[192];
    struct stat status;

    if (server->pid > 0)
        postgres_server_kill(server);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", server->directory);
    if (stat(server->directory, &status) == 0 && system(command) != 0)
        fail("cannot remove", server->directory);
}

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

void postgres_server_script(const char *url, const char *sql)
{
    PGconn *connection = PQconnectdb(url);
    (void)PQsetNoticeProcessor(connection, ignore_notice, NULL);
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail(sql, PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

static void on_server(const struct postgres_server *server, const char *sql)
{
    char url[256];

    postgres_server_url(server, "postgres", url, sizeof url);
    postgres_server_script(url, sql);
}

void postgres_server_create(const struct postgres_server *server, const char *database,
                            const char *template)
{
    char sql[256];

    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", database,
                   template != NULL ? template : "template0");
    on_server(server, sql);
}

void postgres_server_drop(const struct postgres_server *server, const char *database)
{
    char sql[256];

    (void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
    on_server(server, sql);
}
