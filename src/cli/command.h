/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of `berth` is a row of one table: from it come parsing, usage, help and the
 * shell's completion. Adding a command is adding a row and the function that it names. */

#ifndef BERTH_CLI_COMMAND_H
#define BERTH_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/print.h"
#include "cli/settings.h"

struct command;

/* One run of the program, as its command sees it. */
struct cli {
    const struct command *command;
    struct args args;
    struct settings settings;
    struct client *client;    /* owned; NULL for a command that needs no market */
    struct buf *out;          /* standard output, written when the command has ended */
    int out_fd, note_fd;      /* note_fd: standard error, for progress and hints */
    struct print_style style; /* of standard output */
    bool is_raw;              /* --raw: JSON and nothing else */
    bool is_wrong_usage;      /* set by cli_usage() */
    int exit_status;          /* of a command that did what it should: 0 but for another's */
};

typedef bool command_run(struct cli *cli, struct error *err);

struct command {
    const char *theme; /* the heading that it stands below in the list of commands */
    const char *verb;
    const char *noun;      /* or NULL */
    bool is_noun_optional; /* `berth start 7` is `berth start instance 7` */
    bool needs_market;     /* an address, and a client */
    const char *arguments; /* as usage shows them */
    size_t words_min, words_max;
    const struct args_option *options;
    command_run *run;
    const char *completes; /* a command that lists what may stand as first word; or NULL */
    const char *summary;
    const char *details; /* more help, lines that end in newlines; "" for none */
};

/* The command that argv begins with; `*ret_used` is how many words name it. NULL: none. */
const struct command *command_find(const char *const *argv, size_t *ret_used);

/* Fail with exit status 2. */
bool cli_usage(struct cli *cli, struct error *err, const char *format, ...) PRINTF_LIKE(3, 4);

/* A line to standard error, at once. Nothing with --raw. */
void cli_note(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* A word that must be an id: ids are positive whole numbers, and "C.7" is 7 as well. */
NODISCARD bool cli_id(struct cli *cli, const char *word, const char *what, long long *ret,
                      struct error *err);

/* Print the ids of the rows if --quiet, which the command has, asks for it; whether it did. */
bool cli_print_ids(struct cli *cli, const json_t *rows);

/* Print the reply as JSON if --raw asks for it; whether it did. */
bool cli_print_raw(struct cli *cli, const json_t *reply);

/* Ask the market, and print the sentence of its reply; where that has none, all of it as JSON. */
NODISCARD bool cli_ask(struct cli *cli, const char *method, const char *path,
                       const struct buf *body, struct error *err);

#endif
