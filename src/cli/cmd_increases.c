/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_increases.h"

#include "base/encode.h"
#include "base/json.h"

enum { BODY_MAX = 256 };

const struct args_option cmd_show_increases_options[] = {
    { "quiet", 'q', NULL, "only their numbers" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_answer_increase_options[] = {
    { "yes", 'y', NULL, "do not ask" },
    { NULL, 0, NULL, NULL },
};

static bool load(struct cli *cli, json_t **ret_reply, const json_t **ret_rows, struct error *err)
{
    if (!client_call(cli->client, "GET", "/api/v0/instances/pending-price-increases/", NULL,
                     ret_reply, err))
        return false;
    *ret_rows = json_object_get(*ret_reply, "pending_price_increases");
    return true;
}

static long long number_of(const json_t *row, const char *name)
{
    return (long long)json_integer_value(json_object_get(row, name));
}

bool cmd_show_increases(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    const json_t *rows, *row;
    size_t i;

    if (!load(cli, &reply, &rows, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    json_array_foreach(rows, i, row)
    {
        if (args_has(&cli->args, "quiet"))
            buf_printf(cli->out, "%lld\n", number_of(row, "pending_price_increase_id"));
        else
            print_json(cli->out, row);
    }
    if (json_array_size(rows) == 0)
        cli_note(cli, "No price increase waits for you.");
    return true;
}

/* Those of one instance. */
static bool answer(struct cli *cli, const json_t *rows, long long instance, const char *path,
                   struct error *err)
{
    const json_t *row;
    size_t i, count = 0;

    json_array_foreach(rows, i, row)
    {
        auto_buf struct buf body = buf_of(BODY_MAX);
        struct encoder json = encoder_of(&body);
        auto_json json_t *reply = NULL;

        if (number_of(row, "contract_id") != instance)
            continue;
        encode_object(&json);
        encode_field_int(&json, "pending_price_increase_id",
                         number_of(row, "pending_price_increase_id"));
        encode_end(&json);
        if (!client_call(cli->client, "PUT", path, &body, &reply, err))
            return error_context(err, "instance %lld", instance);
        buf_printf(cli->out, "Instance %lld: done.\n", instance);
        count++;
    }
    return count > 0 || error_set(err, ERROR_NOT_FOUND,
                                  "instance %lld: no price increase waits for you", instance);
}

static bool answer_all(struct cli *cli, const char *path, struct error *err)
{
    auto_json json_t *reply = NULL;
    const json_t *rows;
    long long id;

    if (!load(cli, &reply, &rows, err))
        return false;
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!cli_id(cli, cli->args.words[i], "an instance", &id, err) ||
            !answer(cli, rows, id, path, err))
            return false;
    }
    return true;
}

bool cmd_accept_increase(struct cli *cli, struct error *err)
{
    return answer_all(cli, "/api/v0/instances/accept-price-increase/", err);
}

bool cmd_reject_increase(struct cli *cli, struct error *err)
{
    return answer_all(cli, "/api/v0/instances/reject-price-increase/", err);
}
