/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/help.h"
#include "sys/file.h"

enum { OUTPUT_MAX = 256 << 20, EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static struct print_style style_of(int fd)
{
    struct winsize size = { .ws_col = 0 };
    bool is_terminal = isatty(fd) == 1;

    if (is_terminal && ioctl(fd, TIOCGWINSZ, &size) != 0)
        size.ws_col = 0;
    return (struct print_style){ .width = size.ws_col, .is_plain = !is_terminal };
}

static int report(const struct cli *cli, int status, const struct error *err)
{
    struct cli loud = *cli;

    loud.is_raw = false;
    cli_note(&loud, "berth: %s", err->text);
    return status;
}

static bool check_word_count(struct cli *cli, struct error *err)
{
    auto_buf struct buf usage = buf_of(1024);
    size_t count = cli->args.word_count;

    if (count >= cli->command->words_min && count <= cli->command->words_max)
        return true;
    help_write_usage(cli->command, &usage);
    return cli_usage(cli, err, "%s; usage: %s",
                     count < cli->command->words_min ? "a word is missing" : "a word too many",
                     usage.bytes);
}

static bool prepare(struct cli *cli, struct error *err)
{
    if (!check_word_count(cli, err))
        return false;
    cli->is_raw = args_has(&cli->args, "raw");
    if (!(cli->command->needs_market ? settings_load : settings_begin)(
            args_get(&cli->args, "url"), args_get(&cli->args, "api-key"), &cli->settings, err)) {
        cli->is_wrong_usage = err->code == ERROR_INVALID;
        return false;
    }
    if (!cli->command->needs_market)
        return true;
    if (*cli->settings.url == '\0')
        return cli_usage(cli, err,
                         "no market is known: `berth login` remembers one, or set "
                         "BERTH_URL");
    cli->client = client_open(&cli->settings);
    return true;
}

static int run(struct cli *cli)
{
    struct error err;
    bool is_done = prepare(cli, &err) && cli->command->run(cli, &err);

    client_close(&cli->client);
    if (is_done && cli->out->has_overflowed)
        is_done = error_set(&err, ERROR_OUT_OF_RANGE, "the output is too long");
    struct error write_err;
    if (cli->out->length > 0 &&
        !file_write_all(cli->out_fd, cli->out->bytes, cli->out->length, &write_err) && is_done) {
        err = write_err;
        is_done = false;
    }
    if (!is_done)
        return report(cli, cli->is_wrong_usage ? EXIT_USAGE : EXIT_FAILED, &err);
    return cli->exit_status;
}

static int write_help(const struct cli *cli)
{
    struct error err;

    return file_write_all(cli->out_fd, cli->out->bytes, cli->out->length, &err)
               ? EXIT_DONE
               : report(cli, EXIT_FAILED, &err);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Nothing that is a command: the list of them where that was asked for, else what is wrong. */
static int run_nothing(struct cli *cli, const char *const *argv, size_t global_count)
{
    const char *word = argv[global_count];
    struct error err;

    for (size_t i = 0; word == NULL && i < global_count; i++) {
        if (is_help(argv[i])) {
            help_write(cli->out);
            return write_help(cli);
        }
    }
    if (word == NULL) {
        (void)error_set(&err, ERROR_INVALID, "what shall be done? `berth help` lists commands");
        return report(cli, EXIT_USAGE, &err);
    }
    const char *next = argv[global_count + 1];
    if (next != NULL && is_help(next) && help_write_verb(word, cli->out))
        return write_help(cli);
    help_explain(word, next != NULL && *next != '-' ? next : NULL, &err);
    return report(cli, EXIT_USAGE, &err);
}

int cli_main(const char *const *argv, int out_fd, int note_fd)
{
    auto_buf struct buf out = buf_of(OUTPUT_MAX);
    struct cli cli = { .out = &out, .out_fd = out_fd, .note_fd = note_fd };
    size_t global_count = args_count_leading_globals(argv), used;
    const char *words[ARGS_WORDS_MAX + 1] = { NULL };
    struct error err;

    cli.style = style_of(out_fd);
    cli.command = command_find(argv + global_count, &used);
    if (cli.command == NULL)
        return run_nothing(&cli, argv, global_count);

    /* Options in front of the command count as if they stood behind it. */
    size_t count = 0;
    for (size_t i = 0; argv[i] != NULL; i++) {
        if (i >= global_count && i < global_count + used)
            continue;
        if (count == ARGS_WORDS_MAX) {
            (void)error_set(&err, ERROR_INVALID, "more than %d words", ARGS_WORDS_MAX);
            return report(&cli, EXIT_USAGE, &err);
        }
        words[count++] = argv[i];
    }
    if (!args_parse(cli.command->options, words, &cli.args, &err))
        return report(&cli, EXIT_USAGE, &err);
    if (args_has(&cli.args, "help")) {
        help_write_command(cli.command, &out);
        return write_help(&cli);
    }
    return run(&cli);
}
