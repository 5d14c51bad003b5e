/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/install.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/identity.h"
#include "agent/probe.h"
#include "base/json.h"
#include "sys/child.h"
#include "sys/file.h"
#include "sys/http_client.h"

enum {
    PACKAGES_MS = 900000, /* for all of them, over a slow line */
    SERVER_MS = 10000,
    REPLY_MAX = 65536,
    APT_OUTPUT_MAX = 1 << 20,
    TOKEN_SIZE = 128,
    KEY_IS_GOOD = 409, /* status: there is no way back to make */
};

/* What must be there, and the package that brings it. */
static const struct {
    const char *program, *package;
    bool is_engine; /* the engine's own client or another distribution of it will do, too */
} needs[] = {
    { "iptables", "iptables", false },
    { "nft", "nftables", false },
    { "ip", "iproute2", false },
    { "dockerd", "docker.io", true },
};
enum { NEED_COUNT = sizeof needs / sizeof needs[0] };

struct install_paths install_paths_default(void)
{
    return (struct install_paths){ .config = INSTALL_CONFIG,
                                   .engine_json = "/etc/docker/daemon.json",
                                   .pci = "/sys/bus/pci/devices",
                                   .driver = "/proc/driver/nvidia/version",
                                   .has_apt = access("/usr/bin/apt-get", X_OK) == 0 };
}

static bool run_program(const char *const *arguments, int64_t timeout_ms, struct error *err)
{
    auto_buf struct buf output = buf_of(APT_OUTPUT_MAX);
    const struct child_run run = { .arguments = arguments, .timeout_ms = timeout_ms };
    int status;

    if (!child_run(&run, &output, &status, err))
        return error_context(err, "%s", arguments[0]);
    if (status == 0)
        return true;
    /* The end says what went wrong. */
    size_t from = output.length > 300 ? output.length - 300 : 0;
    return error_set(err, ERROR_UNAVAILABLE, "%s failed with %d: %s", arguments[0], status,
                     output.length > 0 ? output.bytes + from : "");
}

static bool install_packages(const struct install_paths *paths, FILE *out, struct error *err)
{
    const char *arguments[NEED_COUNT + 8] = { "apt-get", "install", "-y", "-q",
                                              "--no-install-recommends" };
    size_t count = 5;
    char path[PATH_MAX];

    for (size_t i = 0; i < NEED_COUNT; i++) {
        if (!probe_program(needs[i].program, path, sizeof path))
            arguments[count++] = needs[i].package;
    }
    if (count == 5) {
        (void)fprintf(out, "packages: all are there\n");
        return true;
    }
    (void)fprintf(out, "packages:");
    for (size_t i = 5; i < count; i++)
        (void)fprintf(out, " %s", arguments[i]);
    (void)fprintf(out, "%s\n", paths->has_apt ? "" : ": install these");
    if (!paths->has_apt)
        return error_set(err, ERROR_UNAVAILABLE, "this system has no apt-get");
    (void)fflush(out);
    (void)setenv("DEBIAN_FRONTEND", "noninteractive", 1);
    static const char *const update[] = { "apt-get", "update", "-q", NULL };
    /* A list that is old may do. */
    if (!run_program(update, PACKAGES_MS, err))
        (void)fprintf(out, "packages: the lists could not be renewed: %s\n", err->text);
    return run_program(arguments, PACKAGES_MS, err);
}

/* Only where nobody has said anything: somebody's configuration is theirs. */
static bool configure_engine(const struct install_paths *paths, FILE *out, struct error *err)
{
    static const char text[] = "{ \"live-restore\": true }\n";
    static const char *const reload[] = { "systemctl", "reload-or-restart", "docker", NULL };
    char folder[PATH_MAX];
    struct error ignored;

    if (access(paths->engine_json, F_OK) == 0)
        return true;
    (void)snprintf(folder, sizeof folder, "%s", paths->engine_json);
    if (!file_make_dir(dirname(folder), 0755, err) ||
        !file_replace(AT_FDCWD, paths->engine_json, 0644, text, strlen(text), err))
        return false;
    (void)fprintf(out, "engine: instances outlive its restarts (%s)\n", paths->engine_json);
    if (access("/run/systemd/system", F_OK) == 0 && !run_program(reload, 60000, &ignored))
        (void)fprintf(out, "engine: restart it by hand: systemctl restart docker\n");
    return true;
}

/* How many of NVIDIA's display controllers the machine has. */
static int count_gpus(const char *pci)
{
    DIR *folder = opendir(pci);
    int count = 0;

    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[PATH_MAX];
        auto_buf struct buf vendor = buf_of(64);
        auto_buf struct buf class = buf_of(64);
        struct error ignored;

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s/vendor", pci, entry->d_name);
        bool has = file_read(AT_FDCWD, path, &vendor, &ignored) && vendor.length > 0;
        (void)snprintf(path, sizeof path, "%s/%s/class", pci, entry->d_name);
        has = has && file_read(AT_FDCWD, path, &class, &ignored) && class.length > 0;
        count +=
            has && strncmp(vendor.bytes, "0x10de", 6) == 0 && strncmp(class.bytes, "0x03", 4) == 0
                ? 1
                : 0;
    }
    (void)closedir(folder);
    return count;
}

/* Drivers are a person's choice: they want a reboot, and a version that fits the GPUs. */
static void hint_gpus(const struct install_paths *paths, FILE *out)
{
    int count = count_gpus(paths->pci);
    char path[PATH_MAX];

    if (count == 0)
        return;
    if (access(paths->driver, F_OK) != 0)
        (void)fprintf(out,
                      "GPUs: %d of NVIDIA's and no driver: apt install nvidia-driver (Debian, "
                      "non-free) or ubuntu-drivers install; then reboot\n",
                      count);
    if (!probe_program("nvidia-container-cli", path, sizeof path))
        (void)fprintf(out,
                      "GPUs: %d of NVIDIA's and no container toolkit: apt install "
                      "nvidia-container-toolkit (from NVIDIA's repository); then "
                      "nvidia-ctk runtime configure; systemctl restart docker\n",
                      count);
}

/* A token with the account's key: for a new machine, or for `machine_id` to come back. */
static bool fetch_token(const struct options *options, int64_t machine_id,
                        char token[static TOKEN_SIZE], struct error *err)
{
    auto_http_client struct http_client *client = http_client_open(NULL, options->ca_file);
    auto_buf struct buf reply = buf_of(REPLY_MAX);
    char url[1024], authorization[256];
    const char *headers[] = { authorization, "Content-Type: application/json", NULL };
    auto_json json_t *root = NULL;
    char body[64] = "{}";
    int status;

    if (machine_id != 0)
        (void)snprintf(body, sizeof body, "{\"machine_id\":%lld}", (long long)machine_id);
    (void)snprintf(url, sizeof url, "%s/api/v0/machines/enroll_token/", options->server);
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s",
                   options->api_key);
    struct http_request request = { .method = "POST",
                                    .url = url,
                                    .headers = headers,
                                    .body = body,
                                    .body_length = strlen(body),
                                    .timeout_ms = SERVER_MS };
    if (!http_client_send(client, &request, &status, &reply, err))
        return error_context(err, "ask %s for a token", options->server);
    if (status != 200 || reply.length == 0)
        return error_set(err, status == KEY_IS_GOOD ? ERROR_CONFLICT : ERROR_FORBIDDEN,
                         "%s gives no token for this key (%d)", options->server, status);
    if (!json_parse(reply.bytes, reply.length, &root, err))
        return false;
    const char *text = json_string_value(json_object_get(root, "token"));
    if (text == NULL || strlen(text) >= TOKEN_SIZE)
        return error_set(err, ERROR_CORRUPT, "%s sends no token", options->server);
    (void)snprintf(token, TOKEN_SIZE, "%s", text);
    return true;
}

/* What is there already and says the same is left alone, down to its time. */
static bool write_config(const struct options *options, const char *path, FILE *out,
                         struct error *err)
{
    auto_buf struct buf text = buf_of(OPTIONS_FILE_MAX);
    auto_buf struct buf old = buf_of(OPTIONS_FILE_MAX);
    char folder[PATH_MAX];
    struct error ignored;

    options_write_given(options, &text);
    buf_printf(&text, "\n");
    options_write_sample(&text);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the options are too long");
    if (file_read(AT_FDCWD, path, &old, &ignored) && old.length == text.length &&
        memcmp(old.bytes, text.bytes, text.length) == 0) {
        (void)fprintf(out, "options: as they are in %s\n", path);
        return true;
    }
    (void)snprintf(folder, sizeof folder, "%s", path);
    if (!file_make_dir(dirname(folder), 0755, err) ||
        !file_replace(AT_FDCWD, path, 0600, text.bytes, text.length, err))
        return false;
    (void)fprintf(out, "options: written to %s\n", path);
    return true;
}

bool install_run(const struct options *given, const struct install_paths *paths, FILE *out,
                 struct error *err)
{
    struct options options = *given;
    char token[TOKEN_SIZE];
    int64_t machine_id = 0;
    bool is_running;
    struct error ignored, why;

    if (geteuid() != 0)
        return error_set(err, ERROR_FORBIDDEN, "install needs root: sudo berth-host install ...");
    if (!install_packages(paths, out, err))
        return error_context(err, "packages");
    if (!options.is_engine_private && !configure_engine(paths, out, err))
        return error_context(err, "engine");
    hint_gpus(paths, out);
    bool is_enrolled =
        identity_peek(options.data, &machine_id, &is_running, &ignored) && machine_id != 0;
    if (is_enrolled) {
        /* The market gives one to a machine whose key was revoked, and to no other. */
        if (options.api_key != NULL && fetch_token(&options, machine_id, token, &why))
            options.token = token;
        else if (options.api_key != NULL && why.code != ERROR_CONFLICT)
            (void)fprintf(out, "token: none for a way back, should that be needed: %s\n", why.text);
        (void)fprintf(
            out, "enrolled: machine %lld%s\n", (long long)machine_id,
            options.token != NULL ? ", which comes back by the token if its key is refused" : "");
    } else if (options.token == NULL && options.api_key != NULL) {
        if (!fetch_token(&options, 0, token, err))
            return false;
        options.token = token;
    } else if (options.token == NULL) {
        (void)fprintf(out, "enrolled: not yet, and no --token or --api-key is given: the market "
                           "will not know this machine\n");
    }
    return write_config(&options, paths->config, out, err);
}
