/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that a person types, or a program writes, to standard input. */

#ifndef BERTH_CLI_SECRET_LINE_H
#define BERTH_CLI_SECRET_LINE_H

#include "cli/command.h"

/* Ask, and read one line without its end: not shown where it is typed at a terminal. No more than
 * `size` - 1 bytes are taken, and nothing behind the line. ERROR_INVALID: it was empty. */
NODISCARD bool secret_line_read(const struct cli *cli, const char *question, char *text,
                                size_t size, struct error *err);

#endif
