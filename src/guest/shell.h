/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever shell the image has, and the environment that one expects after a login. */

#ifndef BERTH_GUEST_SHELL_H
#define BERTH_GUEST_SHELL_H

#include <stdbool.h>

enum { SHELL_ARGS_MAX = 4 };

/* HOME, USER, LOGNAME, SHELL; PATH with /opt/berth/bin behind what the image set; and goes
 * home. */
void shell_environment(void);

/* Become the login shell, or a shell that runs `command`. Without one in the image, become the
 * command itself where it is a simple one. Does not return: where nothing can be run it says
 * why and exits with 127. */
_Noreturn void shell_run(const char *command);

/* Become a shell that runs the script `path`. Returns where the image has none. */
void shell_script(const char *path);

/* Become `arguments`, found along PATH. Does not return: a failure says why and exits with 127,
 * or 126 where it is there and cannot be run. */
_Noreturn void shell_program(char *const arguments[]);

#endif
