/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
    (void)argc;
    return cli_main(argv[0] != NULL ? argv + 1 : argv, STDOUT_FILENO, STDERR_FILENO);
}
