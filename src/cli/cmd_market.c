/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_market.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/parse.h"

enum { PATH_MAX_LENGTH = 512, GPUS_MAX = 64 };

const struct args_option cmd_metrics_gpu_options[] = {
    { "verified", 0, "YES", "true or false: verified machines alone, or others" },
    { "datacenter", 0, "YES", "true or false: data centres alone, or others" },
    { "num-gpus", 0, "N", "slices of that many GPUs" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_metrics_trends_options[] = {
    { "verified", 0, "YES", "true or false: verified machines alone, or others" },
    { "datacenter", 0, "YES", "true or false: data centres alone, or others" },
    { "num-gpus", 0, "N", "slices of that many GPUs" },
    { "start", 0, "TIME", "Unix seconds; a day before the end" },
    { "end", 0, "TIME", "Unix seconds; now" },
    { "step", 0, "SECONDS", "between two rows; whole hours (3600)" },
    { "full", 0, NULL, "every row, as without" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_metrics_locations_options[] = {
    { "verified", 0, "YES", "true or false: verified machines alone, or others" },
    { "datacenter", 0, "YES", "true or false: data centres alone, or others" },
    { "rented", 0, "YES", "true or false: rented GPUs alone, or free ones" },
    { "gpu", 0, "NAMES", "models, with commas between" },
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

static const struct table_column trend_columns[] = {
    { "When", false, 0, 0 },         { "All", true, 0, 0 },
    { "Free", true, 0, 0 },          { "Rented", true, 0, 0 },
    { "Free $/h: 10%", true, 1, 0 }, { "half", true, 0, 0 },
    { "90%", true, 1, 0 },           { "Rented $/h: 10%", true, 2, 0 },
    { "half", true, 1, 0 },          { "90%", true, 2, 0 },
};

/* The number at that place of one of the lists; "-" where there is none. */
static void add_listed(struct table *table, const json_t *lists, const char *name, size_t at)
{
    const json_t *value = json_array_get(json_member(lists, name), at);

    if (json_is_number(value))
        table_cell(table, "%.3f", json_number_value(value));
    else
        table_cell(table, "-");
}

static int64_t count_at(const json_t *supply, const char *name, size_t at)
{
    return json_integer_value(json_array_get(json_member(supply, name), at));
}

static void add_trend(struct table *table, const json_t *model, size_t at)
{
    static const char *const prices[] = { "avail_p10",  "avail_median",  "avail_p90",
                                          "rented_p10", "rented_median", "rented_p90" };
    const json_t *supply = json_member(model, "supply_demand");
    time_t seconds = (time_t)count_at(supply, "timestamps", at);
    char when[32];
    struct tm utc;

    (void)gmtime_r(&seconds, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", &utc);
    table_cell(table, "%s", when);
    table_cell(table, "%lld", (long long)count_at(supply, "total", at));
    table_cell(table, "%lld",
               (long long)(count_at(supply, "avail_verified", at) +
                           count_at(supply, "avail_unverified", at)));
    table_cell(table, "%lld",
               (long long)(count_at(supply, "rented_verified", at) +
                           count_at(supply, "rented_unverified", at)));
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++)
        add_listed(table, json_member(model, "pricing"), prices[i], at);
}

static void print_trend(struct cli *cli, const char *name, const json_t *model)
{
    auto_table struct table table =
        table_of(trend_columns, sizeof trend_columns / sizeof trend_columns[0]);
    const json_t *times = json_member(json_member(model, "supply_demand"), "timestamps");

    print_clean(cli->out, name);
    buf_printf(cli->out, json_array_size(times) > 0 ? "\n" : ": nothing is known of that time\n");
    for (size_t i = 0; i < json_array_size(times); i++)
        add_trend(&table, model, i);
    if (json_array_size(times) > 0)
        table_write(&table, cli->style, cli->out);
}

static bool add_times(struct cli *cli, struct buf *path, struct error *err)
{
    static const char *const names[] = { "start", "end", "step" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = args_get(&cli->args, names[i]);
        uint64_t value;

        if (text == NULL)
            continue;
        if (!parse_u64(text, &value))
            return cli_usage(cli, err, "--%s is a number of seconds", names[i]);
        buf_printf(path, "&%s=%llu", names[i], (unsigned long long)value);
    }
    return true;
}

bool cmd_metrics_trends(struct cli *cli, struct error *err)
{
    auto_buf struct buf path = buf_of(PATH_MAX_LENGTH);
    auto_json json_t *reply = NULL;
    const char *name;
    json_t *model;

    buf_printf(&path, "/api/v0/metrics/gpu/history/?gpu_name=");
    client_escape(&path, cli->args.word_count > 0 ? cli->args.words[0] : "all");
    if (!add_choice(cli, "verified", "verified", "yes", "no", &path, err) ||
        !add_choice(cli, "datacenter", "hosting_type", "secure_cloud", "community", &path, err) ||
        !add_gpus(cli, &path, err) || !add_times(cli, &path, err))
        return false;
    if (path.has_overflowed)
        return cli_usage(cli, err, "the names are too long");
    if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    json_t *models = json_object_get(reply, "gpus");
    if (cli_print_raw(cli, models))
        return true;
    if (json_object_size(models) == 0)
        cli_note(cli, "No GPU is offered or rented.");
    json_object_foreach(models, name, model) print_trend(cli, name, model);
    return true;
}

static const struct table_column place_columns[] = {
    { "Place", false, 0, 0 },  { "GPU", false, 0, 0 },      { "GPUs", true, 0, 0 },
    { "Rented", false, 0, 0 }, { "Verified", false, 1, 0 }, { "Data centre", false, 1, 0 },
};

/* Whether the option, "true" or "false", is what the row says. */
static bool is_wanted(const struct cli *cli, const char *option, const json_t *row,
                      const char *name)
{
    const char *text = args_get(&cli->args, option);

    return text == NULL || (*text == 't') == json_is_true(json_member(row, name));
}

/* "RTX_4090,H100_SXM" has it; or nothing is said. */
static bool is_named(const char *names, const char *gpu)
{
    size_t length = strlen(gpu);

    for (const char *at = names; at != NULL;
         at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        size_t i = 0;

        while (i < length && (at[i] == gpu[i] || (at[i] == '_' && gpu[i] == ' ')))
            i++;
        if (i == length && (at[i] == ',' || at[i] == '\0'))
            return true;
    }
    return names == NULL;
}

static void add_place(struct table *table, const json_t *row)
{
    static const char *const claims[] = { "rented", "verified", "datacenter" };
    const char *city = json_string_value(json_member(row, "city"));
    const char *country = json_string_value(json_member(row, "country_code"));

    if (city == NULL && country == NULL)
        table_cell(table, "-");
    else
        table_cell(table, "%s%s%s", city != NULL ? city : "",
                   city != NULL && country != NULL ? ", " : "", country != NULL ? country : "");
    table_text(table, row, "gpu_name");
    table_number(table, row, "num_gpus", 1, 0);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        table_cell(table, "%s", json_is_true(json_member(row, claims[i])) ? "yes" : "no");
}

static bool check_choices(struct cli *cli, struct error *err)
{
    static const char *const options[] = { "verified", "datacenter", "rented" };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *text = args_get(&cli->args, options[i]);

        if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return cli_usage(cli, err, "--%s is true or false", options[i]);
    }
    return true;
}

bool cmd_metrics_locations(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL, *shown = json_array();
    auto_table struct table table =
        table_of(place_columns, sizeof place_columns / sizeof place_columns[0]);
    const char *names = args_get(&cli->args, "gpu");
    const json_t *rows;

    if (!check_choices(cli, err) ||
        !client_call(cli->client, "GET", "/api/v0/metrics/gpu/locations/", NULL, &reply, err) ||
        !json_need_array(reply, "locations", SIZE_MAX, &rows, err))
        return false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);

        if (is_wanted(cli, "verified", row, "verified") &&
            is_wanted(cli, "datacenter", row, "datacenter") &&
            is_wanted(cli, "rented", row, "rented") &&
            is_named(names, print_text_of(row, "gpu_name")))
            (void)json_array_append(shown, row);
    }
    if (cli_print_raw(cli, shown))
        return true;
    if (json_array_size(shown) == 0)
        cli_note(cli, "No such GPU is offered or rented.");
    for (size_t i = 0; i < json_array_size(shown); i++)
        add_place(&table, json_array_get(shown, i));
    if (json_array_size(shown) > 0)
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
