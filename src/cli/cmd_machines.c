/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_machines.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/price_options.h"
#include "sys/clock.h"

enum {
    PATH_SIZE = 128,
    BODY_LENGTH_MAX = 8192,
    CHUNK_MAX = 1024,
    GRACE_MAX_S = 120,
    YEAR_MIN = 2000,
    YEAR_MAX = 2999
};

const struct args_option cmd_show_machines_options[] = {
    { "quiet", 'q', NULL, "ids only, one a line" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_host_token_options[] = {
    { "machine", 0, "ID", "for that machine to come back, whose key was revoked" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_list_machine_options[] = {
    { "price-gpu", 'g', "DOLLARS", "an hour and GPU; of the machine where it has none" },
    { "price-disk", 's', "DOLLARS", "per GB and month" },
    { "price-inetu", 'u', "DOLLARS", "per GB that leaves the machine" },
    { "price-inetd", 'd', "DOLLARS", "per GB that reaches it" },
    { "price-min-bid", 'b', "DOLLARS", "the lowest bid, an hour and GPU" },
    { "min-chunk", 'm', "GPUS", "the smallest slice" },
    { "max-grace", 0, "SECONDS", "notice that a bid gets at most, 0 to 120 (120)" },
    { "duration", 'l', "TIME", "an end that rolls on with the days: '3 months', '10 days'" },
    { "vol-size", 'v', "GB", "space for volumes (half of what is free); 0: none" },
    { "vol-price", 'z', "DOLLARS", "of a volume, per GB and month" },
    { "discount-rate", 'r', "PART", "the most off for paying ahead, 0 to 1" },
    { "end-date", 'e', "DATE", "rentals end then: 2027-01-31, 01/31/2027 or Unix seconds" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column machine_columns[] = {
    { "ID", true, 0, 0 },          { "Name", false, 1, 20 },   { "GPUs", false, 0, 0 },
    { "State", false, 0, 40 },     { "Listed", false, 1, 0 },  { "$/GPU h", true, 1, 0 },
    { "$/GB month", true, 3, 0 },  { "In use", false, 2, 0 },  { "Rentals", true, 2, 0 },
    { "Earns $/day", true, 2, 0 }, { "Reliab %", true, 3, 0 }, { "Status", false, 3, 0 },
    { "Disk GB", true, 4, 0 },     { "Free GB", true, 4, 0 },  { "Address", false, 5, 0 },
    { "Where", false, 6, 0 },
};

/* "online", "away 3 min", or what is wrong. */
static void state_text(const json_t *machine, char *text, size_t size)
{
    const char *problem = print_text_of(machine, "error_description");
    int64_t away_s = print_int_of(machine, "timeout");
    char age[AGE_TEXT_SIZE];

    if (away_s > 0)
        (void)snprintf(text, size, "away %s", print_age(away_s, age));
    else
        (void)snprintf(text, size, "%s", *problem != '\0' ? problem : "online");
}

static void gpu_text(const json_t *machine, char *text, size_t size)
{
    long long count = (long long)print_int_of(machine, "num_gpus");

    if (count == 0)
        (void)snprintf(text, size, "no GPU");
    else
        (void)snprintf(text, size, "%lldx %s%s", count, print_text_of(machine, "gpu_name"),
                       json_is_true(json_member(machine, "simulated")) ? " (simulated)" : "");
}

static void add_machine(struct table *table, const json_t *machine)
{
    char text[256];

    table_number(table, machine, "id", 1, 0);
    table_text(table, machine, "hostname");
    gpu_text(machine, text, sizeof text);
    table_cell(table, "%s", text);
    state_text(machine, text, sizeof text);
    table_cell(table, "%s", text);
    table_cell(table, "%s", json_is_true(json_member(machine, "listed")) ? "yes" : "no");
    table_number(table, machine, "listed_gpu_cost", 1, 4);
    table_number(table, machine, "listed_storage_cost", 1, 3);
    table_text(table, machine, "gpu_occupancy");
    table_number(table, machine, "current_rentals_running", 1, 0);
    table_number(table, machine, "earn_day", 1, 4);
    table_number(table, machine, "reliability2", 100, 2);
    table_text(table, machine, "verification");
    table_number(table, machine, "max_disk_space", 1, 0);
    table_number(table, machine, "avail_disk_space", 1, 0);
    table_text(table, machine, "public_ipaddr");
    table_text(table, machine, "geolocation");
}

bool cmd_show_machines(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(machine_columns, sizeof machine_columns / sizeof machine_columns[0]);
    const json_t *machines;

    if (!client_call(cli->client, "GET", "/api/v0/machines/?owner=me", NULL, &reply, err) ||
        !json_need_array(reply, "machines", SIZE_MAX, &machines, err))
        return false;
    size_t count = json_array_size(machines);
    if (cli_print_ids(cli, machines))
        return true;
    if (cli_print_raw(cli, reply))
        return true;
    if (count == 0) {
        cli_note(cli, "There are no machines. `berth host token` lets one join.");
        return true;
    }
    for (size_t i = 0; i < count; i++)
        add_machine(&table, json_array_get(machines, i));
    table_write(&table, cli->style, cli->out);
    return true;
}

static void print_card(struct buf *out, const json_t *machine)
{
    char text[256];

    print_line(out, "Machine", "%lld, %s", (long long)print_int_of(machine, "id"),
               print_text_or_dash(machine, "hostname"));
    state_text(machine, text, sizeof text);
    print_line(out, "State", "%s", text);
    gpu_text(machine, text, sizeof text);
    print_line(out, "GPUs", "%s", text);
    print_line(out, "CPU", "%lld threads, %s", (long long)print_int_of(machine, "cpu_cores"),
               print_text_or_dash(machine, "cpu_name"));
    print_line(out, "Memory", "%.1f GB", print_real_of(machine, "cpu_ram") / 1000);
    print_line(out, "Disk", "%.0f GB, %.0f free", print_real_of(machine, "max_disk_space"),
               print_real_of(machine, "avail_disk_space"));
    print_line(out, "Address", "%s, %lld ports", print_text_or_dash(machine, "public_ipaddr"),
               (long long)print_int_of(machine, "direct_port_count"));
    print_line(out, "Reliability", "%.2f %%, %s", print_real_of(machine, "reliability2") * 100,
               print_text_of(machine, "verification"));
    if (!json_is_true(json_member(machine, "listed"))) {
        print_line(out, "Listed", "no; `berth list machine %lld -g DOLLARS` offers it",
                   (long long)print_int_of(machine, "id"));
        return;
    }
    print_line(out, "Listed", "$%.4f an hour and GPU, $%.3f per GB and month",
               print_real_of(machine, "listed_gpu_cost"),
               print_real_of(machine, "listed_storage_cost"));
    print_line(out, "Traffic", "$%.2f per TB out, $%.2f per TB in",
               print_real_of(machine, "listed_inet_up_cost") * 1000,
               print_real_of(machine, "listed_inet_down_cost") * 1000);
    print_line(out, "Rentals", "%lld running, %s",
               (long long)print_int_of(machine, "current_rentals_running"),
               print_text_or_dash(machine, "gpu_occupancy"));
    print_line(out, "Earns", "$%.4f an hour now", print_real_of(machine, "earn_hour"));
}

bool cmd_show_machine(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/?owner=me", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return error_context(err, "machine %lld", id);
    if (!json_is_object(json_array_get(reply, 0)))
        return error_set(err, ERROR_NOT_FOUND, "there is no machine %lld on this account", id);
    if (args_has(&cli->args, "quiet"))
        buf_printf(cli->out, "%lld\n", id);
    else if (!cli_print_raw(cli, reply))
        print_card(cli->out, json_array_get(reply, 0));
    return true;
}

/* Three numbers with `separator` between them. */
static bool split_date(const char *text, char separator, uint64_t ret[static 3])
{
    char part[8];

    for (int i = 0; i < 3; i++) {
        size_t length = strspn(text, "0123456789");

        if (length == 0 || length >= sizeof part || text[length] != (i < 2 ? separator : '\0'))
            return false;
        memcpy(part, text, length);
        part[length] = '\0';
        if (!parse_u64(part, &ret[i]))
            return false;
        text += length + 1;
    }
    return true;
}

bool machines_parse_date(const char *text, int64_t *ret_seconds)
{
    uint64_t parts[3], seconds;
    struct tm date = { .tm_isdst = 0 };

    if (parse_u64(text, &seconds) && seconds <= INT32_MAX * UINT64_C(100)) {
        *ret_seconds = (int64_t)seconds;
        return true;
    }
    if (split_date(text, '-', parts)) {
        date.tm_year = (int)parts[0];
        date.tm_mon = (int)parts[1];
        date.tm_mday = (int)parts[2];
    } else if (split_date(text, '/', parts)) {
        date.tm_year = (int)parts[2];
        date.tm_mon = (int)parts[0];
        date.tm_mday = (int)parts[1];
    }
    if (date.tm_year < YEAR_MIN || date.tm_year > YEAR_MAX || date.tm_mon < 1 || date.tm_mon > 12 ||
        date.tm_mday < 1 || date.tm_mday > 31)
        return false;

    struct tm normal = { .tm_year = date.tm_year - 1900,
                         .tm_mon = date.tm_mon - 1,
                         .tm_mday = date.tm_mday };
    int64_t midnight = timegm(&normal);
    if (normal.tm_mday != date.tm_mday) /* the 31st of a month that has none */
        return false;
    *ret_seconds = midnight;
    return true;
}

/* Prices that are not given are left as they are. */
static const struct price_option prices[] = {
    { "price-gpu", "price_gpu" },
    { "price-disk", "price_disk" },
    { "price-inetu", "price_inetu" },
    { "price-inetd", "price_inetd" },
    { "price-min-bid", "price_min_bid" },
    { "discount-rate", "credit_discount_max" },
    { "vol-price", "vol_price" },
    { "vol-size", "vol_size" },
    { NULL, NULL },
};

static bool write_listing(struct cli *cli, long long id, struct buf *body, struct error *err)
{
    const char *chunk_text = args_get(&cli->args, "min-chunk");
    const char *end_text = args_get(&cli->args, "end-date");
    struct encoder json = encoder_of(body);
    const char *grace_text = args_get(&cli->args, "max-grace");
    uint64_t chunk = 0, grace = 0;
    int64_t end = 0;

    if (chunk_text != NULL && (!parse_u64(chunk_text, &chunk) || chunk == 0 || chunk > CHUNK_MAX))
        return cli_usage(cli, err, "--min-chunk is a number of GPUs from 1 to %d", CHUNK_MAX);
    if (grace_text != NULL && (!parse_u64(grace_text, &grace) || grace > GRACE_MAX_S))
        return cli_usage(cli, err, "--max-grace is 0 to %d seconds", GRACE_MAX_S);
    if (end_text != NULL && !machines_parse_date(end_text, &end))
        return cli_usage(cli, err, "--end-date: '%.32s' is no date such as 2027-01-31", end_text);
    encode_object(&json);
    encode_field_int(&json, "machine", id);
    if (!price_options_write(cli, prices, &json, err))
        return false;
    if (chunk_text != NULL)
        encode_field_int(&json, "min_chunk", (int64_t)chunk);
    if (grace_text != NULL)
        encode_field_int(&json, "max_grace", (int64_t)grace);
    if (end_text != NULL)
        encode_field_int(&json, "end_date", end);
    if (args_has(&cli->args, "duration"))
        encode_field_text(&json, "duration", args_get(&cli->args, "duration"));
    encode_end(&json);
    return true;
}

/* What the market says that it did, or a sentence of our own. */
static void print_done(struct cli *cli, const json_t *reply, const char *fallback, long long id)
{
    if (*print_text_of(reply, "msg") != '\0') {
        print_clean(cli->out, print_text_of(reply, "msg"));
        buf_append(cli->out, "\n", 1);
    } else {
        buf_printf(cli->out, "Machine %lld %s.\n", id, fallback);
    }
}

static bool list_one(struct cli *cli, const char *word, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    long long id;

    if (!cli_id(cli, word, "a machine", &id, err) || !write_listing(cli, id, &body, err))
        return false;
    if (!client_call(cli->client, "PUT", "/api/v0/machines/create_asks/", &body, &reply, err))
        return error_context(err, "list machine %lld", id);
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply, "is listed", id);
    return true;
}

bool cmd_list_machine(struct cli *cli, struct error *err)
{
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!list_one(cli, cli->args.words[i], err))
            return false;
    }
    return true;
}

bool cmd_unlist_machine(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "a machine", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/machines/%lld/asks/", id);
    if (!client_call(cli->client, "DELETE", path, NULL, &reply, err))
        return error_context(err, "unlist machine %lld", id);
    if (!cli_print_raw(cli, reply))
        print_done(cli, reply, "is listed no more; rentals go on", id);
    return true;
}

static long long minutes_until(const json_t *reply)
{
    double now_us = (double)clock_now(&clock_system).microseconds;
    double left_s = print_real_of(reply, "expires_at") - now_us / (double)US_PER_SECOND;

    return left_s > 0 && left_s < 1e9 ? (long long)(left_s + 30) / 60 : 0;
}

bool cmd_host_token(struct cli *cli, struct error *err)
{
    const char *machine = args_get(&cli->args, "machine");
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *reply = NULL;
    const char *token;
    long long id = 0;

    if (machine != NULL && !cli_id(cli, machine, "a machine", &id, err))
        return false;
    encode_object(&json);
    if (machine != NULL)
        encode_field_int(&json, "machine_id", id);
    encode_end(&json);
    if (!client_call(cli->client, "POST", "/api/v0/machines/enroll_token/", &body, &reply, err) ||
        !json_need_text(reply, "token", BODY_LENGTH_MAX, &token, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    print_clean(cli->out, token);
    buf_append(cli->out, "\n", 1);
    cli_note(cli, "Good once, for %lld minutes. On the machine that %s:", minutes_until(reply),
             machine != NULL ? "comes back, once its agent is stopped" : "joins");
    cli_note(cli, "  berth-host run --server %s --data /var/lib/berth-host --token TOKEN",
             cli->settings.url);
    return true;
}
