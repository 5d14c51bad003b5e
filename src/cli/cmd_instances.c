/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_instances.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/parse.h"
#include "sys/clock.h"

enum { PATH_SIZE = 128, PAGES_MAX = 10000, PAGE_MAX = 25, TIME_TEXT_LENGTH = 19 };

const struct args_option cmd_show_instances_options[] = {
    { "quiet", 'q', NULL, "ids only, one a line" },
    { "verbose", 'v', NULL, "nothing: a wide terminal has all columns" },
    { "all", 'a', NULL, "every page, as it is without" },
    { "status", 's', "STATUS", "only these, with commas between: running,stopped" },
    { "label", 0, "TEXT", "only those called so" },
    { "gpu-name", 0, "GPU", "only those with these" },
    { "verification", 0, "STANDING", "only those on machines that are verified, unverified, ..." },
    { "limit", 'l', "N", "one page of so many, 1 to 25" },
    { "next-token", 't', "TOKEN", "the page behind this one" },
    { "order-by", 0, "FIELD", "such as 'start_date desc'" },
    { "cols", 0, "FIELDS", "with --raw: these members alone" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column instance_columns[] = {
    { "ID", true, 0, 0 },      { "Status", false, 0, 0 },   { "Label", false, 2, 16 },
    { "GPUs", false, 1, 0 },   { "Util %", true, 4, 0 },    { "vCPUs", true, 3, 0 },
    { "Disk GB", true, 3, 0 }, { "$/h", true, 0, 0 },       { "Image", false, 2, 28 },
    { "SSH", false, 1, 0 },    { "Age", true, 3, 0 },       { "Left", true, 3, 0 },
    { "Machine", true, 5, 0 }, { "Message", false, 6, 40 },
};

bool instance_ssh_address(const json_t *instance, const char **ret_host, int *ret_port)
{
    const json_t *bindings = json_member(json_member(instance, "ports"), "22/tcp");
    const char *port_text = print_text_of(json_array_get(bindings, 0), "HostPort");
    const char *host = print_text_of(instance, "public_ipaddr");
    uint64_t port;

    if (!parse_u64(port_text, &port)) {
        host = print_text_of(instance, "ssh_host");
        port = (uint64_t)print_int_of(instance, "ssh_port");
    }
    if (*host == '\0' || port == 0 || port > UINT16_MAX)
        return false;
    *ret_host = host;
    *ret_port = (int)port;
    return true;
}

bool instance_fetch(struct cli *cli, long long id, json_t **ret_instance, struct error *err)
{
    auto_json json_t *reply = NULL;
    const json_t *instance;
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/?owner=me", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err))
        return error_context(err, "instance %lld", id);
    instance = json_member(reply, "instances");
    if (!json_is_object(instance))
        return error_set(err, ERROR_NOT_FOUND, "there is no instance %lld on this account", id);
    *ret_instance = json_incref((json_t *)(uintptr_t)instance);
    return true;
}

/* What its renter should read as its state. Others have the GPUs of what is stopped and wanted, or
 * is being scheduled; what has no state any more is on its way out. */
static const char *status_of(const json_t *instance)
{
    const char *actual = print_text_of(instance, "actual_status");
    bool is_wanted = strcmp(print_text_of(instance, "intended_status"), "stopped") != 0;

    if (*actual == '\0')
        return is_wanted ? "waiting" : "ending";
    if (strcmp(actual, "scheduling") == 0 || (is_wanted && strcmp(actual, "stopped") == 0))
        return "waiting";
    return actual;
}

static void gpu_text(const json_t *instance, char *text, size_t size)
{
    long long count = (long long)print_int_of(instance, "num_gpus");

    if (count == 0)
        (void)snprintf(text, size, "no GPU");
    else
        (void)snprintf(text, size, "%lldx %s", count, print_text_of(instance, "gpu_name"));
}

static int64_t age_of(const json_t *instance)
{
    int64_t now = clock_now(&clock_system).microseconds / US_PER_SECOND;
    int64_t start = print_int_of(instance, "start_date");

    return start > 0 && start <= now ? now - start : start > 0 ? 0 : -1;
}

static void add_instance(struct table *table, const json_t *instance)
{
    char text[256], age[AGE_TEXT_SIZE];
    const char *host;
    int port;

    table_number(table, instance, "id", 1, 0);
    table_cell(table, "%s", status_of(instance));
    table_text(table, instance, "label");
    gpu_text(instance, text, sizeof text);
    table_cell(table, "%s", text);
    table_number(table, instance, "gpu_util", 1, 0);
    table_number(table, instance, "cpu_cores_effective", 1, 0);
    table_number(table, instance, "disk_space", 1, 0);
    table_number(table, instance, "dph_total", 1, 4);
    table_text(table, instance, "image_uuid");
    if (instance_ssh_address(instance, &host, &port))
        table_cell(table, "%s:%d", host, port);
    else
        table_cell(table, "-");
    table_cell(table, "%s", print_age(age_of(instance), age));
    table_cell(table, "%s", print_text_or_dash(instance, "time_remaining"));
    table_number(table, instance, "machine_id", 1, 0);
    table_text(table, instance, "status_msg");
}

static void add_parameter(struct buf *path, const char *name, const json_t *value)
{
    auto_free char *text = json_dumps(value, JSON_COMPACT);

    buf_printf(path, "&%s=", name);
    client_escape(path, text);
}

/* "running,stopped": where the column is one of them; "" is of those that have none. */
static void add_filter(json_t *filters, const char *column, const char *text)
{
    json_t *wanted = json_array();

    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        json_t *word = length > 0 ? json_stringn(at, length) : json_null();

        (void)json_array_append_new(wanted, word);
        at += length;
        if (*at == '\0')
            break;
    }
    (void)json_object_set_new(filters, column, json_pack("{s:o}", "in", wanted));
}

static void add_filters(struct cli *cli, struct buf *path)
{
    static const char *const columns[][2] = { { "status", "actual_status" },
                                              { "label", "label" },
                                              { "gpu-name", "gpu_name" },
                                              { "verification", "verification" } };
    auto_json json_t *filters = json_object();

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (args_has(&cli->args, columns[i][0]))
            add_filter(filters, columns[i][1], args_get(&cli->args, columns[i][0]));
    }
    if (json_object_size(filters) > 0)
        add_parameter(path, "select_filters", filters);
}

/* 'start_date desc' */
static void add_order(struct cli *cli, struct buf *path)
{
    const char *text = args_get(&cli->args, "order-by");
    size_t length = text == NULL ? 0 : strcspn(text, " ");

    if (text == NULL)
        return;
    auto_json json_t *order = json_array();
    (void)json_array_append_new(order,
                                json_pack("{s:o, s:s}", "col", json_stringn(text, length), "dir",
                                          strcmp(text + length, " desc") == 0 ? "desc" : "asc"));
    add_parameter(path, "order_by", order);
}

static void add_columns(struct cli *cli, struct buf *path)
{
    const char *text = args_get(&cli->args, "cols");

    if (text == NULL)
        return;
    auto_json json_t *columns = json_array();
    for (size_t length; length = strcspn(text, ","), true; text += length + 1) {
        (void)json_array_append_new(columns, json_stringn(text, length));
        if (text[length] == '\0')
            break;
    }
    add_parameter(path, "select_cols", columns);
}

/* The path of the first page, and what each page repeats of it. */
static bool write_path(struct cli *cli, struct buf *path, struct error *err)
{
    const char *limit = args_get(&cli->args, "limit");
    uint64_t count = PAGE_MAX;

    if (limit != NULL && (!parse_u64(limit, &count) || count == 0 || count > PAGE_MAX))
        return cli_usage(cli, err, "--limit is a number from 1 to %d", PAGE_MAX);
    buf_printf(path, "/api/v1/instances/?limit=%d", (int)count);
    add_filters(cli, path);
    add_order(cli, path);
    if (cli->is_raw)
        add_columns(cli, path);
    return !path->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the filters are too long");
}

/* Every page, in one array; one page, where one is asked for, and its whole reply. */
static bool fetch_all(struct cli *cli, json_t *all, json_t **ret_page, struct error *err)
{
    const char *first = args_get(&cli->args, "next-token");
    bool is_page = first != NULL || args_has(&cli->args, "limit");
    auto_buf struct buf base = buf_of(CLIENT_PATH_SIZE - 1), path = buf_of(CLIENT_PATH_SIZE - 1);

    if (!write_path(cli, &base, err))
        return false;
    buf_append(&path, base.bytes, base.length);
    if (first != NULL) {
        buf_printf(&path, "&after_token=");
        client_escape(&path, first);
    }
    for (int page = 0; page < PAGES_MAX; page++) {
        auto_json json_t *reply = NULL;
        const json_t *instances;

        if (!client_call(cli->client, "GET", path.bytes, NULL, &reply, err) ||
            !json_need_array(reply, "instances", SIZE_MAX, &instances, err))
            return false;
        if (json_array_extend(all, (json_t *)(uintptr_t)instances) != 0)
            return error_set(err, ERROR_IO, "out of memory");
        const char *token = print_text_of(reply, "next_token");
        if (is_page) {
            *ret_page = json_incref(reply);
            return true;
        }
        if (*token == '\0')
            return true;
        buf_release(&path);
        buf_append(&path, base.bytes, base.length);
        buf_printf(&path, "&after_token=");
        client_escape(&path, token);
        if (path.has_overflowed)
            return error_set(err, ERROR_OUT_OF_RANGE, "the market's page token is too long");
    }
    return error_set(err, ERROR_OUT_OF_RANGE, "the market's list of instances has no end");
}

bool cmd_show_instances(struct cli *cli, struct error *err)
{
    auto_json json_t *all = json_array(), *page = NULL;
    auto_table struct table table =
        table_of(instance_columns, sizeof instance_columns / sizeof instance_columns[0]);
    size_t count;

    if (!fetch_all(cli, all, &page, err))
        return false;
    count = json_array_size(all);
    if (cli_print_ids(cli, all) || cli_print_raw(cli, page != NULL ? page : all))
        return true;
    if (count == 0) {
        cli_note(cli, "There are no instances. `berth search offers` shows what can be rented.");
        return true;
    }
    for (size_t i = 0; i < count; i++)
        add_instance(&table, json_array_get(all, i));
    table_write(&table, cli->style, cli->out);
    if (*print_text_of(page, "next_token") != '\0')
        cli_note(cli, "There is more: --next-token %s", print_text_of(page, "next_token"));
    return true;
}

static void print_money_lines(struct buf *out, const json_t *instance)
{
    print_line(out, "Price", "$%.4f an hour running, $%.4f stopped",
               print_real_of(instance, "dph_total"), print_real_of(instance, "storage_total_cost"));
    print_line(out, "Traffic", "$%.2f per TB out, $%.2f per TB in",
               print_real_of(instance, "inet_up_cost") * 1000,
               print_real_of(instance, "inet_down_cost") * 1000);
    if (json_is_number(json_member(instance, "charged")))
        print_line(out, "Charged", "$%.6f so far", print_real_of(instance, "charged"));
}

/* "2026-11-22 14:03:22", UTC. */
static const char *time_text(const json_t *row, const char *name,
                             char text[static INSTANT_TEXT_SIZE])
{
    double seconds = print_real_of(row, name);
    bool is_sane = seconds > 0 && seconds < 1e11;

    (void)instant_format((struct instant){ is_sane ? (int64_t)(seconds * 1e6) : 0 }, text);
    text[TIME_TEXT_LENGTH] = '\0';
    *strchr(text, 'T') = ' ';
    return text;
}

/* The lifetime that is left, and what becomes of the data then. */
static void print_lifetime(struct buf *out, const json_t *instance)
{
    char end[INSTANT_TEXT_SIZE], kept[INSTANT_TEXT_SIZE];

    if (!json_is_number(json_member(instance, "end_date")))
        return;
    print_line(out, "Lifetime", "%lld s left (%s), until %s",
               (long long)print_int_of(instance, "duration"),
               print_text_of(instance, "time_remaining"), time_text(instance, "end_date", end));
    print_line(out, "Data", "kept until %s; copy it away before",
               time_text(instance, "retention_date", kept));
}

/* Of one that waits for GPUs. */
static void print_place(struct buf *out, const json_t *instance)
{
    const char *behind = print_text_of(instance, "queue_behind");
    char by[INSTANT_TEXT_SIZE];

    if (!json_is_number(json_member(instance, "queue_position")))
        return;
    print_line(
        out, "In line", "%lld of %lld%s%s", (long long)print_int_of(instance, "queue_position"),
        (long long)print_int_of(instance, "queue_length"), *behind != '\0' ? ", behind " : "",
        strcmp(behind, "bid") == 0 ? "higher bids"
        : *behind != '\0'          ? "on-demand rentals"
                                   : "");
    if (json_is_number(json_member(instance, "queue_free_by")))
        print_line(out, "GPUs free", "by %s at the latest, for who is first then",
                   time_text(instance, "queue_free_by", by));
}

static void print_rules(struct buf *out, const json_t *instance)
{
    int64_t minutes = print_int_of(instance, "stop_when_idle_minutes");
    int64_t hours = print_int_of(instance, "destroy_when_stopped_hours");

    if (minutes > 0)
        print_line(out, "Rule", "stops when its GPUs do nothing for %lld min", (long long)minutes);
    if (hours > 0)
        print_line(out, "Rule", "is destroyed when stopped for %lld h", (long long)hours);
    if (print_int_of(instance, "limit_up_mbit") > 0)
        print_line(out, "Rule", "sends at most %lld Mbit/s",
                   (long long)print_int_of(instance, "limit_up_mbit"));
    if (print_int_of(instance, "limit_down_mbit") > 0)
        print_line(out, "Rule", "receives at most %lld Mbit/s",
                   (long long)print_int_of(instance, "limit_down_mbit"));
}

static void print_card(struct buf *out, const json_t *instance)
{
    char text[256], age[AGE_TEXT_SIZE];
    const char *host;
    int port;

    print_line(out, "Instance", "%lld", (long long)print_int_of(instance, "id"));
    print_line(out, "Status", "%s", status_of(instance));
    if (*print_text_of(instance, "status_msg") != '\0')
        print_line(out, "Message", "%s", print_text_of(instance, "status_msg"));
    if (*print_text_of(instance, "stop_message") != '\0')
        print_line(out, "Stopped", "%s", print_text_of(instance, "stop_message"));
    if (*print_text_of(instance, "label") != '\0')
        print_line(out, "Label", "%s", print_text_of(instance, "label"));
    print_line(out, "Image", "%s", print_text_of(instance, "image_uuid"));
    gpu_text(instance, text, sizeof text);
    print_line(out, "GPUs", "%s", text);
    print_line(
        out, "CPU", "%.0f of %lld threads, %s", print_real_of(instance, "cpu_cores_effective"),
        (long long)print_int_of(instance, "cpu_cores"), print_text_or_dash(instance, "cpu_name"));
    print_line(out, "Disk", "%.0f GB", print_real_of(instance, "disk_space"));
    if (instance_ssh_address(instance, &host, &port))
        print_line(out, "SSH", "ssh -p %d root@%s -L 8080:localhost:8080", port, host);
    const char *jupyter = print_text_of(instance, "jupyter_url");
    if (strncmp(jupyter, "https://", 8) == 0)
        print_line(out, "Jupyter", "%s", jupyter);
    else if (*jupyter != '\0')
        print_line(out, "Jupyter", "berth open %lld, or %s behind that ssh",
                   (long long)print_int_of(instance, "id"), jupyter);
    print_line(out, "Machine", "%lld, %s", (long long)print_int_of(instance, "machine_id"),
               print_text_or_dash(instance, "geolocation"));
    print_line(out, "Age", "%s", print_age(age_of(instance), age));
    print_place(out, instance);
    print_lifetime(out, instance);
    print_rules(out, instance);
    print_money_lines(out, instance);
}

bool cmd_show_instance(struct cli *cli, struct error *err)
{
    auto_json json_t *instance = NULL;
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        !instance_fetch(cli, id, &instance, err))
        return false;
    if (args_has(&cli->args, "quiet"))
        buf_printf(cli->out, "%lld\n", id);
    else if (!cli_print_raw(cli, instance))
        print_card(cli->out, instance);
    return true;
}

bool cmd_why(struct cli *cli, struct error *err)
{
    auto_json json_t *reply = NULL;
    const json_t *events = NULL;
    char path[PATH_SIZE];
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/why/", id);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err) ||
        !json_opt_array(reply, "events", SIZE_MAX, &events, err))
        return error_context(err, "instance %lld", id);
    if (cli_print_raw(cli, reply))
        return true;
    buf_printf(cli->out, "Instance %lld: ", id);
    print_clean(cli->out, print_text_of(reply, "state"));
    buf_printf(cli->out, ". ");
    print_clean(cli->out, print_text_of(reply, "msg"));
    buf_printf(cli->out, "\n");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        char time[INSTANT_TEXT_SIZE];

        buf_printf(cli->out, "  %s  ", time_text(event, "at", time));
        print_clean(cli->out, print_text_of(event, "msg"));
        buf_append(cli->out, "\n", 1);
    }
    return true;
}
