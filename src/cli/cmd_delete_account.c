/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_delete_account.h"

#include "base/encode.h"
#include "base/json.h"
#include "cli/secret_line.h"

enum { BODY_MAX = 16 * 1024, SECRET_TEXT_SIZE = 1100 };

const struct args_option cmd_delete_account_options[] = {
    { "give-up", 0, "DOLLARS", "give up what is left: all of it, or more" },
    { "check", 0, NULL, "only show what stands against it" },
    { NULL, 0, NULL, NULL },
};

static bool show_deletion(struct cli *cli, struct error *err)
{
    static const struct table_column columns[] = { { "Against it", false, 0, 0 },
                                                   { "How many", true, 0, 0 },
                                                   { "Dollars", true, 0, 0 },
                                                   { "What to do", false, 1, 70 } };
    auto_table struct table table = table_of(columns, sizeof columns / sizeof columns[0]);
    auto_json json_t *reply = NULL;

    if (!client_call(cli->client, "GET", "/api/v0/users/deletion/", NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *rows = json_member(reply, "reasons");
    if (json_array_size(rows) == 0) {
        buf_printf(cli->out, "Nothing stands against deleting the account.\n");
        return true;
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        table_text(&table, row, "reason");
        table_number(&table, row, "count", 1, 0);
        table_number(&table, row, "amount", 1, 9);
        table_text(&table, row, "what_to_do");
    }
    table_write(&table, cli->style, cli->out);
    return true;
}

bool cmd_delete_account(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    char password[SECRET_TEXT_SIZE];

    if (args_has(&cli->args, "check"))
        return show_deletion(cli, err);
    if (cli->args.word_count == 0)
        return cli_usage(cli, err, "type the account's EMAIL, or give --check");
    if (!secret_line_read(cli, "The account's password", password, sizeof password, err))
        return false;
    encode_object(&json);
    encode_field_text(&json, "confirm_email", cli->args.words[0]);
    encode_field_text(&json, "password", password);
    if (args_has(&cli->args, "give-up"))
        encode_field_text(&json, "give_up", args_get(&cli->args, "give-up"));
    encode_end(&json);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "that is too long");
    if (!client_call(cli->client, "DELETE", "/api/v0/users/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_printf(cli->out, "\n");
    return true;
}
