/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_offers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_bids.h"
#include "cli/cmd_rank.h"
#include "cli/cmd_volumes.h"
#include "sys/file.h"

enum {
    QUERY_LENGTH_MAX = 16384,
    BODY_LENGTH_MAX = 1 << 20,
    SCRIPT_LENGTH_MAX = 256 * 1024,
    LIMIT_MAX = 5000,
};

const struct args_option cmd_search_offers_options[] = {
#include "cli/search_options.def"
    { "image", 0, "IMAGE", "show how soon it would run on each, and score for what it does" },
    { "explain", 0, NULL, "why is the first one first?" },
    { "about", 0, "ID", "with --explain: why is this one where it is?" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_create_instance_options[] = {
    RENTAL_IMAGE_OPTION(0),
    RENTAL_DISK_OPTION(0),
    VOLUME_OPTIONS,
#include "cli/rental_options.def"
    { NULL, 0, NULL, NULL },
};

static const struct table_column offer_columns[] = {
    { "ID", true, 0, 0 },       { "GPUs", false, 0, 0 },     { "VRAM GB", true, 1, 0 },
    { "vCPUs", true, 2, 0 },    { "RAM GB", true, 2, 0 },    { "Disk GB", true, 2, 0 },
    { "$/h", true, 0, 0 },      { "DLP", true, 4, 0 },       { "DLP/$", true, 4, 0 },
    { "CUDA", true, 5, 0 },     { "Up Mb/s", true, 5, 0 },   { "Down Mb/s", true, 5, 0 },
    { "$/TB up", true, 6, 0 },  { "$/TB down", true, 6, 0 }, { "Reliab %", true, 3, 0 },
    { "Max days", true, 6, 0 }, { "Ports", true, 6, 0 },     { "Machine", true, 5, 0 },
    { "Status", false, 3, 0 },  { "Where", false, 2, 0 },
};

/* The same, with the answer to --image behind the price. */
static const struct table_column start_columns[] = {
    { "ID", true, 0, 0 },        { "GPUs", false, 0, 0 },     { "VRAM GB", true, 1, 0 },
    { "vCPUs", true, 2, 0 },     { "RAM GB", true, 2, 0 },    { "Disk GB", true, 2, 0 },
    { "$/h", true, 0, 0 },       { "Starts in", true, 0, 0 }, { "DLP", true, 4, 0 },
    { "DLP/$", true, 4, 0 },     { "CUDA", true, 5, 0 },      { "Up Mb/s", true, 5, 0 },
    { "Down Mb/s", true, 5, 0 }, { "$/TB up", true, 6, 0 },   { "$/TB down", true, 6, 0 },
    { "Reliab %", true, 3, 0 },  { "Max days", true, 6, 0 },  { "Ports", true, 6, 0 },
    { "Machine", true, 5, 0 },   { "Status", false, 3, 0 },   { "Where", false, 2, 0 },
};

/* "verified", and what a renter should know before all else. */
static void add_status(struct table *table, const json_t *offer)
{
    double left_s = print_real_of(offer, "duration");
    char age[AGE_TEXT_SIZE];

    if (json_is_number(json_member(offer, "rented_until")))
        table_cell(table, "rented, for %s at most", print_age((int64_t)left_s, age));
    else if (json_is_true(json_member(offer, "is_rented")))
        table_cell(table, "rented");
    else
        table_cell(table, "%s%s", print_text_of(offer, "verification"),
                   json_is_true(json_member(offer, "simulated")) ? ", simulated" : "");
}

/* Asked of the market for so many machines at once. */
enum { STARTS_MAX = 256 };

/* "8.9 s", "8.9 s, cached", "cached", or a dash: nobody knows. `start` is NULL where it was not
 * asked about. */
static void add_start(struct table *table, const json_t *start)
{
    const json_t *seconds = json_member(start, "starts_in_s");
    bool is_cached = json_is_true(json_member(start, "image_cached"));

    if (json_is_number(seconds))
        table_cell(table, "%.1f s%s", json_number_value(seconds), is_cached ? ", cached" : "");
    else
        table_cell(table, "%s", is_cached ? "cached" : "-");
}

/* What each of the offers has to say to --image; the array is the caller's. */
static bool fetch_starts(struct cli *cli, const json_t *offers, json_t **ret_reply,
                         struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "image", args_get(&cli->args, "image"));
    encode_key(&json, "machine_ids");
    encode_array(&json);
    for (size_t i = 0; i < json_array_size(offers) && i < STARTS_MAX; i++)
        encode_int(&json, print_int_of(json_array_get(offers, i), "machine_id"));
    encode_end(&json);
    encode_end(&json);
    return client_call(cli->client, "POST", "/api/v0/images/starts/", &body, ret_reply, err) ||
           error_context(err, "--image");
}

static void add_offer(struct table *table, const json_t *offer, const json_t *start,
                      bool is_reserved)
{
    int64_t gpu_count = print_int_of(offer, "num_gpus");
    double fraction = print_real_of(offer, "gpu_frac");

    table_cell(table, "%lld", (long long)print_int_of(offer, "id"));
    if (gpu_count == 0)
        table_cell(table, "no GPU");
    else
        table_cell(table, "%lldx %s", (long long)gpu_count, print_text_of(offer, "gpu_name"));
    if (gpu_count == 0)
        table_cell(table, "-");
    else
        table_number(table, offer, "gpu_ram", 1.0 / 1024, 0);
    table_number(table, offer, "cpu_cores_effective", 1, 0);
    table_number(table, offer, "cpu_ram", 1e-3 * (fraction > 0 ? fraction : 1), 0);
    table_number(table, offer, "disk_space", 1, 0);
    table_number(table, offer, is_reserved ? "discounted_dph_total" : "dph_total", 1, 4);
    if (table->columns == start_columns)
        add_start(table, start);
    table_number(table, offer, "dlperf", 1, 1);
    table_number(table, offer, "dlperf_per_dphtotal", 1, 1);
    table_number(table, offer, "cuda_max_good", 1, 1);
    table_number(table, offer, "inet_up", 1, 0);
    table_number(table, offer, "inet_down", 1, 0);
    table_number(table, offer, "inet_up_cost", 1000, 2);
    table_number(table, offer, "inet_down_cost", 1000, 2);
    table_number(table, offer, "reliability", 100, 2);
    table_number(table, offer, "duration", 1.0 / 86400, 1);
    table_number(table, offer, "direct_port_count", 1, 0);
    table_number(table, offer, "machine_id", 1, 0);
    add_status(table, offer);
    table_text(table, offer, "geolocation");
    if (json_is_false(json_member(offer, "rentable")))
        table_dim(table);
}

/* Say what is wrong, and for eyes show where: the text with a mark below it. */
static bool point_at(struct cli *cli, const char *text, size_t at, struct error *err)
{
    if (!cli->style.is_plain) {
        cli_note(cli, "  %s", text);
        cli_note(cli, "  %*s^", (int)at, "");
    }
    struct error inner = *err;
    return cli_usage(cli, err, "the query, character %zu: %s", at + 1, inner.text);
}

bool offers_write_order(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *order = args_get(&cli->args, "order");
    size_t at;

    encode_key(json, "order");
    if (order == NULL) {
        encode_raw(json, "[[\"score\",\"desc\"]]", strlen("[[\"score\",\"desc\"]]"));
        return true;
    }
    return query_write_order(order, json, &at, err) || point_at(cli, order, at, err);
}

/* A number of GB with up to three decimals, as money is parsed: exactly. */
bool offers_write_gb(struct cli *cli, const char *option, const char *fallback,
                     struct encoder *json, struct error *err)
{
    const char *text = args_get(&cli->args, option);
    struct money amount;
    struct error ignored;

    if (!money_parse(text != NULL ? text : fallback, &amount, &ignored) || amount.nanodollars <= 0)
        return cli_usage(cli, err, "--%s: '%.32s' is not a number of GB", option, text);
    encode_money(json, amount);
    return true;
}

bool offers_write_limit(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *text = args_get(&cli->args, "limit");
    uint64_t limit;

    if (text == NULL)
        return true;
    if (!parse_u64(text, &limit) || limit == 0 || limit > LIMIT_MAX)
        return cli_usage(cli, err, "--limit is a number from 1 to %d", LIMIT_MAX);
    encode_key(json, "limit");
    encode_uint(json, limit);
    return true;
}

/* The words of the query side by side, as they were before the shell took them apart. */
static bool join_words(const struct args *args, size_t first, struct buf *text, struct error *err)
{
    buf_append(text, "", 0);
    for (size_t i = first; i < args->word_count; i++)
        buf_printf(text, "%s%s", i > first ? " " : "", args->words[i]);
    if (text->has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the query is too long");
    return true;
}

static enum query_defaults defaults_of(const struct args *args)
{
    if (args_has(args, "no-default"))
        return QUERY_DEFAULTS_NONE;
    return args_has(args, "unavailable") ? QUERY_DEFAULTS_BUT_RENTABLE : QUERY_DEFAULTS_ALL;
}

static bool is_reserved(const struct args *args)
{
    const char *type = args_get(args, "type");

    return args_has(args, "reserved") || (type != NULL && strcmp(type, "reserved") == 0);
}

static bool write_type(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *type = args_get(&cli->args, "type");
    bool is_bid = args_has(&cli->args, "interruptible") || args_has(&cli->args, "bid");
    bool has_reserved = args_has(&cli->args, "reserved");
    bool is_on_demand = args_has(&cli->args, "on-demand");

    if ((type != NULL) + is_bid + has_reserved + is_on_demand > 1)
        return cli_usage(cli, err, "one of --type, --interruptible, --reserved and --on-demand");
    if (type == NULL)
        type = is_bid ? "bid" : has_reserved ? "reserved" : "on-demand";
    if (strcmp(type, "interruptible") == 0)
        type = "bid";
    if (strcmp(type, "on-demand") != 0 && strcmp(type, "bid") != 0 && strcmp(type, "reserved") != 0)
        return cli_usage(cli, err, "--type is on-demand, bid or reserved");
    encode_field_text(json, "type", type);
    return true;
}

/* What it is for; not every command that searches has an image. */
static void write_profile(struct cli *cli, struct encoder *json)
{
    static const struct {
        const char *option, *member;
    } rows[] = { { "image", "image" },
                 { "profile", "dlperf_profile" },
                 { "precision", "precision" } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct args_option *option = cli->args.options;

        while (option->name != NULL && strcmp(option->name, rows[i].option) != 0)
            option++;
        if (option->name != NULL && args_has(&cli->args, rows[i].option))
            encode_field_text(json, rows[i].member, args_get(&cli->args, rows[i].option));
    }
}

bool offers_write_conditions(struct cli *cli, size_t first, enum query_defaults defaults,
                             struct encoder *json, struct error *err)
{
    auto_buf struct buf text = buf_of(QUERY_LENGTH_MAX);
    size_t at;

    if (!join_words(&cli->args, first, &text, err))
        return false;
    return query_write(text.bytes, defaults, json, &at, err) || point_at(cli, text.bytes, at, err);
}

bool offers_write_search(struct cli *cli, size_t first, struct buf *body, struct error *err)
{
    struct encoder json = encoder_of(body);

    encode_object(&json);
    if (args_has(&cli->args, "unavailable"))
        encode_field_bool(&json, "include_unavailable", true);
    if (!offers_write_conditions(cli, first, defaults_of(&cli->args), &json, err))
        return false;
    if (!offers_write_order(cli, &json, err) || !offers_write_limit(cli, &json, err) ||
        !write_type(cli, &json, err))
        return false;
    write_profile(cli, &json);
    encode_key(&json, "allocated_storage");
    if (!offers_write_gb(cli, "storage", "5", &json, err))
        return false;
    encode_end(&json);
    return true;
}

bool cmd_search_offers(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL, *starts = NULL;
    bool has_image = args_has(&cli->args, "image");
    auto_table struct table table =
        has_image ? table_of(start_columns, sizeof start_columns / sizeof start_columns[0])
                  : table_of(offer_columns, sizeof offer_columns / sizeof offer_columns[0]);
    const json_t *offers;

    if (args_has(&cli->args, "explain"))
        return rank_explain(cli, err);
    if (!offers_write_search(cli, 0, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/bundles/", &body, &reply, err) ||
        !json_need_array(reply, "offers", SIZE_MAX, &offers, err))
        return false;
    if (cli_print_raw(cli, offers))
        return true;
    if (json_array_size(offers) == 0) {
        cli_note(cli, "No offer matches.%s",
                 args_has(&cli->args, "no-default")
                     ? ""
                     : " Only verified ones that can be rented now were looked at; -n shows all.");
        return true;
    }
    if (has_image && !fetch_starts(cli, offers, &starts, err))
        return false;
    for (size_t i = 0; i < json_array_size(offers); i++)
        add_offer(&table, json_array_get(offers, i),
                  json_array_get(json_member(starts, "machines"), i), is_reserved(&cli->args));
    table_write(&table, cli->style, cli->out);
    return true;
}

/* The file's text where --onstart names one, or the command of --onstart-cmd. */
bool offers_write_onstart(struct cli *cli, struct encoder *json, struct error *err)
{
    auto_buf struct buf script = buf_of(SCRIPT_LENGTH_MAX);
    const char *path = args_get(&cli->args, "onstart");
    const char *command = args_get(&cli->args, "onstart-cmd");

    if (command == NULL && path == NULL)
        command = args_get(&cli->args, "entrypoint");
    if (path != NULL && command != NULL)
        return cli_usage(cli, err, "--onstart or --onstart-cmd, not both");
    if (path == NULL) {
        encode_field_text(json, "onstart", command);
        return true;
    }
    if (!file_read(AT_FDCWD, path, &script, err))
        return error_context(err, "--onstart");
    encode_key(json, "onstart");
    encode_bytes(json, script.length > 0 ? script.bytes : "", script.length);
    return true;
}

static bool write_runtype(struct cli *cli, struct encoder *json, struct error *err)
{
    bool has_args = args_has(&cli->args, "args");
    bool is_direct = args_has(&cli->args, "direct"), is_lab = args_has(&cli->args, "jupyter-lab");
    const char *dir = args_get(&cli->args, "jupyter-dir");
    bool has_jupyter = args_has(&cli->args, "jupyter") || is_lab || dir != NULL;

    if (has_args && (args_has(&cli->args, "ssh") || is_direct || has_jupyter))
        return cli_usage(cli, err,
                         "--args runs the image's own entry point, without --ssh or --jupyter");
    /* How it is launched is the template's to say where nothing is said here. */
    if (args_has(&cli->args, "template-hash") && !has_args && !is_direct && !has_jupyter &&
        !args_has(&cli->args, "ssh"))
        return true;
    if (has_jupyter) {
        encode_field_bool(json, "use_jupyter_lab", is_lab);
        encode_field_text(json, "jupyter_dir", dir);
    }
    encode_field_text(json, "runtype",
                      has_args                      ? "args"
                      : has_jupyter && is_direct    ? "jupyter_direc ssh_direc ssh_proxy"
                      : has_jupyter                 ? "jupyter_proxy ssh_proxy"
                      : is_direct                   ? "ssh_direc ssh_proxy"
                      : args_has(&cli->args, "ssh") ? "ssh_proxy"
                                                    : "ssh");
    if (!has_args)
        return true;
    encode_key(json, "args");
    encode_array(json);
    for (const char *const *at = cli->args.rest; *at != NULL; at++)
        encode_text(json, *at);
    encode_end(json);
    return true;
}

bool offers_write_members(struct cli *cli, struct encoder *json, struct error *err)
{
    static const struct {
        const char *option, *member;
    } texts[] = {
        { "image", "image" },       { "label", "label" }, { "env", "env" },
        { "login", "image_login" }, { "user", "user" },   { "template-hash", "template_hash_id" },
    };
    static const struct {
        const char *option, *member;
    } flags[] = {
        { "lang-utf8", "lang_utf8" },
        { "python-utf8", "python_utf8" },
        { "force", "force" },
    };

    if (!args_has(&cli->args, "image") && !args_has(&cli->args, "template-hash"))
        return cli_usage(cli, err, "--image or --template_hash is missing: what the instance runs");
    encode_field_text(json, "client_id", "me");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        encode_field_text(json, texts[i].member, args_get(&cli->args, texts[i].option));
    encode_key(json, "disk");
    if (!offers_write_gb(cli, "disk", "10", json, err) || !offers_write_onstart(cli, json, err) ||
        !write_runtype(cli, json, err) || !bids_write(cli, json, err))
        return false;
    if (args_has(&cli->args, "encrypted-workspace")) {
        encode_key(json, "encrypted_workspace");
        if (!offers_write_gb(cli, "encrypted-workspace", "", json, err))
            return false;
    }
    encode_field_bool(json, "cancel_unavail", args_has(&cli->args, "cancel-unavail"));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (args_has(&cli->args, flags[i].option))
            encode_field_bool(json, flags[i].member, true);
    }
    if (args_has(&cli->args, "extra"))
        encode_field_text(json, "extra", args_get(&cli->args, "extra"));
    return true;
}

static bool close_body(struct encoder *json, const struct buf *body, struct error *err)
{
    encode_end(json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the request is too long");
}

bool offers_write_rental(struct cli *cli, struct buf *body, struct error *err)
{
    struct encoder json = encoder_of(body);

    encode_object(&json);
    return offers_write_members(cli, &json, err) && close_body(&json, body, err);
}

/* Several at once: what could be rented is, and the rest is told of. */
static bool create_several(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    long long offer_id;

    encode_object(&json);
    encode_key(&json, "ids");
    encode_array(&json);
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!cli_id(cli, cli->args.words[i], "an offer", &offer_id, err))
            return false;
        encode_int(&json, offer_id);
    }
    encode_end(&json);
    if (!offers_write_members(cli, &json, err) || !volumes_write_info(cli, &json, err) ||
        !close_body(&json, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/asks/bulk/", &body, &reply, err))
        return false;
    if (cli_print_raw(cli, reply))
        return true;
    const json_t *made = json_member(reply, "new_contracts");
    const json_t *failed = json_member(reply, "failed");
    for (size_t i = 0; i < json_array_size(made); i++)
        buf_printf(cli->out, "Instance %lld is starting.\n",
                   (long long)json_integer_value(json_array_get(made, i)));
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *row = json_array_get(failed, i);

        buf_printf(cli->out, "Offer %lld: ", (long long)print_int_of(row, "id"));
        print_clean(cli->out, print_text_of(row, "msg"));
        buf_printf(cli->out, "\n");
    }
    cli->exit_status = json_array_size(failed) > 0 ? 1 : 0;
    return true;
}

bool cmd_create_instance(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    char path[64];
    long long offer_id;

    if (cli->args.word_count > 1)
        return create_several(cli, err);
    encode_object(&json);
    if (!cli_id(cli, cli->args.words[0], "an offer", &offer_id, err) ||
        !offers_write_members(cli, &json, err) || !volumes_write_info(cli, &json, err) ||
        !close_body(&json, &body, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/asks/%lld/", offer_id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "rent offer %lld", offer_id);
    if (cli_print_raw(cli, reply))
        return true;
    long long id = (long long)print_int_of(reply, "new_contract");
    if (json_is_false(json_object_get(reply, "success"))) {
        print_clean(cli->out, json_string_value(json_object_get(reply, "msg")));
        buf_printf(cli->out, "\n");
        cli_note(cli, "`berth change bid %lld --price P` bids anew; `berth why %lld` says more.",
                 id, id);
        return true;
    }
    buf_printf(cli->out, "Instance %lld is starting.\n", id);
    if (json_member(reply, "volume_id") != NULL)
        buf_printf(cli->out, "Volume %lld is yours, and charged until you delete it.\n",
                   (long long)print_int_of(reply, "volume_id"));
    if (!args_has(&cli->args, "args"))
        cli_note(cli, "`berth ssh %lld` waits until it runs and logs in.", id);
    return true;
}
