/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_maint.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/json.h"
#include "cli/cmd_machines.h"

enum { PATH_SIZE = 64, BODY_LENGTH_MAX = 4096 };

const struct args_option cmd_schedule_maint_options[] = {
    { "sdate", 0, "DATE", "when it begins: 2027-01-31, 2027-01-31T08:00 (UTC) or Unix seconds" },
    { "duration", 0, "HOURS", "how long, such as 0.5" },
    { "maintenance-category", 0, "WHAT", "power, internet, disk, gpu, software or other" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_host_reclaim_options[] = {
    { "by", 0, "DATE", "when: 2027-01-31, or Unix seconds; not given: as soon as may be" },
    { "reason", 0, "TEXT", "what your renters are told" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column maint_columns[] = {
    { "Machine", true, 0, 0 }, { "Begins (UTC)", false, 0, 0 }, { "Ends (UTC)", false, 0, 0 },
    { "Hours", true, 1, 0 },   { "Why", false, 1, 0 },
};

static bool write_window(struct cli *cli, struct buf *body, struct error *err)
{
    const char *date = args_get(&cli->args, "sdate"), *hours = args_get(&cli->args, "duration");
    struct encoder json = encoder_of(body);
    struct money exact;
    struct error ignored;
    int64_t seconds;

    if (date == NULL || hours == NULL)
        return cli_usage(cli, err, "--sdate and --duration say when and for how long");
    if (!money_parse(hours, &exact, &ignored) || exact.nanodollars <= 0)
        return cli_usage(cli, err, "--duration: '%.32s' is not a number of hours", hours);
    encode_object(&json);
    encode_field_text(&json, "client_id", "me");
    if (machines_parse_date(date, &seconds))
        encode_field_int(&json, "sdate", seconds);
    else
        encode_field_text(&json, "sdate", date);
    encode_field_money(&json, "duration", exact);
    encode_field_text(&json, "maintenance_category", args_get(&cli->args, "maintenance-category"));
    encode_end(&json);
    return true;
}

static bool put(struct cli *cli, const char *action, struct buf *body, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/%s/", id, action);
    if (!client_call(cli->client, "PUT", path, body, &reply, err))
        return error_context(err, "machine %lld", id);
    if (!cli_print_raw(cli, reply)) {
        print_clean(cli->out, print_text_of(reply, "msg"));
        buf_append(cli->out, "\n", 1);
    }
    return true;
}

bool cmd_schedule_maint(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);

    return write_window(cli, &body, err) && put(cli, "dnotify", &body, err);
}

bool cmd_cancel_maint(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);

    buf_printf(&body, "{\"client_id\":\"me\"}");
    return put(cli, "cancel_maint", &body, err);
}

bool cmd_host_reclaim(struct cli *cli, struct error *err)
{
    const char *date = args_get(&cli->args, "by"), *reason = args_get(&cli->args, "reason");
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    int64_t seconds;

    if (reason == NULL)
        return cli_usage(cli, err, "--reason: your renters are told");
    encode_object(&json);
    encode_field_text(&json, "reason", reason);
    if (date != NULL && machines_parse_date(date, &seconds))
        encode_field_int(&json, "deadline", seconds);
    else if (date != NULL)
        encode_field_text(&json, "deadline", date);
    encode_end(&json);
    return put(cli, "reclaim", &body, err);
}

static void add_time(struct table *table, const json_t *row, const char *name)
{
    time_t seconds = (time_t)print_real_of(row, name);
    struct tm parts;
    char text[32] = "-";

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    table_cell(table, "%s", text);
}

const struct args_option cmd_show_maints_options[] = {
    { "ids", 'i', "IDS", "of these machines, with commas between" },
    { "quiet", 'q', NULL, "ids of machines only" },
    { NULL, 0, NULL, NULL },
};

/* "77,78" as [77,78]. */
static bool write_ids(struct cli *cli, struct buf *path, struct error *err)
{
    const char *ids = args_get(&cli->args, "ids");

    if (ids == NULL)
        return true;
    if (strspn(ids, "0123456789, ") != strlen(ids))
        return cli_usage(cli, err, "--ids are numbers with commas between");
    buf_printf(path, "&machine_ids=");
    client_escape(path, "[");
    client_escape(path, ids);
    client_escape(path, "]");
    return true;
}

bool cmd_show_maints(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(maint_columns, sizeof maint_columns / sizeof maint_columns[0]);

    auto_buf struct buf path = buf_of(CLIENT_PATH_SIZE - 1);

    buf_printf(&path, "/api/v0/machines/maintenances/?owner=me");
    if (!write_ids(cli, &path, err) ||
        !client_call(cli->client, "GET", path.bytes, NULL, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    for (size_t i = 0; args_has(&cli->args, "quiet") && i < json_array_size(reply); i++)
        buf_printf(cli->out, "%lld\n",
                   (long long)print_int_of(json_array_get(reply, i), "machine_id"));
    if (args_has(&cli->args, "quiet"))
        return true;
    if (json_array_size(reply) == 0)
        cli_note(cli, "No maintenance is announced.");
    for (size_t i = 0; i < json_array_size(reply); i++) {
        const json_t *row = json_array_get(reply, i);

        table_number(&table, row, "machine_id", 1, 0);
        add_time(&table, row, "start_time");
        add_time(&table, row, "end_time");
        table_number(&table, row, "duration_hours", 1, 1);
        table_text(&table, row, "maintenance_category");
    }
    if (json_array_size(reply) > 0)
        table_write(&table, cli->style, cli->out);
    return true;
}
