/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret_line.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

bool secret_line_read(const struct cli *cli, const char *question, char *text, size_t size,
                      struct error *err)
{
    struct termios shown, hidden;
    bool is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    size_t length = 0;
    ssize_t count;

    cli_note(cli, "%s (it is not shown):", question);
    if (is_terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    while (length < size - 1 && (count = read(STDIN_FILENO, text + length, 1)) == 1 &&
           text[length] != '\n')
        length++;
    if (is_terminal)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    text[length] = '\0';
    text[strcspn(text, "\r")] = '\0';
    return *text != '\0' || error_set(err, ERROR_INVALID, "nothing was given");
}
