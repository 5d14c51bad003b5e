/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_market.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"

enum { PATH_MAX_LENGTH = 512, GPUS_MAX = 64 };

const struct args_option cmd_metrics_gpu_options[] = {
    { "verified", 0, "YES", "true or false: verified machines alone, or others" },
    { "datacenter", 0, "YES", "true or false: data centres alone, or others" },
    { "num-gpus", 0, "N", "slices of that many GPUs" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_host_estimate_options[] = {
    { "num-gpus", 0, "N", "how many GPUs the machine has (1)" },
    { "region", 0, "PLACE", "a country, as SE, or a part of the world, as EU" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column metrics_columns[] = {
    { "GPU", false, 0, 0 },   { "All", true, 0, 0 },    { "Free", true, 0, 0 },
    { "Rented", true, 0, 0 }, { "Used %", true, 0, 0 }, { "Free $/h: 10%", true, 1, 0 },
    { "half", true, 0, 0 },   { "90%", true, 1, 0 },    { "Rented $/h: 10%", true, 2, 0 },
    { "half", true, 1, 0 },   { "90%", true, 2, 0 },    { "TFLOPS/$", true, 3, 0 },
};

static bool add_choice(struct cli *cli, const char *option, const char *name, const char *yes,
                       const char *no, struct buf *path, struct error *err)
{
    const char *text = args_get(&cli->args, option);

    if (text == NULL)
        return true;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return cli_usage(cli, err, "--%s is true or false", option);
    buf_printf(path, "&%s=%s", name, *text == 't' ? yes : no);
    return true;
}

static bool add_gpus(struct cli *cli, struct buf *path, struct error *err)
{
    const char *text = args_get(&cli->args, "num-gpus");
    uint64_t count;

    if (text == NULL)
        return true;
    if (!parse_u64(text, &count) || count < 1 || count > GPUS_MAX)
        return cli_usage(cli, err, "--num-gpus is a number from 1 to %d", GPUS_MAX);
    buf_printf(path, "&num_gpus=%d", (int)count);
    return true;
}

static void add_model(struct table *table, const json_t *model)
{
    table_text(table, model, "gpu_name");
    table_number(table, model, "total", 1, 0);
    table_number(table, model, "available", 1, 0);
    table_number(table, model, "rented", 1, 0);
    table_number(table, model, "usage", 1, 0);
    table_number(table, model, "price_p10", 1, 3);
    table_number(table, model, "price_median", 1, 3);
    table_number(table, model, "price_p90", 1, 3);
    table_number(table, model, "rented_p10", 1, 3);
    table_number(table, model, "rented_median", 1, 3);
    table_number(table, model, "rented_p90", 1, 3);
    table_number(table, model, "tflops_per_dollar", 1, 1);
}

bool cmd_metrics_gpu(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(PATH_MAX_LENGTH);
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(metrics_columns, sizeof metrics_columns / sizeof metrics_columns[0]);
    const json_t *models;

    buf_printf(&path, "/api/v0/metrics/gpu/current/?");
    if (!add_choice(cli, "verified", "verified", "yes", "no", &path, err) ||
        !add_choice(cli, "datacenter", "hosting_type", "secure_cloud", "community", &path, err) ||
        !add_gpus(cli, &path, err) ||
        !client_call(cli->client, "GET", path.bytes, NULL, &reply, err) ||
        !json_need_array(reply, "gpus", SIZE_MAX, &models, err))
        return false;
    if (cli_print_raw(cli, models))
        return true;
    if (json_array_size(models) == 0)
        cli_note(cli, "No GPU is offered or rented.");
    for (size_t i = 0; i < json_array_size(models); i++)
        add_model(&table, json_array_get(models, i));
    if (json_array_size(models) > 0)
        table_write(&table, cli->style, cli->out);
    return true;
}

static void print_range(struct buf *out, const char *name, const json_t *range, int decimals)
{
    print_line(out, name, "$%.*f low   $%.*f middle   $%.*f high", decimals,
               print_real_of(range, "low"), decimals, print_real_of(range, "median"), decimals,
               print_real_of(range, "high"));
}

static void print_estimate(struct cli *cli, const json_t *reply)
{
    const json_t *sample = json_member(reply, "sample");

    buf_printf(cli->out, "%lldx ", (long long)print_int_of(reply, "num_gpus"));
    print_clean(cli->out, print_text_of(reply, "gpu_name"));
    buf_printf(cli->out, "\n");
    print_line(cli->out, "made from", "%lld rentals on %lld machines in 30 days, %lld GPU hours",
               (long long)print_int_of(sample, "rentals"),
               (long long)print_int_of(sample, "machines"),
               (long long)print_int_of(sample, "gpu_hours"));
    print_range(cli->out, "GPU hour", json_member(reply, "price_gpu_hour"), 4);
    print_range(cli->out, "in 30 days", json_member(reply, "earn_month"), 2);
    cli_note(cli, "What renters paid for a GPU and hour; what hosts kept, of machines that were "
                  "rented at all.");
}

bool cmd_host_estimate(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(PATH_MAX_LENGTH);
    auto_json json_t *reply = NULL;
    const char *region = args_get(&cli->args, "region");

    buf_printf(&path, "/api/v0/metrics/earnings/?gpu_name=");
    client_escape(&path, cli->args.words[0]);
    if (region != NULL) {
        buf_printf(&path, "&region=");
        client_escape(&path, region);
    }
    if (!add_gpus(cli, &path, err))
        return false;
    if (path.has_overflowed)
        return cli_usage(cli, err, "the name is too long");
    if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    if (print_int_of(json_member(reply, "sample"), "rentals") == 0)
        cli_note(cli, "No such GPU was rented in the last 30 days, so nothing can be said.");
    else
        print_estimate(cli, reply);
    return true;
}
