/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_ssh.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_instances.h"
#include "cli/copy_between.h"
#include "cli/wait_running.h"
#include "sys/child.h"
#include "sys/file.h"

enum {
    TIMEOUT_S_DEFAULT = 900,
    TIMEOUT_S_MAX = 86400,
    ARGUMENTS_MAX = ARGS_WORDS_MAX + 24,
    ARGUMENTS_LENGTH_MAX = 1 << 20,
    STATUS_SIZE = 512,
    JUPYTER_PORT = 8080,
    ID_SIZE = 32,
    RSYNC_WORDS_MAX = 16,
    BODY_MAX = 96,
};

#define COPY_MS_MAX (INT64_C(7) * 24 * 3600 * 1000)

const struct args_option cmd_ssh_options[] = {
    { "identity", 'i', "FILE", "the private key to use" },
    { "timeout", 0, "SECONDS", "how long to wait until it runs (900)" },
    { "proxy", 0, NULL, "through the market's relay, though its host may be reached itself" },
    { "print", 0, NULL,
      "print the command that logs in and forwards port 8080, and do not run it" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_copy_options[] = {
    { "identity", 'i', "FILE", "the private key to use" },
    { "timeout", 0, "SECONDS", "how long to wait until it runs (900), unless it is stopped" },
    { "proxy", 0, NULL, "through the market's relay, though its host may be reached itself" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_open_options[] = {
    { "identity", 'i', "FILE", "the private key to use" },
    { "timeout", 0, "SECONDS", "how long to wait until it runs (900)" },
    { "port", 0, "PORT", "of this machine, to open it at (8080)" },
    { "proxy", 0, NULL, "through the market's relay, though its host may be reached itself" },
    { NULL, 0, NULL, NULL },
};

static bool read_timeout(struct cli *cli, int64_t *ret_us, struct error *err)
{
    const char *text = args_get(&cli->args, "timeout");
    uint64_t seconds = TIMEOUT_S_DEFAULT;

    if (text != NULL && (!parse_u64(text, &seconds) || seconds > TIMEOUT_S_MAX))
        return cli_usage(cli, err, "--timeout is a number of seconds up to %d", TIMEOUT_S_MAX);
    *ret_us = (int64_t)seconds * US_PER_SECOND;
    return true;
}

static bool wait_running(struct cli *cli, long long id, json_t **ret_instance, struct error *err)
{
    int64_t timeout_us = 0;

    return read_timeout(cli, &timeout_us, err) &&
           instance_wait_running(cli, id, timeout_us, ret_instance, err);
}

/* A name for the machine in the file of known hosts: addresses change hands, this does not. */
static const char *host_alias(struct arena *arena, const struct cli *cli, const json_t *instance)
{
    char *alias =
        arena_printf(arena, "machine-%lld.%s", (long long)print_int_of(instance, "machine_id"),
                     strstr(cli->settings.url, "://") + 3);

    for (char *at = alias; at != NULL && *at != '\0'; at++) {
        if (strchr(":/[]%?*,! ", *at) != NULL)
            *at = '-';
    }
    return alias;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0;
}

/* The first key that is seen of a machine is kept, and any other is refused from then on; on
 * this machine itself there is nobody between. */
static void add_host_check(struct cli *cli, struct arena *arena, const json_t *instance,
                           const char *host, const char ***at)
{
    *(*at)++ = "-o";
    if (is_loopback(host)) {
        *(*at)++ = "NoHostAuthenticationForLocalhost=yes";
        return;
    }
    *(*at)++ = "StrictHostKeyChecking=accept-new";
    *(*at)++ = "-o";
    *(*at)++ = arena_printf(arena, "UserKnownHostsFile=\"%s/known_hosts\"", cli->settings.dir);
    *(*at)++ = "-o";
    *(*at)++ = arena_printf(arena, "HostKeyAlias=%s", host_alias(arena, cli, instance));
}

/* Its own port on its host where that has open ones, else the relay's; the relay's in any case
 * where that is asked for. */
static bool find_address(const struct cli *cli, const json_t *instance, const char **ret_host,
                         int *ret_port, struct error *err)
{
    bool has_address = instance_ssh_address(instance, ret_host, ret_port);

    if (has_address && args_has(&cli->args, "proxy")) {
        int64_t port = print_int_of(instance, "ssh_port");

        *ret_host = print_text_of(instance, "ssh_host");
        *ret_port = port > 0 && port <= UINT16_MAX ? (int)port : 0;
        has_address = **ret_host != '\0' && *ret_port != 0;
    }
    if (!has_address)
        return error_set(err, ERROR_UNAVAILABLE, "the market gave no address");
    return **ret_host != '-' ||
           error_set(err, ERROR_INVALID, "the market gave '%.64s' as an address", *ret_host);
}

/* For pasting into any shell; the notebook's port comes along. */
static void print_command(struct cli *cli, const char *host, int port)
{
    buf_printf(cli->out, "ssh -p %d root@", port);
    print_clean(cli->out, host);
    buf_printf(cli->out, " -L 8080:localhost:8080\n");
}

/* ssh's command line up to the host, which is checked; `*at` is where it goes on. */
struct ssh_line {
    const char *arguments[ARGUMENTS_MAX], **at;
    const char *target; /* whom to log in as, and where: what comes next for ssh itself */
    struct arena arena;
};

static bool begin_line(struct cli *cli, const json_t *instance, const char *forward,
                       struct ssh_line *line, struct error *err)
{
    const char *host = "";
    int port = 0;

    if (!file_make_dir(cli->settings.dir, 0700, err))
        return false;
    if (!find_address(cli, instance, &host, &port, err))
        return false;
    line->at = line->arguments;
    *line->at++ = "ssh";
    *line->at++ = "-p";
    *line->at++ = arena_printf(&line->arena, "%d", port);
    add_host_check(cli, &line->arena, instance, host, &line->at);
    if (args_has(&cli->args, "identity")) {
        *line->at++ = "-i";
        *line->at++ = args_get(&cli->args, "identity");
    }
    if (forward != NULL) {
        *line->at++ = "-o";
        *line->at++ = "ExitOnForwardFailure=yes";
        *line->at++ = "-N";
        *line->at++ = "-L";
        *line->at++ = forward;
    }
    line->target = arena_printf(&line->arena, "root@%s", host);
    return true;
}

static bool become_ssh(struct ssh_line *line, struct error *err)
{
    *line->at = NULL;
    (void)execvp("ssh", (char *const *)(uintptr_t)line->arguments);
    return error_system(err, errno, "run ssh");
}

bool cmd_ssh(struct cli *cli, struct error *err)
{
    struct ssh_line line = { .arena = arena_of(ARGUMENTS_LENGTH_MAX) };
    auto_json json_t *instance = NULL;
    const char *host;
    long long id;
    int port;

    bool is_up = cli_id(cli, cli->args.words[0], "an instance", &id, err) &&
                 wait_running(cli, id, &instance, err);
    if (is_up && args_has(&cli->args, "print")) {
        if (!find_address(cli, instance, &host, &port, err))
            return false;
        print_command(cli, host, port);
        return true;
    }
    if (is_up && begin_line(cli, instance, NULL, &line, err)) {
        *line.at++ = line.target;
        if (cli->args.word_count > 1)
            *line.at++ = "--";
        for (size_t i = 1; i < cli->args.word_count; i++)
            *line.at++ = cli->args.words[i];
        (void)!become_ssh(&line, err);
    }
    arena_release(&line.arena);
    return false;
}

/* The same address, behind another port of this machine. */
static bool say_address(const json_t *instance, uint64_t port, long long id, struct error *err)
{
    const char *token = print_text_of(instance, "jupyter_token");
    auto_buf struct buf line = buf_of(STATUS_SIZE);

    if (*print_text_of(instance, "jupyter_url") == '\0')
        return error_set(err, ERROR_UNAVAILABLE, "instance %lld has no Jupyter that answers: %s",
                         id, print_text_or_dash(instance, "status_msg"));
    buf_printf(&line, "http://localhost:%llu/?token=", (unsigned long long)port);
    print_clean(&line, token);
    buf_printf(&line, "\n");
    return !line.has_overflowed ? file_write_all(STDOUT_FILENO, line.bytes, line.length, err)
                                : error_set(err, ERROR_INVALID, "the market gave a long token");
}

/* A relay's certificate opens it: no way has to be made. */
static bool say_url(const json_t *instance, struct error *err)
{
    auto_buf struct buf line = buf_of(STATUS_SIZE);

    print_clean(&line, print_text_of(instance, "jupyter_url"));
    buf_printf(&line, "\n");
    return !line.has_overflowed ? file_write_all(STDOUT_FILENO, line.bytes, line.length, err)
                                : error_set(err, ERROR_INVALID, "the market gave a long address");
}

bool cmd_open(struct cli *cli, struct error *err)
{
    struct ssh_line line = { .arena = arena_of(ARGUMENTS_LENGTH_MAX) };
    const char *text = args_get(&cli->args, "port");
    auto_json json_t *instance = NULL;
    uint64_t port = JUPYTER_PORT;
    long long id;

    if (text != NULL && (!parse_u64(text, &port) || port == 0 || port > UINT16_MAX))
        return cli_usage(cli, err, "--port is a port of this machine");
    bool is_up = cli_id(cli, cli->args.words[0], "an instance", &id, err) &&
                 wait_running(cli, id, &instance, err);
    if (is_up && text == NULL &&
        strncmp(print_text_of(instance, "jupyter_url"), "https://", 8) == 0)
        return say_url(instance, err);
    if (is_up && say_address(instance, port, id, err) &&
        begin_line(cli, instance,
                   arena_printf(&line.arena, "127.0.0.1:%llu:localhost:%d",
                                (unsigned long long)port, JUPYTER_PORT),
                   &line, err)) {
        *line.at++ = line.target;
        (void)!become_ssh(&line, err);
    }
    arena_release(&line.arena);
    return false;
}

/* One side of a copy: an instance's path, or one of this machine where `id` is 0. */
struct copy_place {
    long long id;
    const char *path;
};

/* "7001:/path", "C.7001:/path", "local:path" or a path. One with a colon that is none of these is
 * written "./a:b". */
static bool read_place(struct cli *cli, const char *word, struct copy_place *ret, struct error *err)
{
    const char *colon = strchr(word, ':'), *slash = strchr(word, '/');
    char id[ID_SIZE] = "";

    *ret = (struct copy_place){ 0, word };
    if (colon == NULL || (slash != NULL && slash < colon))
        return true;
    ret->path = colon + 1;
    if ((size_t)(colon - word) < sizeof id)
        memcpy(id, word, (size_t)(colon - word));
    return strcmp(id, "local") == 0 || cli_id(cli, id, "an instance", &ret->id, err);
}

/* rsync takes its shell apart at spaces, but not within quotes, which words of ours never hold. */
static bool write_shell(const struct ssh_line *line, struct buf *text, struct error *err)
{
    for (const char *const *word = line->arguments; word < (const char *const *)line->at; word++) {
        if (strchr(*word, '\'') != NULL)
            return error_set(err, ERROR_INVALID, "rsync's ssh cannot be told of %.128s", *word);
        buf_printf(text, "%s'%s'", word == line->arguments ? "" : " ", *word);
    }
    buf_append(text, "", 0);
    return true;
}

/* A path of this machine is never one of another, whatever it holds. */
static const char *place_text(struct ssh_line *line, const struct copy_place *place)
{
    if (place->id != 0)
        return arena_printf(&line->arena, "%s:%s", line->target, place->path);
    return *place->path == '/' ? place->path : arena_printf(&line->arena, "./%s", place->path);
}

static bool rsync_words(const struct cli *cli, struct ssh_line *line,
                        const struct copy_place places[2], const char **at, struct error *err)
{
    auto_buf struct buf shell = buf_of(ARGUMENTS_LENGTH_MAX);

    if (!write_shell(line, &shell, err))
        return false;
    *at++ = "rsync";
    *at++ = "-a";
    *at++ = "-z";
    *at++ = "-s"; /* the other side reads the path as it is, not as its shell would */
    if (isatty(cli->note_fd) == 1)
        *at++ = "--info=progress2";
    *at++ = "-e";
    *at++ = arena_printf(&line->arena, "%s", shell.bytes);
    *at++ = "--";
    *at++ = place_text(line, &places[0]);
    *at++ = place_text(line, &places[1]);
    *at = NULL;
    return true;
}

/* It does not run, and is not about to. */
static bool is_at_rest(const json_t *instance)
{
    const char *actual = print_text_of(instance, "actual_status");

    return strcmp(print_text_of(instance, "intended_status"), "stopped") == 0 &&
           (strcmp(actual, "stopped") == 0 || strcmp(actual, "exited") == 0);
}

/* Only who asks for a copy is told where the front of a stopped instance is. */
static bool ask_place(struct cli *cli, long long id, json_t *instance, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_buf struct buf body = buf_of(BODY_MAX);

    buf_printf(&body, "{\"client_id\":\"me\",\"src_id\":\"C.%lld\"}", id);
    if (!client_call(cli->client, "PUT", "/api/v0/commands/rsync/", &body, &reply, err))
        return error_context(err, "instance %lld", id);
    (void)json_object_set_new(instance, "ssh_host", json_string(print_text_of(reply, "src_addr")));
    (void)json_object_set_new(instance, "ssh_port", json_integer(print_int_of(reply, "src_port")));
    return true;
}

/* Its files: a stopped one is not waited for. */
static bool find_files(struct cli *cli, long long id, struct ssh_line *line, struct error *err)
{
    auto_json json_t *instance = NULL;

    if (!instance_fetch(cli, id, &instance, err))
        return false;
    if (is_at_rest(instance)) {
        if (!ask_place(cli, id, instance, err))
            return false;
    } else {
        json_release(&instance);
        if (!wait_running(cli, id, &instance, err))
            return false;
    }
    return begin_line(cli, instance, NULL, line, err);
}

static bool become_rsync(struct cli *cli, const struct copy_place places[2], struct error *err)
{
    struct ssh_line line = { .arena = arena_of(ARGUMENTS_LENGTH_MAX) };
    const char *words[RSYNC_WORDS_MAX];

    if (find_files(cli, places[0].id != 0 ? places[0].id : places[1].id, &line, err) &&
        rsync_words(cli, &line, places, words, err)) {
        (void)execvp("rsync", (char *const *)(uintptr_t)words);
        (void)error_system(err, errno, "run rsync");
    }
    arena_release(&line.arena);
    return false;
}

/* One half of a copy between instances. */
static bool run_rsync(struct cli *cli, const struct copy_place places[2], struct error *err)
{
    struct ssh_line line = { .arena = arena_of(ARGUMENTS_LENGTH_MAX) };
    auto_buf struct buf said = buf_of(STATUS_SIZE);
    const char *words[RSYNC_WORDS_MAX];
    const struct child_run run = { .arguments = words, .timeout_ms = COPY_MS_MAX };
    long long id = places[0].id != 0 ? places[0].id : places[1].id;
    int status = 0;

    bool is_done = find_files(cli, id, &line, err) && rsync_words(cli, &line, places, words, err) &&
                   child_run(&run, &said, &status, err);
    arena_release(&line.arena);
    if (is_done && status != 0)
        is_done = error_set(err, ERROR_UNAVAILABLE, "rsync of instance %lld ended with %d: %.*s",
                            id, status, (int)said.length, said.length > 0 ? said.bytes : "");
    return is_done;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    (void)remove(path);
    return 0;
}

/* What lies in the folder between is what FROM named: one thing of that name, or the many that a
 * slash at its end means. */
static const char *name_between(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    return strcmp(name, ".") == 0 ? "" : name;
}

/* Within one instance, through a folder of this machine. */
static bool copy_between(struct cli *cli, const struct copy_place places[2], struct error *err)
{
    const char *dir = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    char folder[PATH_MAX - NAME_MAX], inside[PATH_MAX + NAME_MAX];
    const char *name = name_between(places[0].path);

    if (strcmp(name, "..") == 0 || strpbrk(name, "*?[") != NULL)
        return cli_usage(cli, err, "between instances '%.64s' is no name of one thing", name);
    int length = snprintf(folder, sizeof folder, "%s/berth-copy-XXXXXX", dir);
    if (*dir != '/' || length < 0 || (size_t)length >= sizeof folder || mkdtemp(folder) == NULL)
        return error_system(err, errno, "make a folder in %.128s", dir);
    (void)snprintf(inside, sizeof inside, "%s/%s", folder, name);
    const struct copy_place down[2] = { places[0], { 0, folder } };
    const struct copy_place up[2] = { { 0, inside }, places[1] };
    bool is_done = run_rsync(cli, down, err) && run_rsync(cli, up, err);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return is_done;
}

bool cmd_copy(struct cli *cli, struct error *err)
{
    struct copy_place places[2];

    for (int i = 0; i < 2; i++) {
        if (!read_place(cli, cli->args.words[i], &places[i], err))
            return false;
        if (*places[i].path == '\0')
            return cli_usage(cli, err, "'%.64s' names no path", cli->args.words[i]);
    }
    if (places[0].id == 0 && places[1].id == 0)
        return cli_usage(cli, err, "one side at least is an instance, as 7001:/path");
    const struct copy_side from = { places[0].id, places[0].path };
    const struct copy_side to = { places[1].id, places[1].path };
    if (from.id != 0 && to.id != 0 && from.id != to.id)
        return copy_between_hosts(cli, &from, &to, err);
    if (from.id != 0 && to.id != 0)
        return copy_between(cli, places, err);
    return become_rsync(cli, places, err);
}

static bool print_url(struct cli *cli, const char *scheme, struct error *err)
{
    auto_json json_t *instance = NULL;
    const char *host;
    long long id;
    int port;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        !instance_fetch(cli, id, &instance, err))
        return false;
    if (!instance_ssh_address(instance, &host, &port))
        return error_set(err, ERROR_UNAVAILABLE, "instance %lld has no SSH address yet", id);
    buf_printf(cli->out, "%s://root@", scheme);
    print_clean(cli->out, host);
    buf_printf(cli->out, ":%d\n", port);
    return true;
}

bool cmd_ssh_url(struct cli *cli, struct error *err)
{
    return print_url(cli, "ssh", err);
}

bool cmd_scp_url(struct cli *cli, struct error *err)
{
    return print_url(cli, "scp", err);
}
