/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_idle_job.h"

#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/price_options.h"

enum { PATH_SIZE = 128, BODY_LENGTH_MAX = 1 << 20 };

const struct args_option cmd_set_defjob_options[] = {
    { "price-gpu", 'g', "DOLLARS", "an hour and GPU: bids start above it" },
    { "price-inetu", 'u', "DOLLARS", "per GB that leaves the machine" },
    { "price-inetd", 'd', "DOLLARS", "per GB that reaches it" },
    { "gpus", 0, "N", "on so many of its GPUs at most (all)" },
    { "image", 'i', "IMAGE", "what to run" },
    { "env", 'e', "FLAGS", "variables, as docker takes them: '-e A=1'" },
    { "args", 0, "ARG...", "with all that follows" },
    { NULL, 0, NULL, NULL },
};

static const struct price_option prices[] = {
    { "price-gpu", "price_gpu" },
    { "price-inetu", "price_inetu" },
    { "price-inetd", "price_inetd" },
    { NULL, NULL },
};

static bool write_gpus(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *text = args_get(&cli->args, "gpus");
    uint64_t gpus;

    if (text == NULL)
        return true;
    if (!parse_u64(text, &gpus) || gpus == 0 || gpus > INT32_MAX)
        return cli_usage(cli, err, "--gpus is a number above 0");
    encode_field_int(json, "gpus", (int64_t)gpus);
    return true;
}

static bool write_job(struct cli *cli, long long id, struct buf *body, struct error *err)
{
    struct encoder json = encoder_of(body);

    if (!args_has(&cli->args, "image") || !args_has(&cli->args, "price-gpu"))
        return cli_usage(cli, err, "--image and --price-gpu say what runs, and for how much");
    encode_object(&json);
    encode_field_int(&json, "machine", id);
    encode_field_text(&json, "image", args_get(&cli->args, "image"));
    if (!price_options_write(cli, prices, &json, err) || !write_gpus(cli, &json, err))
        return false;
    if (args_has(&cli->args, "env"))
        encode_field_text(&json, "env", args_get(&cli->args, "env"));
    encode_key(&json, "args");
    encode_array(&json);
    for (const char *const *arg = cli->args.rest; arg != NULL && *arg != NULL; arg++)
        encode_text(&json, *arg);
    encode_end(&json);
    encode_end(&json);
    return !body->has_overflowed || cli_usage(cli, err, "the arguments are too long");
}

static void print_done(struct cli *cli, const json_t *reply)
{
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_append(cli->out, "\n", 1);
}

bool cmd_set_defjob(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err) || !write_job(cli, id, &body, err))
        return false;
    if (!client_call(cli->client, "PUT", "/api/v0/machines/create_bids/", &body, &reply, err))
        return error_context(err, "machine %lld", id);
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply);
    return true;
}

static bool call_defjob(struct cli *cli, const char *method, json_t **ret_reply, struct error *err)
{
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/defjob/", id);
    return client_call(cli->client, method, path, NULL, ret_reply, err) ||
           error_context(err, "machine %lld", id);
}

static void print_variables(struct cli *cli, const json_t *pairs)
{
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));

        if (name != NULL && value != NULL)
            print_line(cli->out, i == 0 ? "Variables" : "", "%s=%s", name, value);
    }
}

bool cmd_show_defjob(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!call_defjob(cli, "GET", &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    if (!json_is_string(json_member(reply, "image"))) {
        cli_note(cli, "Nothing runs on idle GPUs. `berth set defjob` sets what does.");
        return true;
    }
    print_line(cli->out, "Image", "%s", print_text_of(reply, "image"));
    print_line(cli->out, "Worth", "$%.3f an hour and GPU; bids start above it",
               print_real_of(reply, "price_gpu"));
    if (print_int_of(reply, "gpus") > 0)
        print_line(cli->out, "GPUs", "%lld at most", (long long)print_int_of(reply, "gpus"));
    const json_t *args = json_member(reply, "args");
    for (size_t i = 0; i < json_array_size(args); i++) {
        const char *arg = json_string_value(json_array_get(args, i));

        print_line(cli->out, i == 0 ? "Arguments" : "", "%s", arg != NULL ? arg : "");
    }
    print_variables(cli, json_member(reply, "env"));
    return true;
}

bool cmd_remove_defjob(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;

    if (!call_defjob(cli, "DELETE", &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply);
    return true;
}
