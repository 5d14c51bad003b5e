/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_clouds.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "sys/file.h"

enum { PATH_SIZE = 128, FILE_MAX = 64 * 1024, BODY_MAX = 256 * 1024 };

#define CONNECTIONS_PATH "/api/v0/users/cloud_integrations/"

const struct args_option cmd_create_connection_options[] = {
    { "file", 0, "FILE", "what it takes to get in there; - is standard input" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_cloud_copy_options[] = {
    { "src", 0, "PATH", "from there: a path in the instance, or bucket/path" },
    { "dst", 0, "PATH", "to there" },
    { "instance", 0, "ID", "between this instance" },
    { "connection", 0, "ID", "and this connection, of show connections" },
    { "transfer", 0, "DIRECTION", "'Instance To Cloud' (as without it) or 'Cloud To Instance'" },
    { "dry-run", 0, NULL, "show what would be copied" },
    { "size-only", 0, NULL, "files of the same size are the same" },
    { "ignore-existing", 0, NULL, "leave what is there" },
    { "update", 0, NULL, "leave what is newer there" },
    { "delete-excluded", 0, NULL, "delete there what is not copied" },
#include "cli/schedule_options.def"
    { NULL, 0, NULL, NULL },
};

bool cmd_show_connections(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "ID", true, 0, 0 },
                                                   { "Name", false, 1, 40 },
                                                   { "Store", false, 0, 0 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *rows = NULL;

    if (!client_call(cli->client, "GET", CONNECTIONS_PATH, NULL, &rows, err))
        return false;
    if (cli_print_raw(cli, rows))
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_number(&table, row, "id", 1, 0);
        table_text(&table, row, "name");
        table_text(&table, row, "cloud_type");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

static const char *trim(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text + strspn(text, " \t");
}

/* A line of rclone's settings. What it calls the store itself is known already. */
static bool read_line(struct encoder *json, char *line, int number, struct error *err)
{
    const char *name = trim(line);
    char *sign = strchr(line, '=');

    if (*name == '\0' || *name == '#' || *name == ';' || *name == '[')
        return true;
    if (sign == NULL)
        return error_set(err, ERROR_INVALID, "line %d is no 'field = value'", number);
    *sign = '\0';
    name = trim(line);
    if (strcmp(name, "type") != 0)
        encode_field_text(json, name, trim(sign + 1));
    return true;
}

bool connection_settings(const char *text, size_t length, struct buf *out, struct error *err)
{
    struct encoder json = encoder_of(out);
    auto_json json_t *root = NULL;
    auto_buf struct buf copy = buf_of(FILE_MAX);
    int number = 1;

    buf_append(&copy, text, length);
    if (copy.has_overflowed || length == 0 || memchr(text, '\0', length) != NULL)
        return error_set(err, ERROR_INVALID, "it has 1 to %d bytes of text", FILE_MAX);
    if (copy.bytes[strspn(copy.bytes, " \t\r\n")] == '{') {
        buf_append(out, text, length);
        return json_parse(text, length, &root, err);
    }
    encode_object(&json);
    for (char *line = copy.bytes; line != NULL; number++) {
        char *end = strchr(line, '\n');

        if (end != NULL)
            *end = '\0';
        if (!read_line(&json, line, number, err))
            return false;
        line = end != NULL ? end + 1 : NULL;
    }
    encode_end(&json);
    return true;
}

static bool read_file(const char *path, struct buf *text, struct error *err)
{
    char bytes[4096];
    ssize_t count;

    if (strcmp(path, "-") != 0)
        return file_read(AT_FDCWD, path, text, err);
    while ((count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        buf_append(text, bytes, (size_t)count);
    return count == 0 || error_set(err, ERROR_IO, "standard input cannot be read");
}

bool cmd_create_connection(struct cli *cli, struct error *err)
{
    const char *path = args_get(&cli->args, "file");
    auto_buf struct buf body = buf_of(BODY_MAX), text = buf_of(FILE_MAX), config = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;

    if (path == NULL)
        return cli_usage(cli, err, "--file says what it takes to get in there");
    if (!read_file(path, &text, err) ||
        !connection_settings(text.length > 0 ? text.bytes : "", text.length, &config, err))
        return error_context(err, "--file");
    encode_object(&json);
    encode_field_text(&json, "name", cli->args.words[0]);
    encode_field_text(&json, "cloud_type", cli->args.words[1]);
    encode_key(&json, "config");
    encode_raw(&json, config.bytes, config.length);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    if (!client_call(cli->client, "POST", CONNECTIONS_PATH, &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(
            cli->out, "Connection %lld is kept.\n",
            (long long)json_integer_value(json_member(json_member(reply, "connection"), "id")));
    return true;
}

bool cmd_delete_connection(struct cli *cli, struct error *err)
{
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a connection", &id, err))
        return false;
    (void)snprintf(path, sizeof path, CONNECTIONS_PATH "%lld/", id);
    return cli_ask(cli, "DELETE", path, NULL, err);
}

bool cmd_cloud_copy(struct cli *cli, struct error *err)
{
    static const char *const flags[] = { "dry-run", "size-only", "ignore-existing", "update",
                                         "delete-excluded" };
    static const char *const texts[][2] = { { "src", "src" },
                                            { "dst", "dst" },
                                            { "instance", "instance_id" },
                                            { "connection", "selected" },
                                            { "transfer", "transfer" } };
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);

    if (!args_has(&cli->args, "instance") || !args_has(&cli->args, "connection"))
        return cli_usage(cli, err, "--instance and --connection say between what to copy");
    if (args_has(&cli->args, "schedule"))
        return cli_usage(cli, err, "copies to and from clouds cannot be scheduled here");
    encode_object(&json);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        encode_field_text(&json, texts[i][1], args_get(&cli->args, texts[i][0]));
    encode_key(&json, "flags");
    encode_array(&json);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char flag[32];

        (void)snprintf(flag, sizeof flag, "--%s", flags[i]);
        if (args_has(&cli->args, flags[i]))
            encode_text(&json, flag);
    }
    encode_end(&json);
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    return cli_ask(cli, "POST", "/api/v0/commands/rclone/", &body, err);
}
