/* SPDX-License-Identifier: Apache-2.0 */
/* berth-guest: the one file of ours in a renter's container (agent/access.h says how it is
 * called). It is static and stands alone, so it runs where there is nothing else. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/copy.h"
#include "guest/launch.h"
#include "guest/resolve.h"
#include "guest/scp.h"
#include "guest/serve.h"
#include "guest/sftp.h"
#include "guest/shell.h"
#include "guest/spawn.h"
#include "guest/tool.h"

static const char USAGE[] =
    "usage: berth-guest launch [--hostname NAME] [--onstart-env NAME]\n"
    "                          [--jupyter lab|notebook] [--jupyter-dir FOLDER] [--]\n"
    "                          [PROGRAM ARGUMENT...]\n"
    "       berth-guest shell [--pty COLUMNSxROWS[,XPIXELSxYPIXELS]] [--term NAME] [-c COMMAND]\n"
    "       berth-guest sftp | resolve NAME | serve SOCKET | version\n"
    "       berth-guest copy ID [give PATH | take FROM TO] | carry\n";

/* Decimal digits up to `end`; moves behind it. */
static bool take_number(const char **text, char end, uint16_t *ret_number)
{
    unsigned number = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (unsigned)(*at - '0');
        if (number > UINT16_MAX)
            return false;
    }
    if (at == *text || *at != end)
        return false;
    *text = at + (end != '\0' ? 1 : 0);
    *ret_number = (uint16_t)number;
    return true;
}

static bool parse_terminal(const char *text, struct wire_terminal *ret)
{
    bool has_pixels = strchr(text, ',') != NULL;

    if (!take_number(&text, 'x', &ret->columns) ||
        !take_number(&text, has_pixels ? ',' : '\0', &ret->rows))
        return false;
    return !has_pixels ||
           (take_number(&text, 'x', &ret->x_pixels) && take_number(&text, '\0', &ret->y_pixels));
}

static int wrong_usage(void)
{
    (void)fputs(USAGE, stderr);
    return 2;
}

static int shell_main(char *const arguments[])
{
    struct wire_terminal terminal = { 0 };
    bool has_terminal = false;
    const char *command = NULL, *term = NULL;

    for (size_t i = 0; arguments[i] != NULL; i += 2) {
        const char *value = arguments[i + 1];

        if (value == NULL)
            return wrong_usage();
        if (strcmp(arguments[i], "--pty") == 0 && parse_terminal(value, &terminal))
            has_terminal = true;
        else if (strcmp(arguments[i], "--term") == 0)
            term = value;
        else if (strcmp(arguments[i], "-c") == 0)
            command = value;
        else
            return wrong_usage();
    }
    shell_environment();
    if (has_terminal)
        spawn_resize(&terminal);
    if (term != NULL)
        (void)setenv("TERM", term, 1);
    shell_run(command);
}

int main(int count, char *arguments[])
{
    if (count < 1)
        return 2;
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash != NULL ? slash + 1 : arguments[0];
    if (tool_is_name(name))
        tool_main(arguments);
    if (strcmp(name, "scp") == 0)
        return scp_main(arguments);
    if (count < 2)
        return wrong_usage();

    const char *verb = arguments[1];
    if (strcmp(verb, "launch") == 0)
        launch_main(arguments + 2);
    if (strcmp(verb, "shell") == 0)
        return shell_main(arguments + 2);
    if (strcmp(verb, "sftp") == 0 && count == 2)
        return sftp_main();
    if (strcmp(verb, "resolve") == 0 && count == 3)
        return resolve_main(arguments[2]);
    if (strcmp(verb, "serve") == 0 && count == 3)
        return serve_main(arguments[2]);
    if (strcmp(verb, "copy") == 0 && count == 3)
        return copy_main(arguments[2]);
    if (strcmp(verb, "copy") == 0 && count == 5 && strcmp(arguments[3], "give") == 0)
        return copy_give_main(arguments[4]);
    if (strcmp(verb, "copy") == 0 && count == 6 && strcmp(arguments[3], "take") == 0)
        return copy_take_main(arguments[4], arguments[5]);
    if (strcmp(verb, "carry") == 0)
        return copy_carry_main();
    if (strcmp(verb, "version") == 0 && count == 2)
        return puts("berth-guest " BERTH_VERSION) < 0 ? 1 : 0;
    return wrong_usage();
}
