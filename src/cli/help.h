/* SPDX-License-Identifier: Apache-2.0 */
/* What the command table says about itself: usage and help. */

#ifndef BERTH_CLI_HELP_H
#define BERTH_CLI_HELP_H

#include "base/buf.h"
#include "cli/command.h"

/* All commands, a line each. */
void help_write(struct buf *out);

/* Those that begin with that word, a line each; false: none does. */
bool help_write_verb(const char *verb, struct buf *out);

/* What is wrong with words that are no command: `next` may be NULL. */
void help_explain(const char *word, const char *next, struct error *err);

/* One command: usage, options, details. */
void help_write_command(const struct command *command, struct buf *out);

/* "berth search offers [QUERY...] [OPTIONS]". */
void help_write_usage(const struct command *command, struct buf *out);

bool cmd_help(struct cli *cli, struct error *err);
bool cmd_version(struct cli *cli, struct error *err);

#endif
