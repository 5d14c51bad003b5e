/* SPDX-License-Identifier: Apache-2.0 */
/* The program `berth`, but for main(): find the command, parse, run, report.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage. What went wrong is one line on standard error. */

#ifndef BERTH_CLI_CLI_H
#define BERTH_CLI_CLI_H

/* `argv` without the program's name, NULL-terminated. Returns the exit status. */
int cli_main(const char *const *argv, int out_fd, int note_fd);

#endif
