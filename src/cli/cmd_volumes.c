/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_volumes.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cmd_machines.h"
#include "cli/cmd_offers.h"
#include "cli/price_options.h"
#include "sys/clock.h"

enum { PATH_SIZE = 128, BODY_MAX = 64 * 1024 };

#define SIZE_DEFAULT "15"

const struct args_option cmd_search_volumes_options[] = {
    { "order", 'o', "FIELDS", "sort by these: storage_cost,disk_space-" },
    { "limit", 0, "N", "at most so many (64)" },
    { "storage", 0, "GB", "the size to price and to ask for (1)" },
    { "no-default", 'n', NULL, "without verified=true external=false" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_create_volume_options[] = {
    { "size", 's', "GB", "how large (15)" },
    { "name", 'n', "NAME", "what to call it" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_show_volumes_options[] = {
    { "type", 't', "TYPE", "local, network or all (all)" },
    { "quiet", 'q', NULL, "ids only" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_clone_volume_options[] = {
    { "size", 's', "GB", "how large the copy is" },
    { "disable-compression", 'd', NULL, "send it as it is" },
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_list_volume_options[] = {
    { "size", 's', "GB", "so much in all (15)" },
    { "price-disk", 'p', "DOLLARS", "for a GB and month (0.10)" },
    { "end-date", 'e', "DATE", "nothing is promised beyond: 2027-01-31, or Unix seconds" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column offer_columns[] = {
    { "ID", true, 0, 0 },        { "Free GB", true, 0, 0 },  { "$/GB month", true, 0, 0 },
    { "Disk", false, 3, 24 },    { "MB/s", true, 3, 0 },     { "Up Mb/s", true, 4, 0 },
    { "Down Mb/s", true, 4, 0 }, { "Reliab %", true, 2, 0 }, { "Max days", true, 4, 0 },
    { "Machine", true, 0, 0 },   { "Status", false, 2, 0 },  { "Where", false, 1, 0 },
};

static const struct table_column volume_columns[] = {
    { "ID", true, 0, 0 },      { "Name", false, 0, 24 },      { "GB", true, 0, 0 },
    { "Status", false, 0, 0 }, { "Instances", false, 0, 24 }, { "$/h", true, 1, 0 },
    { "Machine", true, 0, 0 }, { "Disk", false, 3, 24 },      { "Made", false, 2, 0 },
    { "Where", false, 2, 0 },
};

static void add_offer(struct table *table, const json_t *offer)
{
    table_number(table, offer, "id", 1, 0);
    table_number(table, offer, "disk_space", 1, 0);
    table_number(table, offer, "storage_cost", 1, 3);
    table_text(table, offer, "disk_name");
    table_number(table, offer, "disk_bw", 1, 0);
    table_number(table, offer, "inet_up", 1, 0);
    table_number(table, offer, "inet_down", 1, 0);
    table_number(table, offer, "reliability", 100, 2);
    table_number(table, offer, "duration", 1.0 / 86400, 1);
    table_number(table, offer, "machine_id", 1, 0);
    table_text(table, offer, "verification");
    table_text(table, offer, "geolocation");
}

static bool write_search(struct cli *cli, struct buf *body, struct error *err)
{
    struct encoder json = encoder_of(body);

    encode_object(&json);
    if (!offers_write_conditions(cli, 0,
                                 args_has(&cli->args, "no-default") ? QUERY_DEFAULTS_NONE
                                                                    : QUERY_DEFAULTS_BUT_RENTABLE,
                                 &json, err) ||
        !offers_write_order(cli, &json, err) || !offers_write_limit(cli, &json, err))
        return false;
    encode_key(&json, "allocated_storage");
    if (!offers_write_gb(cli, "storage", "1", &json, err))
        return false;
    encode_end(&json);
    return true;
}

bool cmd_search_volumes(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(offer_columns, sizeof offer_columns / sizeof offer_columns[0]);
    const json_t *offers;

    if (!write_search(cli, &body, err) ||
        !client_call(cli->client, "POST", "/api/v0/volumes/search/", &body, &reply, err) ||
        !json_need_array(reply, "offers", SIZE_MAX, &offers, err))
        return false;
    if (cli_print_raw(cli, offers))
        return true;
    if (json_array_size(offers) == 0) {
        cli_note(cli, "No space for volumes matches.%s",
                 args_has(&cli->args, "no-default")
                     ? ""
                     : " Only verified machines were looked at; -n shows all.");
        return true;
    }
    for (size_t i = 0; i < json_array_size(offers); i++)
        add_offer(&table, json_array_get(offers, i));
    table_write(&table, cli->style, cli->out);
    return true;
}

static bool write_size(struct cli *cli, const char *option, struct encoder *json, struct error *err)
{
    encode_key(json, "size");
    return offers_write_gb(cli, option, SIZE_DEFAULT, json, err);
}

bool cmd_create_volume(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    long long offer_id;

    if (!cli_id(cli, cli->args.words[0], "an offer of volumes", &offer_id, err))
        return false;
    encode_object(&json);
    if (!write_size(cli, "size", &json, err))
        return false;
    encode_field_int(&json, "id", offer_id);
    encode_field_text(&json, "name", args_get(&cli->args, "name"));
    encode_end(&json);
    if (body.has_overflowed)
        return cli_usage(cli, err, "this is too long");
    if (!client_call(cli->client, "PUT", "/api/v0/volumes/", &body, &reply, err))
        return error_context(err, "take space of offer %lld", offer_id);
    if (cli_print_raw(cli, reply))
        return true;
    const char *name = print_text_of(reply, "volume_name");
    buf_printf(cli->out, "Volume %lld is yours.\n", (long long)print_int_of(reply, "volume_id"));
    cli_note(cli, "It is charged until you delete it. Mount it with --env '-v %s:/data'.", name);
    return true;
}

/* The instances that mount it, or a dash. */
static void add_instances(struct table *table, const json_t *volume)
{
    const json_t *instances = json_member(volume, "instances");
    auto_buf struct buf text = buf_of(BODY_MAX);

    for (size_t i = 0; i < json_array_size(instances); i++)
        buf_printf(&text, "%s%lld", i > 0 ? " " : "",
                   (long long)json_integer_value(json_array_get(instances, i)));
    table_cell(table, "%s", text.length > 0 ? text.bytes : "-");
}

static void add_volume(struct table *table, const json_t *volume)
{
    double now_s = (double)clock_now(&clock_system).microseconds / 1e6;
    double made_s = print_real_of(volume, "start_date");
    char age[AGE_TEXT_SIZE];

    table_number(table, volume, "id", 1, 0);
    table_text(table, volume, "label");
    table_number(table, volume, "disk_space", 1, 0);
    table_text(table, volume, "status");
    add_instances(table, volume);
    table_number(table, volume, "storage_total_cost", 1, 5);
    table_number(table, volume, "machine_id", 1, 0);
    table_text(table, volume, "disk_name");
    table_cell(table, "%s ago", print_age((int64_t)(now_s - made_s), age));
    table_text(table, volume, "geolocation");
}

bool cmd_show_volumes(struct cli *cli, struct error *err)
{
    const char *type = args_get(&cli->args, "type");
    auto_json json_t *reply = NULL;
    auto_table struct table table =
        table_of(volume_columns, sizeof volume_columns / sizeof volume_columns[0]);
    const json_t *volumes;
    char path[PATH_SIZE];

    type = type == NULL ? "all" : type;
    if (strcmp(type, "all") != 0 && strcmp(type, "local") != 0 && strcmp(type, "network") != 0)
        return cli_usage(cli, err, "--type is local, network or all");
    (void)snprintf(path, sizeof path, "/api/v0/volumes/?owner=me&type=%s_volume", type);
    if (!client_call(cli->client, "GET", path, NULL, &reply, err) ||
        !json_need_array(reply, "volumes", SIZE_MAX, &volumes, err))
        return false;
    if (cli_print_ids(cli, volumes) || cli_print_raw(cli, volumes))
        return true;
    if (json_array_size(volumes) == 0) {
        cli_note(cli, "There are no volumes. `berth search volumes` shows space for some.");
        return true;
    }
    for (size_t i = 0; i < json_array_size(volumes); i++)
        add_volume(&table, json_array_get(volumes, i));
    table_write(&table, cli->style, cli->out);
    return true;
}

/* "V.8101" is how volumes are mounted, so it is taken for one here, too. */
static bool read_volume(struct cli *cli, const char *word, long long *ret, struct error *err)
{
    return cli_id(cli, strncmp(word, "V.", 2) == 0 ? word + 2 : word, "a volume", ret, err);
}

bool cmd_delete_volume(struct cli *cli, struct error *err)
{
    char path[PATH_SIZE];
    long long id;

    if (!read_volume(cli, cli->args.words[0], &id, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/volumes/?id=%lld", id);
    return cli_ask(cli, "DELETE", path, NULL, err);
}

bool cmd_clone_volume(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long source, offer_id;

    if (!read_volume(cli, cli->args.words[0], &source, err) ||
        !cli_id(cli, cli->args.words[1], "an offer of volumes", &offer_id, err))
        return false;
    encode_object(&json);
    encode_field_int(&json, "src_id", source);
    encode_field_int(&json, "dst_id", offer_id);
    if (args_has(&cli->args, "size") && !write_size(cli, "size", &json, err))
        return false;
    if (args_has(&cli->args, "disable-compression"))
        encode_field_bool(&json, "disable_compression", true);
    encode_end(&json);
    return cli_ask(cli, "POST", "/api/v0/volumes/copy/", &body, err);
}

static bool write_machines(struct cli *cli, struct encoder *json, struct error *err)
{
    bool is_one = cli->args.word_count == 1;
    long long id;

    encode_key(json, "machine");
    if (!is_one)
        encode_array(json);
    for (size_t i = 0; i < cli->args.word_count; i++) {
        if (!cli_id(cli, cli->args.words[i], "a machine", &id, err))
            return false;
        encode_int(json, id);
    }
    if (!is_one)
        encode_end(json);
    return true;
}

bool cmd_list_volume(struct cli *cli, struct error *err)
{
    static const struct price_option prices[] = { { "price-disk", "price_disk" }, { NULL, NULL } };
    const char *end_text = args_get(&cli->args, "end-date");
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    int64_t end = 0;

    if (end_text != NULL && !machines_parse_date(end_text, &end))
        return cli_usage(cli, err, "--end-date: '%.32s' is no date such as 2027-01-31", end_text);
    encode_object(&json);
    if (!write_size(cli, "size", &json, err) || !write_machines(cli, &json, err) ||
        !price_options_write(cli, prices, &json, err))
        return false;
    if (end_text != NULL)
        encode_field_int(&json, "end_date", end);
    encode_end(&json);
    return cli_ask(cli, "POST", "/api/v0/volumes/", &body, err);
}

bool cmd_unlist_volume(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    long long id;

    if (!cli_id(cli, cli->args.words[0], "an offer of volumes", &id, err))
        return false;
    encode_object(&json);
    encode_field_int(&json, "id", id);
    encode_end(&json);
    return cli_ask(cli, "POST", "/api/v0/volumes/unlist/", &body, err);
}

bool volumes_write_info(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *offer = args_get(&cli->args, "create-volume");
    const char *volume = args_get(&cli->args, "link-volume");
    const char *path = args_get(&cli->args, "mount-path");
    bool is_sized = args_has(&cli->args, "volume-size") || args_has(&cli->args, "volume-label");
    long long id;

    if (offer == NULL && volume == NULL && path == NULL && !is_sized)
        return true;
    if ((offer == NULL) == (volume == NULL))
        return cli_usage(cli, err, "one of --create-volume and --link-volume");
    if (path == NULL)
        return cli_usage(cli, err, "--mount-path says where to mount the volume");
    if (volume != NULL && is_sized)
        return cli_usage(cli, err, "a volume that is there has its size and its name");
    if (volume != NULL ? !read_volume(cli, volume, &id, err)
                       : !cli_id(cli, offer, "an offer of volumes", &id, err))
        return false;
    encode_key(json, "volume_info");
    encode_object(json);
    encode_field_text(json, "mount_path", path);
    encode_field_bool(json, "create_new", offer != NULL);
    encode_field_int(json, "volume_id", id);
    if (offer != NULL && !write_size(cli, "volume-size", json, err))
        return false;
    if (offer != NULL)
        encode_field_text(json, "name", args_get(&cli->args, "volume-label"));
    encode_end(json);
    return true;
}
