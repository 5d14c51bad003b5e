/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

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

void help_write(struct buf *out)
{
    buf_printf(out, "berth: rent machines, lend machines\n\nUsage: berth COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < command_count; i++) {
        char name[NAME_SIZE], line[2 * NAME_SIZE];

        if (i == 0 || strcmp(commands[i].theme, commands[i - 1].theme) != 0)
            buf_printf(out, "\n%s:\n", commands[i].theme);
        (void)snprintf(line, sizeof line, "%s %s", full_name(&commands[i], name),
                       commands[i].arguments);
        buf_printf(out, "  %-*s %s\n", COMMAND_WIDTH, line, commands[i].summary);
    }
    buf_printf(out, "\nOptions of every command:\n");
    write_options(args_global_options, out);
    buf_printf(out, "\n`berth help COMMAND` says more. Exit status: 0 done, 1 failed, 2 wrong "
                    "usage.\n");
}

bool cmd_help(struct cli *cli, struct error *err)
{
    size_t used;

    if (cli->args.word_count == 0) {
        help_write(cli->out);
        return true;
    }
    const struct command *command = command_find(cli->args.words, &used);
    if (command == NULL || used < cli->args.word_count)
        return cli_usage(cli, err, "there is no command '%.64s'; `berth help` lists them",
                         cli->args.words[used < cli->args.word_count ? used : 0]);
    help_write_command(command, cli->out);
    return true;
}

bool cmd_version(struct cli *cli, struct error *err)
{
    (void)err;
    buf_printf(cli->out, "berth %s\n", BERTH_VERSION);
    return true;
}
