/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "sys/file.h"

enum { NOTE_LENGTH_MAX = 4096 };

/* "instances" is as good as "instance" where the command takes several. */
static bool is_noun(const struct command *command, const char *word)
{
    size_t length = strlen(command->noun);

    if (strncmp(word, command->noun, length) != 0)
        return false;
    return word[length] == '\0' || (command->words_max > 1 && strcmp(word + length, "s") == 0);
}

const struct command *command_find(const char *const *argv, size_t *ret_used)
{
    const struct command *found = NULL;

    for (size_t i = 0; argv[0] != NULL && i < command_count; i++) {
        const struct command *command = &commands[i];

        if (strcmp(argv[0], command->verb) != 0)
            continue;
        if (command->noun != NULL && argv[1] != NULL && is_noun(command, argv[1])) {
            *ret_used = 2;
            return command;
        }
        if (command->noun == NULL || command->is_noun_optional)
            found = command;
    }
    *ret_used = 1;
    return found;
}

bool cli_usage(struct cli *cli, struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli->is_wrong_usage = true;
    return error_set(err, ERROR_INVALID, "%s", text);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    auto_buf struct buf line = buf_of(2 * NOTE_LENGTH_MAX);
    char text[NOTE_LENGTH_MAX];
    struct error ignored;
    va_list arguments;

    if (cli->is_raw)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_clean(&line, text);
    buf_append(&line, "\n", 1);
    /* Where hints cannot be written, nobody reads them. */
    (void)!file_write_all(cli->note_fd, line.bytes, line.length, &ignored);
}

bool cli_id(struct cli *cli, const char *word, const char *what, long long *ret, struct error *err)
{
    const char *digits = strncmp(word, "C.", 2) == 0 ? word + 2 : word;
    uint64_t id;

    if (!parse_u64(digits, &id) || id == 0 || id > INT64_MAX)
        return cli_usage(cli, err, "'%.64s' is not the id of %s", word, what);
    *ret = (long long)id;
    return true;
}

bool cli_print_ids(struct cli *cli, const json_t *rows)
{
    if (!args_has(&cli->args, "quiet"))
        return false;
    for (size_t i = 0; i < json_array_size(rows); i++)
        buf_printf(cli->out, "%lld\n", (long long)print_int_of(json_array_get(rows, i), "id"));
    return true;
}

bool cli_print_raw(struct cli *cli, const json_t *reply)
{
    if (cli->is_raw)
        print_json(cli->out, reply);
    return cli->is_raw;
}

bool cli_ask(struct cli *cli, const char *method, const char *path, const struct buf *body,
             struct error *err)
{
    auto_json json_t *reply = NULL;

    if (body != NULL && body->has_overflowed)
        return cli_usage(cli, err, "this is too long");
    if (!client_call(cli->client, method, path, body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const char *text = print_text_of(reply, "msg");
    if (*text == '\0') {
        print_json(cli->out, reply);
    } else {
        print_clean(cli->out, text);
        buf_append(cli->out, "\n", 1);
    }
    return true;
}
