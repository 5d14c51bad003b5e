/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/distance.h"

enum { COMMAND_WIDTH = 34, OPTION_WIDTH = 26, NAME_SIZE = 128 };

static char *full_name(const struct command *command, char name[static NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s%s%s", command->verb, command->noun != NULL ? " " : "",
                   command->noun != NULL ? command->noun : "");
    return name;
}

void help_write_usage(const struct command *command, struct buf *out)
{
    char name[NAME_SIZE];

    buf_printf(out, "berth %s%s%s [OPTIONS]", full_name(command, name),
               *command->arguments != '\0' ? " " : "", command->arguments);
}

static void write_options(const struct args_option *options, struct buf *out)
{
    for (; options->name != NULL; options++) {
        char text[NAME_SIZE];
        char letter[] = { '-', options->letter, ',', ' ', '\0' };

        (void)snprintf(text, sizeof text, "%s--%s%s%s", options->letter != 0 ? letter : "    ",
                       options->name, options->value_name != NULL ? " " : "",
                       options->value_name != NULL ? options->value_name : "");
        buf_printf(out, "  %-*s %s\n", OPTION_WIDTH, text, options->help);
    }
}

void help_write_command(const struct command *command, struct buf *out)
{
    buf_printf(out, "%s\n\nUsage: ", command->summary);
    help_write_usage(command, out);
    buf_printf(out, "\n");
    if (command->is_noun_optional)
        buf_printf(out, "       \"%s\" may be left out.\n", command->noun);
    if (command->options->name != NULL) {
        buf_printf(out, "\nOptions:\n");
        write_options(command->options, out);
    }
    buf_printf(out, "\nOptions of every command:\n");
    write_options(args_global_options, out);
    if (*command->details != '\0')
        buf_printf(out, "\n%s", command->details);
}

static void write_line(const struct command *command, struct buf *out)
{
    char name[NAME_SIZE], line[2 * NAME_SIZE];

    (void)snprintf(line, sizeof line, "%s %s", full_name(command, name), command->arguments);
    buf_printf(out, "  %-*s %s\n", COMMAND_WIDTH, line, command->summary);
}

void help_write(struct buf *out)
{
    buf_printf(out, "berth: rent machines, lend machines\n\nUsage: berth COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < command_count; i++) {
        if (i == 0 || strcmp(commands[i].theme, commands[i - 1].theme) != 0)
            buf_printf(out, "\n%s:\n", commands[i].theme);
        write_line(&commands[i], out);
    }
    buf_printf(out, "\nOptions of every command:\n");
    write_options(args_global_options, out);
    buf_printf(out, "\n`berth help COMMAND` says more. Exit status: 0 done, 1 failed, 2 wrong "
                    "usage.\n");
}

bool help_write_verb(const char *verb, struct buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].verb, verb) != 0)
            continue;
        if (count++ == 0)
            buf_printf(out, "Usage: berth %s ... [OPTIONS]\n\n", verb);
        write_line(&commands[i], out);
    }
    if (count > 0)
        buf_printf(out, "\n`berth help COMMAND` says more.\n");
    return count > 0;
}

static bool is_verb(const char *word)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].verb, word) == 0)
            return true;
    }
    return false;
}

/* The command whose name is nearest to what was typed, or NULL where none is near. */
static const struct command *nearest_command(const char *typed, size_t length)
{
    const struct command *nearest = NULL;
    size_t best = distance_most(length);

    for (size_t i = 0; i < command_count; i++) {
        char name[NAME_SIZE];
        size_t apart = distance_between(typed, length, full_name(&commands[i], name), best);

        if (apart > best || (nearest != NULL && apart == best))
            continue;
        nearest = &commands[i];
        best = apart;
    }
    return nearest;
}

void help_explain(const char *word, const char *next, struct error *err)
{
    char typed[2 * 64 + 2], name[NAME_SIZE];
    bool is_start = is_verb(word);

    (void)snprintf(typed, sizeof typed, "%.64s%s%.64s", word, next != NULL ? " " : "",
                   next != NULL ? next : "");
    const struct command *nearest =
        next == NULL && is_start ? NULL : nearest_command(typed, strlen(typed));
    /* Of a command of one word what follows is its argument. */
    if (nearest == NULL && next != NULL && !is_start)
        nearest = nearest_command(word, strlen(word));
    if (nearest != NULL)
        (void)error_set(err, ERROR_INVALID, "there is no command '%s'; did you mean `berth %s`?",
                        typed, full_name(nearest, name));
    else if (is_start)
        (void)error_set(err, ERROR_INVALID, "%s '%s'; `berth help %s` lists what there is",
                        next == NULL ? "something is missing behind" : "there is no command", typed,
                        word);
    else
        (void)error_set(err, ERROR_INVALID, "there is no command '%s'; `berth help` lists them",
                        typed);
}

bool cmd_help(struct cli *cli, struct error *err)
{
    size_t used;

    if (cli->args.word_count == 0) {
        help_write(cli->out);
        return true;
    }
    const struct command *command = command_find(cli->args.words, &used);
    if (command == NULL && cli->args.word_count == 1 &&
        help_write_verb(cli->args.words[0], cli->out))
        return true;
    if (command == NULL || used < cli->args.word_count) {
        struct error wrong;

        help_explain(cli->args.words[0], cli->args.words[1], &wrong);
        return cli_usage(cli, err, "%s", wrong.text);
    }
    help_write_command(command, cli->out);
    return true;
}

bool cmd_version(struct cli *cli, struct error *err)
{
    (void)err;
    buf_printf(cli->out, "berth %s\n", BERTH_VERSION);
    return true;
}
