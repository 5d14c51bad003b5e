/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_rules.h"

#include <stdint.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_machines.h"

enum { PATH_SIZE = 128, BODY_LENGTH_MAX = 4096 };

const struct args_option cmd_set_rules_options[] = {
    { "stop-when-idle", 0, "MINUTES", "stop it when its GPUs do nothing for so long; 0: never" },
    { "destroy-when-stopped", 0, "HOURS", "destroy it when it was stopped for so long; 0: never" },
    { "stop-when-moved", 0, "GB",
      "stop it when it has sent and received so much from now on; 0: never" },
    { "limit-up", 0, "MBIT", "the most that it may send, in Mbit/s; 0: what its host allows" },
    { "limit-down", 0, "MBIT", "the most that it may receive" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_extend_machine_options[] = {
    { "until", 'u', "DATE", "rentals end then: 2027-01-31, 01/31/2027 or Unix seconds" },
    { "price-gpu", 'g', "DOLLARS", "an hour and GPU, for new rentals; not above what it is" },
    { NULL, 0, NULL, NULL },
};

static void print_done(struct cli *cli, const json_t *reply)
{
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_append(cli->out, "\n", 1);
}

static bool write_rule(struct cli *cli, struct encoder *json, const char *option,
                       const char *member, struct error *err)
{
    const char *text = args_get(&cli->args, option);
    uint64_t number;

    if (text == NULL)
        return true;
    if (!parse_u64(text, &number) || number > INT32_MAX)
        return cli_usage(cli, err, "--%s is a whole number, 0 for never", option);
    encode_field_int(json, member, (int64_t)number);
    return true;
}

bool cmd_set_rules(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    if (!args_has(&cli->args, "stop-when-idle") && !args_has(&cli->args, "destroy-when-stopped") &&
        !args_has(&cli->args, "stop-when-moved") && !args_has(&cli->args, "limit-up") &&
        !args_has(&cli->args, "limit-down"))
        return cli_usage(cli, err,
                         "give --stop-when-idle, --destroy-when-stopped, --stop-when-moved, "
                         "--limit-up or --limit-down");
    encode_object(&json);
    if (!write_rule(cli, &json, "stop-when-idle", "stop_when_idle_minutes", err) ||
        !write_rule(cli, &json, "destroy-when-stopped", "destroy_when_stopped_hours", err) ||
        !write_rule(cli, &json, "stop-when-moved", "stop_when_moved_gb", err) ||
        !write_rule(cli, &json, "limit-up", "limit_up_mbit", err) ||
        !write_rule(cli, &json, "limit-down", "limit_down_mbit", err))
        return false;
    encode_end(&json);
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/rules/", id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply);
    return true;
}

bool cmd_extend_machine(struct cli *cli, struct error *err)
{
    const char *until = args_get(&cli->args, "until");
    const char *price_text = args_get(&cli->args, "price-gpu");
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    struct error reason;
    struct money price;
    char path[PATH_SIZE];
    int64_t end;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    if (until == NULL)
        return cli_usage(cli, err, "--until says when rentals are to end");
    if (!machines_parse_date(until, &end))
        return cli_usage(cli, err, "--until: '%.32s' is no date such as 2027-01-31", until);
    encode_object(&json);
    encode_field_int(&json, "end_date", end);
    if (price_text != NULL && !money_parse(price_text, &price, &reason))
        return cli_usage(cli, err, "--price-gpu: %s", reason.text);
    if (price_text != NULL)
        encode_field_money(&json, "price_gpu", price);
    encode_end(&json);
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/extend/", id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "extend machine %lld", id);
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply);
    return true;
}
