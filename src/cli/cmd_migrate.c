/* SPDX-License-Identifier: Apache-2.0 */
/* The old instance is left alone until the new one runs with its files: whatever fails before that
 * costs a second rental for a while, and nothing else. */
#include "cli/cmd_migrate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/parse.h"
#include "cli/cmd_instances.h"
#include "cli/copy_between.h"
#include "cli/print.h"
#include "cli/wait_running.h"
#include "sys/file.h"

enum {
    BODY_MAX = 1 << 20,
    KEYS_MAX = 1 << 20,
    PATH_SIZE = 128,
    GPUS_SIZE = 160,
    START_S_ASSUMED = 60, /* of a machine that has not been measured */
    RUN_TIMEOUT_S = 1800,
    STOP_TIMEOUT_S = 300,
    PAUSE_US = 500000,
    SHARE_OF_LINE = 2, /* a copy is taken for half as fast as the slower line: it is encrypted */
    COUNT_MAX = 100000,
};

const struct args_option cmd_migrate_instance_options[] = {
    { "to", 0, "OFFER", "to this offer, rather than to the cheapest with the same GPUs" },
    { "into", 0, "ID", "go on with this instance, which an interrupted migration has rented" },
    { "bid-price", 0, "DOLLARS", "bid so much an hour there, rather than rent on demand" },
    { "login", 0, "LOGIN", "-u USER -p PASSWORD REGISTRY, to pull a private image" },
    { "leave-volumes", 0, NULL, "though it has volumes, which stay on their machine" },
    { "keep", 0, NULL, "leave the old one, stopped, and paid for" },
    { "dry-run", 0, NULL, "say where to, how long and for how much; do nothing" },
    { "yes", 'y', NULL, "do not ask" },
    { NULL, 0, NULL, NULL },
};

struct migration {
    struct cli *cli;
    long long old_id, new_id, offer_id;
    const json_t *old;
    double hour;       /* dollars, there */
    int64_t seconds;   /* that it should take */
    bool has_measured; /* how much there is to copy */
};

/* What cannot go along is said before anything is rented. */
static bool check_old(struct migration *work, struct error *err)
{
    const json_t *volume = json_array_get(json_member(work->old, "volume_info"), 0);

    if (print_int_of(work->old, "encrypted_workspace") > 0)
        return error_set(err, ERROR_CONFLICT,
                         "instance %lld has an encrypted /workspace, which nobody reads while it "
                         "is stopped: start it, and take what is in there with berth copy",
                         work->old_id);
    if (volume != NULL && !args_has(&work->cli->args, "leave-volumes"))
        return error_set(err, ERROR_CONFLICT,
                         "instance %lld mounts volume %lld, which cannot leave its machine: "
                         "--leave-volumes goes without",
                         work->old_id, (long long)print_int_of(volume, "id"));
    if (strcmp(print_text_of(work->old, "intended_status"), "running") == 0 &&
        strcmp(print_text_of(work->old, "actual_status"), "running") == 0)
        return error_set(err, ERROR_CONFLICT,
                         "instance %lld runs: stop it first, so that its files stand still",
                         work->old_id);
    return true;
}

static void condition(struct encoder *json, const char *name, const char *relation,
                      const json_t *value)
{
    auto_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    encode_key(json, name);
    encode_object(json);
    encode_key(json, relation);
    encode_raw(json, text != NULL ? text : "null", text != NULL ? strlen(text) : 4);
    encode_end(json);
}

static bool write_search(struct migration *work, struct buf *body, struct error *err)
{
    const char *offer = args_get(&work->cli->args, "to");
    struct encoder json = encoder_of(body);
    auto_json json_t *disk = json_real(ceil(print_real_of(work->old, "disk_space")));
    auto_json json_t *rentable = json_true();
    long long id = 0;

    if (offer != NULL && !cli_id(work->cli, offer, "an offer", &id, err))
        return false;
    encode_object(&json);
    if (offer != NULL) {
        auto_json json_t *wanted = json_integer(id);

        condition(&json, "id", "eq", wanted);
    } else {
        if (json_is_string(json_member(work->old, "gpu_name")))
            condition(&json, "gpu_name", "eq", json_member(work->old, "gpu_name"));
        condition(&json, "num_gpus", "eq", json_member(work->old, "num_gpus"));
        condition(&json, "rentable", "eq", rentable);
    }
    condition(&json, "machine_id", "neq", json_member(work->old, "machine_id"));
    condition(&json, "disk_space", "gte", disk);
    encode_key(&json, "order");
    encode_raw(&json, "[[\"dph_total\",\"asc\"]]", strlen("[[\"dph_total\",\"asc\"]]"));
    encode_field_text(&json, "type", args_has(&work->cli->args, "bid-price") ? "bid" : "on-demand");
    encode_key(&json, "allocated_storage");
    encode_real(&json, json_real_value(disk));
    encode_field_int(&json, "limit", 1);
    encode_end(&json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the search is too long");
}

/* Of files as the host has last counted them, over the slower of both lines. */
static int64_t copy_seconds(const struct migration *work, const json_t *offer)
{
    double up = print_real_of(work->old, "inet_up"), down = print_real_of(offer, "inet_down");
    double slower = up > 0 && (up < down || down <= 0) ? up : down;
    double gb = print_real_of(work->old, "disk_usage");

    if (slower <= 0 || gb < 0)
        return -1;
    double seconds = gb * 8000 * SHARE_OF_LINE / slower;
    return seconds < 1e9 ? (int64_t)seconds + 1 : -1;
}

/* "2x RTX 4090" */
static const char *gpus_text(const json_t *row, char text[static GPUS_SIZE])
{
    long long count = (long long)print_int_of(row, "num_gpus");

    if (count == 0)
        (void)snprintf(text, GPUS_SIZE, "no GPU");
    else
        (void)snprintf(text, GPUS_SIZE, "%lldx %s", count, print_text_of(row, "gpu_name"));
    return text;
}

static bool find_offer(struct migration *work, json_t **ret_offer, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char gpus[GPUS_SIZE];
    const json_t *offers;

    if (!write_search(work, &body, err) ||
        !client_call(work->cli->client, "POST", "/api/v0/bundles/", &body, &reply, err) ||
        !json_need_array(reply, "offers", COUNT_MAX, &offers, err))
        return false;
    const json_t *offer = json_array_get(offers, 0);
    if (offer == NULL && args_has(&work->cli->args, "to"))
        return error_set(err, ERROR_NOT_FOUND,
                         "offer %s is not there, is on the same machine, or has less than %.0f GB "
                         "of disk",
                         args_get(&work->cli->args, "to"), print_real_of(work->old, "disk_space"));
    if (offer == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "no other machine offers %s with %.0f GB of disk now; --to takes what "
                         "berth search offers finds",
                         gpus_text(work->old, gpus), print_real_of(work->old, "disk_space"));
    *ret_offer = json_incref((json_t *)(uintptr_t)offer);
    return true;
}

/* As that machine's own pulls and starts were measured. */
static bool start_seconds(struct migration *work, const json_t *offer, int64_t *ret,
                          struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "image", print_text_of(work->old, "image_uuid"));
    encode_key(&json, "machine_ids");
    encode_array(&json);
    encode_int(&json, print_int_of(offer, "machine_id"));
    encode_end(&json);
    encode_end(&json);
    if (!client_call(work->cli->client, "POST", "/api/v0/images/starts/", &body, &reply, err))
        return false;
    double seconds =
        print_real_of(json_array_get(json_member(reply, "machines"), 0), "starts_in_s");
    *ret = seconds > 0 && seconds < 1e6 ? (int64_t)ceil(seconds) : START_S_ASSUMED;
    return true;
}

static bool plan(struct migration *work, struct error *err)
{
    auto_json json_t *offer = NULL;
    struct buf *out = work->cli->out;
    char age[AGE_TEXT_SIZE], gpus[GPUS_SIZE];
    int64_t start_s;

    if (!find_offer(work, &offer, err) || !start_seconds(work, offer, &start_s, err))
        return false;
    int64_t copy_s = copy_seconds(work, offer);

    work->offer_id = print_int_of(offer, "id");
    work->hour = print_real_of(offer, "dph_total");
    work->has_measured = copy_s >= 0;
    /* It is started twice: once for the files to come to, once with them. */
    work->seconds = 2 * start_s + (copy_s > 0 ? copy_s : 0);
    print_line(out, "From", "instance %lld, machine %lld, %s, $%.4f an hour running", work->old_id,
               (long long)print_int_of(work->old, "machine_id"), gpus_text(work->old, gpus),
               print_real_of(work->old, "dph_total"));
    print_line(out, "To", "offer %lld, machine %lld, %s, %s, $%.4f an hour", work->offer_id,
               (long long)print_int_of(offer, "machine_id"), gpus_text(offer, gpus),
               print_text_or_dash(offer, "geolocation"), work->hour);
    if (work->has_measured)
        print_line(out, "Takes", "about %s for %.1f GB of files", print_age(work->seconds, age),
                   print_real_of(work->old, "disk_usage"));
    else
        print_line(out, "Takes", "%s and the time to copy its files, which nobody has measured",
                   print_age(work->seconds, age));
    print_line(out, "Traffic", "$%.2f per TB out of here, $%.2f per TB in there",
               print_real_of(work->old, "inet_up_cost") * 1000,
               print_real_of(offer, "inet_down_cost") * 1000);
    print_line(out, "New there", "its number, address and ports; whatever is in memory is gone");
    return true;
}

/* What was said so far is seen before anything takes long. */
static bool flush(struct cli *cli, struct error *err)
{
    bool is_written = cli->is_raw || cli->out->length == 0 ||
                      file_write_all(cli->out_fd, cli->out->bytes, cli->out->length, err);

    buf_release(cli->out);
    return is_written;
}

static bool agree(struct migration *work, struct error *err)
{
    struct cli *cli = work->cli;
    char answer[8] = "";

    if (args_has(&cli->args, "yes"))
        return true;
    if (isatty(STDIN_FILENO) != 1)
        return cli_usage(cli, err,
                         "this rents another machine%s: say --yes where nobody can be asked",
                         args_has(&cli->args, "keep") ? "" : " and then destroys the old instance");
    if (!flush(cli, err))
        return false;
    cli_note(cli, "Migrate%s? [y/N]",
             args_has(&cli->args, "keep") ? "" : ", and destroy the old instance at the end");
    ssize_t length = read(STDIN_FILENO, answer, sizeof answer - 1);
    if (length <= 0 || (answer[0] != 'y' && answer[0] != 'Y'))
        return error_set(err, ERROR_INVALID, "nothing was changed");
    return true;
}

/* Its variables and ports; not its volumes. */
static void write_env(struct encoder *json, const json_t *old)
{
    const json_t *env = json_member(old, "extra_env");
    auto_json json_t *kept = json_array();
    size_t at;
    json_t *pair;

    json_array_foreach((json_t *)(uintptr_t)env, at, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));

        if (name != NULL && strncmp(name, "-v ", 3) != 0)
            (void)json_array_append(kept, pair);
    }
    auto_free char *text = json_dumps(kept, JSON_COMPACT);
    encode_key(json, "env");
    encode_raw(json, text != NULL ? text : "[]", text != NULL ? strlen(text) : 2);
}

static bool check_price(struct cli *cli, struct error *err)
{
    const char *price = args_get(&cli->args, "bid-price");
    auto_json json_t *number = price != NULL ? json_loads(price, JSON_DECODE_ANY, NULL) : NULL;

    return price == NULL || (json_is_number(number) && json_number_value(number) > 0) ||
           cli_usage(cli, err, "--bid-price is a number of dollars an hour, such as 0.25");
}

static bool write_rental(const struct migration *work, struct buf *body, struct error *err)
{
    const char *price = args_get(&work->cli->args, "bid-price");
    const json_t *arguments = json_member(work->old, "image_args");
    struct encoder json = encoder_of(body);
    encode_object(&json);
    encode_field_text(&json, "image", print_text_of(work->old, "image_uuid"));
    encode_key(&json, "disk");
    encode_real(&json, print_real_of(work->old, "disk_space"));
    encode_field_text(&json, "runtype", print_text_of(work->old, "image_runtype"));
    if (*print_text_of(work->old, "label") != '\0')
        encode_field_text(&json, "label", print_text_of(work->old, "label"));
    if (*print_text_of(work->old, "onstart") != '\0')
        encode_field_text(&json, "onstart", print_text_of(work->old, "onstart"));
    if (json_array_size(arguments) > 0) {
        auto_free char *text = json_dumps(arguments, JSON_COMPACT);

        encode_key(&json, "args");
        encode_raw(&json, text != NULL ? text : "[]", text != NULL ? strlen(text) : 2);
    }
    write_env(&json, work->old);
    if (price != NULL) {
        encode_key(&json, "price");
        encode_raw(&json, price, strlen(price));
    }
    if (args_has(&work->cli->args, "login"))
        encode_field_text(&json, "image_login", args_get(&work->cli->args, "login"));
    encode_key(&json, "cancel_unavail");
    encode_bool(&json, true);
    encode_end(&json);
    return !body->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "its settings are too long");
}

static bool rent_there(struct migration *work, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "/api/v0/asks/%lld/", work->offer_id);
    if (!write_rental(work, &body, err) ||
        !client_call(work->cli->client, "PUT", path, &body, &reply, err))
        return error_context(err, "offer %lld", work->offer_id);
    work->new_id = print_int_of(reply, "new_contract");
    cli_note(work->cli,
             "Instance %lld is rented; the old one is as it was. Should this be cut "
             "short: berth migrate %lld --into %lld",
             work->new_id, work->old_id, work->new_id);
    return true;
}

static bool call_on(struct cli *cli, const char *method, const char *path_format, long long id,
                    struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];

    buf_printf(&body, "{}");
    (void)snprintf(path, sizeof path, "/api/v0/instances/%s%lld/", path_format, id);
    return client_call(cli->client, method, path, &body, &reply, err) ||
           error_context(err, "instance %lld", id);
}

/* One that waits for GPUs could start in the middle of the copy. */
static bool stop_old(struct migration *work, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    auto_json json_t *reply = NULL;
    char path[PATH_SIZE];

    if (strcmp(print_text_of(work->old, "intended_status"), "stopped") != 0) {
        buf_printf(&body, "{\"state\":\"stopped\"}");
        (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/", work->old_id);
        if (!client_call(work->cli->client, "PUT", path, &body, &reply, err))
            return error_context(err, "instance %lld", work->old_id);
    }
    for (int64_t waited_us = 0;; waited_us += PAUSE_US) {
        auto_json json_t *now = NULL;

        if (!instance_fetch(work->cli, work->old_id, &now, err))
            return false;
        const char *actual = print_text_of(now, "actual_status");
        if (strcmp(actual, "running") != 0 && strcmp(actual, "loading") != 0)
            return true;
        if (waited_us >= STOP_TIMEOUT_S * US_PER_SECOND)
            return error_set(err, ERROR_TIMEOUT, "instance %lld does not stop", work->old_id);
        (void)usleep(PAUSE_US);
    }
}

/* The keys of the account open the new one as it is; others were let in by hand. */
static bool attach_keys(struct migration *work, struct error *err)
{
    auto_json json_t *reply = NULL, *keys = NULL;
    char path[PATH_SIZE];
    size_t at;
    json_t *key;

    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/ssh/", work->old_id);
    if (!client_call(work->cli->client, "GET", path, NULL, &reply, err))
        return error_context(err, "the keys of instance %lld", work->old_id);
    keys = json_loads(print_text_of(reply, "ssh_keys"), 0, NULL);
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/ssh/", work->new_id);
    json_array_foreach(keys, at, key)
    {
        auto_buf struct buf body = buf_of(KEYS_MAX);
        auto_json json_t *done = NULL;
        struct encoder json = encoder_of(&body);

        encode_object(&json);
        encode_field_text(&json, "ssh_key", print_text_of(key, "public_key"));
        encode_end(&json);
        if (!client_call(work->cli->client, "POST", path, &body, &done, err))
            return error_context(err, "a key of instance %lld", work->old_id);
    }
    return true;
}

static bool wait_for_new(struct migration *work, struct error *err)
{
    auto_json json_t *instance = NULL;

    return instance_wait_running(work->cli, work->new_id, RUN_TIMEOUT_S * US_PER_SECOND, &instance,
                                 err);
}

/* Everything but what each machine puts there itself: see guest/copy.h. */
static bool bring_files(struct migration *work, struct error *err)
{
    const struct copy_side from = { work->old_id, "/" }, to = { work->new_id, "/" };

    return copy_between_hosts(work->cli, &from, &to, err) && flush(work->cli, err) &&
           call_on(work->cli, "PUT", "reboot/", work->new_id, err) && wait_for_new(work, err);
}

static bool carry_out(struct migration *work, struct error *err)
{
    struct cli *cli = work->cli;

    if (!stop_old(work, err) || (work->new_id == 0 && !rent_there(work, err)))
        return false;
    if (!wait_for_new(work, err) || !attach_keys(work, err) || !bring_files(work, err))
        return error_context(err, "instance %lld is as it was, and %lld is rented as well",
                             work->old_id, work->new_id);
    if (!args_has(&cli->args, "keep") && !call_on(cli, "DELETE", "", work->old_id, err))
        return error_context(err, "instance %lld runs with all files", work->new_id);
    return true;
}

static void report_plan(const struct migration *work)
{
    struct encoder json = encoder_of(work->cli->out);

    encode_object(&json);
    encode_field_int(&json, "offer", work->offer_id);
    encode_key(&json, "dph_total");
    encode_real(&json, work->hour);
    encode_field_int(&json, "seconds", work->seconds);
    encode_field_bool(&json, "has_measured", work->has_measured);
    encode_end(&json);
    buf_printf(work->cli->out, "\n");
}

static void report(const struct migration *work)
{
    struct cli *cli = work->cli;

    if (cli->is_raw)
        buf_printf(cli->out, "{\"old_contract\": %lld, \"new_contract\": %lld}\n", work->old_id,
                   work->new_id);
    else
        buf_printf(cli->out,
                   "Instance %lld has gone to instance %lld, which runs. The old one is %s.\n",
                   work->old_id, work->new_id,
                   args_has(&cli->args, "keep") ? "kept, stopped" : "destroyed");
}

/* What an interrupted migration has rented looks like the old one; in anything else it would write
 * over somebody's files. */
static bool check_new(const struct migration *work, struct error *err)
{
    static const char *const names[] = { "image_uuid", "label", "disk_space", "onstart" };
    auto_json json_t *found = NULL;

    if (!instance_fetch(work->cli, work->new_id, &found, err))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_equal(json_member(found, names[i]), json_member(work->old, names[i])) != 1)
            return error_set(err, ERROR_CONFLICT,
                             "instance %lld is none that a migration of %lld has rented: its %s is "
                             "another",
                             work->new_id, work->old_id, names[i]);
    return true;
}

bool cmd_migrate_instance(struct cli *cli, struct error *err)
{
    const char *into = args_get(&cli->args, "into");
    struct migration work = { .cli = cli };
    auto_json json_t *old = NULL;

    if (!cli_id(cli, cli->args.words[0], "an instance", &work.old_id, err) ||
        (into != NULL && !cli_id(cli, into, "an instance", &work.new_id, err)))
        return false;
    if (work.new_id == work.old_id)
        return cli_usage(cli, err, "--into is another instance than %lld", work.old_id);
    if (into != NULL && (args_has(&cli->args, "dry-run") || args_has(&cli->args, "to")))
        return cli_usage(cli, err,
                         "--into goes on with what is rented: --to and --dry-run come before");
    if (!check_price(cli, err))
        return false;
    if (!instance_fetch(cli, work.old_id, &old, err))
        return false;
    work.old = old;
    if (!check_old(&work, err) || !(into == NULL ? plan(&work, err) : check_new(&work, err)))
        return false;
    if (args_has(&cli->args, "dry-run")) {
        if (cli->is_raw) {
            buf_release(cli->out);
            report_plan(&work);
        }
        return true;
    }
    if (!agree(&work, err) || !flush(cli, err) || !carry_out(&work, err))
        return false;
    report(&work);
    return true;
}
