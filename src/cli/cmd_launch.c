/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_launch.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_offers.h"
#include "cli/query.h"

enum { BODY_LENGTH_MAX = 1 << 20, GPUS_MAX_ASKED = 1024, NAME_LENGTH_MAX = 128 };

const struct args_option cmd_launch_instance_options[] = {
    { "gpu-name", 'g', "GPU", "such as RTX_4090" },
    { "num-gpus", 'n', "N", "how many of them" },
    { "region", 'r', "WHERE", "a country as SE, or a part of the world as Europe" },
    { "order", 'o', "FIELDS", "which is first: dph,num_gpus-; a dash sorts from the top" },
    { "limit", 0, "N", "look at so many at most (3)" },
    RENTAL_IMAGE_OPTION('i'),
    RENTAL_DISK_OPTION('d'),
#include "cli/rental_options.def"
    { NULL, 0, NULL, NULL },
};

const struct args_option cmd_update_instance_options[] = {
    { "template-id", 0, "ID", "take what this template says" },
    { "template-hash-id", 0, "HASH", "the same, by its hash" },
    { "image", 0, "IMAGE", "what to run" },
    { "env", 0, "FLAGS", "variables and ports, as for docker, in place of all" },
    { "onstart", 0, "COMMAND", "what to run at each start" },
    { "args", 0, "ARG...", "run the image's own entry point with all that follows" },
    { NULL, 0, NULL, NULL },
};

/* {"gpu_name": {"eq": "RTX 4090"}}: as texts, which is how others send them. */
static void write_condition(struct encoder *json, const char *name, const char *relation,
                            const char *text)
{
    char blanks[NAME_LENGTH_MAX];

    (void)snprintf(blanks, sizeof blanks, "%s", text);
    for (char *at = strchr(blanks, '_'); at != NULL; at = strchr(at, '_'))
        *at = ' ';
    encode_key(json, name);
    encode_object(json);
    if (strcmp(relation, "in") != 0) {
        encode_field_text(json, relation, blanks);
    } else {
        encode_key(json, relation);
        encode_array(json);
        encode_text(json, blanks);
        encode_end(json);
    }
    encode_end(json);
}

static bool write_query(struct cli *cli, struct encoder *json, struct error *err)
{
    const char *region = args_get(&cli->args, "region"), *disk = args_get(&cli->args, "disk");
    const char *gpus = args_get(&cli->args, "num-gpus"), *name = args_get(&cli->args, "gpu-name");
    uint64_t count;
    size_t at;

    if (name == NULL || gpus == NULL || strlen(name) >= NAME_LENGTH_MAX ||
        (region != NULL && strlen(region) >= NAME_LENGTH_MAX))
        return cli_usage(cli, err, "--gpu-name and --num-gpus say what to look for");
    if (!parse_u64(gpus, &count) || count == 0 || count > GPUS_MAX_ASKED)
        return cli_usage(cli, err, "--num-gpus is a number from 1 to %d", GPUS_MAX_ASKED);
    encode_key(json, "q");
    encode_object(json);
    if (!query_write("", QUERY_DEFAULTS_ALL, json, &at, err))
        return false;
    write_condition(json, "num_gpus", "eq", gpus);
    write_condition(json, "gpu_name", "eq", name);
    if (region != NULL)
        write_condition(json, "geolocation", "in", region);
    if (disk != NULL)
        write_condition(json, "disk_space", "gte", disk);
    if (!offers_write_order(cli, json, err) || !offers_write_limit(cli, json, err))
        return false;
    encode_field_text(json, "type", "on-demand");
    encode_key(json, "allocated_storage");
    if (!offers_write_gb(cli, "disk", "10", json, err))
        return false;
    encode_end(json);
    return true;
}

static bool is_whole(struct encoder *json, const struct buf *body, struct error *err)
{
    encode_end(json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the request is too long");
}

bool cmd_launch_instance(struct cli *cli, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    if (!write_query(cli, &json, err) || !offers_write_members(cli, &json, err) ||
        !is_whole(&json, &body, err) ||
        !client_call(cli->client, "PUT", "/api/v0/launch_instance/", &body, &reply, err))
        return false;
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "Instance %lld is starting.\n",
                   (long long)print_int_of(reply, "new_contract"));
    return true;
}

bool cmd_update_instance(struct cli *cli, struct error *err)
{
    const char *template_id = args_get(&cli->args, "template-id");
    auto_buf struct buf body = buf_of(BODY_LENGTH_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);
    long long id, template = 0;
    char path[96];

    if (!cli_id(cli, cli->args.words[0], "an instance", &id, err) ||
        (template_id != NULL && !cli_id(cli, template_id, "a template", &template, err)))
        return false;
    encode_object(&json);
    encode_field_int(&json, "id", id);
    if (template_id != NULL)
        encode_field_int(&json, "template_id", template);
    encode_field_text(&json, "template_hash_id", args_get(&cli->args, "template-hash-id"));
    encode_field_text(&json, "image", args_get(&cli->args, "image"));
    encode_field_text(&json, "env", args_get(&cli->args, "env"));
    encode_field_text(&json, "onstart", args_get(&cli->args, "onstart"));
    if (args_has(&cli->args, "args")) {
        encode_key(&json, "args");
        encode_array(&json);
        for (const char *const *at = cli->args.rest; *at != NULL; at++)
            encode_text(&json, *at);
        encode_end(&json);
    }
    if (!is_whole(&json, &body, err))
        return false;
    (void)snprintf(path, sizeof path, "/api/v0/instances/update_template/%lld/", id);
    if (!client_call(cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "instance %lld", id);
    if (!cli_print_raw(cli, reply))
        buf_printf(cli->out, "Instance %lld is made again, with the same disk size.\n", id);
    return true;
}
