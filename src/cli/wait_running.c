/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wait_running.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cmd_instances.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { PAUSE_MS_FIRST = 250, PAUSE_MS_MAX = 2000, STATUS_SIZE = 512 };

/* Says what happens meanwhile, each thing once; at a terminal in one line that changes. */
struct progress {
    struct cli *cli;
    char last[STATUS_SIZE];
    bool is_terminal;
};

static void show_progress(struct progress *progress, const json_t *instance, long long id)
{
    auto_buf struct buf line = buf_of(2 * STATUS_SIZE);
    const char *status = print_text_of(instance, "actual_status");
    const char *message = print_text_of(instance, "status_msg");
    char text[STATUS_SIZE];
    struct error ignored;

    (void)snprintf(text, sizeof text, "Instance %lld: %s%s%s", id,
                   *status != '\0' ? status : "waiting for its host", *message != '\0' ? ", " : "",
                   message);
    if (strcmp(text, progress->last) == 0)
        return;
    memcpy(progress->last, text, sizeof text);
    if (!progress->is_terminal) {
        cli_note(progress->cli, "%s", text);
        return;
    }
    buf_printf(&line, "\r\x1b[K");
    print_clean(&line, text);
    (void)!file_write_all(progress->cli->note_fd, line.bytes, line.length, &ignored);
}

static void end_progress(const struct progress *progress)
{
    struct error ignored;

    if (progress->is_terminal && *progress->last != '\0')
        (void)!file_write_all(progress->cli->note_fd, "\r\x1b[K", 4, &ignored);
}

/* Whether waiting makes no sense any more. */
static bool is_hopeless(const json_t *instance, long long id, struct error *err)
{
    const char *intended = print_text_of(instance, "intended_status");
    const char *why = print_text_of(instance, "stop_message");

    if (*intended == '\0' || strcmp(intended, "running") == 0)
        return false;
    size_t length = strlen(why) - (*why != '\0' && why[strlen(why) - 1] == '.');
    (void)error_set(err, ERROR_CONFLICT, "instance %lld is %s%s%.*s; `berth start %lld` starts it",
                    id, intended, *why != '\0' ? ": " : "", length > 120 ? 120 : (int)length, why,
                    id);
    return true;
}

static void pause_ms(long milliseconds)
{
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

    while (nanosleep(&time, &time) != 0)
        continue;
}

/* Poll until it runs and its address is known. */
static bool poll_until_running(struct progress *progress, long long id, int64_t deadline_us,
                               json_t **ret_instance, struct error *err)
{
    struct cli *cli = progress->cli;

    for (long pause = PAUSE_MS_FIRST;; pause = pause < PAUSE_MS_MAX ? 2 * pause : PAUSE_MS_MAX) {
        auto_json json_t *instance = NULL;
        const char *host;
        int port;

        if (!instance_fetch(cli, id, &instance, err))
            return false;
        if (strcmp(print_text_of(instance, "actual_status"), "running") == 0 &&
            instance_ssh_address(instance, &host, &port)) {
            *ret_instance = instance;
            instance = NULL;
            return true;
        }
        if (is_hopeless(instance, id, err))
            return false;
        show_progress(progress, instance, id);
        if (clock_boot_us(&clock_system) >= deadline_us)
            return error_set(err, ERROR_TIMEOUT,
                             "instance %lld does not run yet; `berth why %lld` says more", id, id);
        pause_ms(pause);
    }
}

bool instance_wait_running(struct cli *cli, long long id, int64_t timeout_us, json_t **ret_instance,
                           struct error *err)
{
    struct progress progress = { .cli = cli, .is_terminal = isatty(cli->note_fd) == 1 };
    int64_t deadline_us = clock_boot_us(&clock_system) + timeout_us;
    bool is_running = poll_until_running(&progress, id, deadline_us, ret_instance, err);

    end_progress(&progress);
    return is_running;
}
