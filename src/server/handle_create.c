/* SPDX-License-Identifier: Apache-2.0 */
/* Rent an offer (api.md 2.4): what the client asks for, in its many spellings, becomes one request
 * to flow/rent.h; what Berth does not have yet is refused by name rather than left out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/rent.h"
#include "market/auction.h"
#include "market/launch.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/rental_read.h"
#include "server/reply.h"
#include "server/template_use.h"
#include "server/volume_read.h"

enum {
    RENT_REPLY_MAX = 64 * 1024,
    DISK_DEFAULT_GB = 8,
    DISK_MAX_GB = 1 << 20,
    USER_TEXT_MAX = 64,
    RUNTYPE_TEXT_MAX = 256,
    TARGET_TEXT_MAX = 16,
    DIR_TEXT_MAX = 1024,
};

static bool is_given(const json_t *body, const char *name)
{
    const json_t *value = json_member(body, name);

    return value != NULL && !json_is_false(value) &&
           !(json_is_string(value) && json_string_length(value) == 0);
}

static bool refuse_what_is_missing(struct call *call)
{
    if (is_given(call->body, "vm") || is_given(call->body, "extra")) {
        reply_refuse(call, 400, "invalid_args",
                     "vm and extra are not offered here: instances are containers.");
        return true;
    }
    return false;
}

/* GB as a number or its text, upwards to the next whole one. */
static bool read_disk(const json_t *body, int64_t *ret, struct error *err)
{
    const json_t *disk = json_member(body, "disk");
    auto_json json_t *parsed = NULL;

    if (disk == NULL) {
        *ret = DISK_DEFAULT_GB;
        return true;
    }
    if (json_is_string(disk)) {
        if (!json_parse(json_string_value(disk), json_string_length(disk), &parsed, err))
            return error_set(err, ERROR_INVALID, "disk must be a number of GB");
        disk = parsed;
    }
    if (!json_is_number(disk))
        return error_set(err, ERROR_INVALID, "disk must be a number of GB");
    double gb = ceil(json_number_value(disk));
    if (!(gb >= 1 && gb <= DISK_MAX_GB))
        return error_set(err, ERROR_OUT_OF_RANGE, "disk must be 1 to %d GB", DISK_MAX_GB);
    *ret = (int64_t)gb;
    return true;
}

/* A flag that stands for a variable: one that the client sets itself wins. */
static bool add_locale(const json_t *body, const char *flag, struct spec_variable variable,
                       struct instance_spec *spec, struct error *err)
{
    bool is_set = false;

    if (!json_opt_bool(body, flag, &is_set, err))
        return false;
    for (int64_t i = 0; i < spec->env_count; i++)
        is_set = is_set && strcmp(spec->env[i].name, variable.name) != 0;
    if (is_set && spec->env_count < SPEC_ENV_MAX)
        spec->env[spec->env_count++] = variable;
    return true;
}

static bool read_env(const json_t *body, struct arena *arena, struct instance_spec *spec,
                     struct error *err)
{
    struct launch_env env;

    if (!launch_env_parse(json_member(body, "env"), arena, &env, err))
        return false;
    spec->env = arena_alloc(arena, SPEC_ENV_MAX, sizeof *spec->env);
    spec->ports = arena_alloc(arena, env.port_count, sizeof *spec->ports);
    if (spec->env == NULL || spec->ports == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
    if (env.variable_count > SPEC_ENV_MAX || env.port_count > SPEC_PORTS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "env has at most %d variables and %d ports",
                         SPEC_ENV_MAX, SPEC_PORTS_MAX);
    for (size_t i = 0; i < env.variable_count; i++)
        spec->env[i] = (struct spec_variable){ env.variables[i].name, env.variables[i].value };
    for (size_t i = 0; i < env.port_count; i++)
        spec->ports[i] = (struct spec_port){ env.ports[i].port, env.ports[i].is_udp };
    spec->env_count = (int64_t)env.variable_count;
    spec->port_count = (int64_t)env.port_count;
    spec->shm_mb = env.shm_mb;
    spec->volumes = arena_alloc(arena, SPEC_VOLUMES_MAX, sizeof *spec->volumes);
    if (spec->volumes == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "env is too large");
    for (size_t i = 0; i < env.volume_count; i++)
        spec->volumes[i] = (struct spec_volume){ env.volumes[i].id, 1, env.volumes[i].path };
    spec->volume_count = (int64_t)env.volume_count;
    if (env.hostname[0] != '\0')
        spec->hostname = arena_text(arena, env.hostname);
    return add_locale(body, "lang_utf8", (struct spec_variable){ "LANG", "C.UTF-8" }, spec, err) &&
           add_locale(body, "python_utf8", (struct spec_variable){ "PYTHONUTF8", "1" }, spec, err);
}

static bool read_args(const json_t *body, struct arena *arena, struct instance_spec *spec,
                      bool *ret_has_args, struct error *err)
{
    const json_t *value = json_member(body, "args");
    struct launch_args args = { 0 };

    if (value == NULL)
        value = json_member(body, "args_str");
    if (value != NULL && !launch_args_parse(value, arena, &args, err))
        return false;
    *ret_has_args = value != NULL;
    spec->arg_count = (int64_t)args.count;
    spec->args = args.values;
    return true;
}

static bool read_mode(const json_t *body, bool has_args, struct instance_spec *spec,
                      struct error *err)
{
    struct launch_mode mode;
    const char *runtype = NULL;
    bool is_lab = false;

    if (!json_opt_text(body, "runtype", RUNTYPE_TEXT_MAX, &runtype, err) ||
        !launch_mode_parse(runtype, has_args, &mode, err))
        return false;
    if (mode.has_jupyter) {
        if (!json_opt_text(body, "jupyter_dir", DIR_TEXT_MAX, &spec->jupyter_dir, err) ||
            !json_opt_bool(body, "use_jupyter_lab", &is_lab, err))
            return false;
        if (spec->jupyter_dir != NULL && spec->jupyter_dir[0] == '\0')
            spec->jupyter_dir = NULL;
        if (spec->jupyter_dir != NULL && spec->jupyter_dir[0] != '/')
            return error_set(err, ERROR_INVALID, "jupyter_dir begins with a slash");
        spec->jupyter_app = is_lab ? "lab" : "notebook";
    }
    spec->runtype = runtype != NULL && runtype[0] != '\0' ? runtype : mode.is_args ? "args" : "ssh";
    return true;
}

static bool read_login(const json_t *body, struct arena *arena, struct instance_spec *spec,
                       struct error *err)
{
    struct launch_login login;

    if (!json_opt_text(body, "image_login", LAUNCH_TEXT_MAX, &spec->registry_login, err))
        return false;
    return spec->registry_login == NULL ||
           launch_login_parse(spec->registry_login, arena, &login, err);
}

/* One to make, of an offer; or one that is there, beside those of the env. */
static bool read_volume(const json_t *body, struct rental_request *request, struct error *err)
{
    static const struct json_bounds ids = { 1, INT64_MAX };
    const json_t *info = json_member(body, "volume_info");
    struct instance_spec *spec = &request->spec;
    const char *path;
    bool is_new = false;
    int64_t id;

    if (info == NULL || json_is_false(info) ||
        (json_is_object(info) && json_object_size(info) == 0))
        return true;
    if (!json_need_int(info, "volume_id", ids, &id, err) ||
        !json_need_text(info, "mount_path", VOLUME_PATH_MAX, &path, err) ||
        !json_opt_bool(info, "create_new", &is_new, err))
        return error_context(err, "volume_info");
    if (!volume_path_is_good(path))
        return error_set(err, ERROR_INVALID, "volume_info: nothing is mounted at '%.64s'", path);
    for (int64_t i = 0; i < spec->volume_count; i++)
        if (strcmp(spec->volumes[i].path, path) == 0 || (!is_new && spec->volumes[i].id == id))
            return error_set(err, ERROR_INVALID, "volume_info: it is in env, too");
    if (spec->volume_count == SPEC_VOLUMES_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "more than %d volumes", SPEC_VOLUMES_MAX);
    if (!is_new) {
        spec->volumes[spec->volume_count++] = (struct spec_volume){ id, 1, path };
        return true;
    }
    request->volume = (struct rental_volume){ .offer_id = id, .path = path };
    return volume_read_size(info, "size", &request->volume.size_gb, err) &&
           json_opt_text(info, "name", HTTP_BODY_MAX, &request->volume.name, err);
}

/* Part of the disk, and a folder that no volume has. */
static bool read_workspace(const json_t *body, struct rental_request *request, struct error *err)
{
    static const struct json_bounds sizes = { 0, DISK_MAX_GB };
    struct instance_spec *spec = &request->spec;
    bool is_taken =
        request->volume.path != NULL && strcmp(request->volume.path, WORKSPACE_PATH) == 0;

    if (!json_opt_int(body, "encrypted_workspace", sizes, &spec->workspace_gb, err))
        return false;
    for (int64_t i = 0; i < spec->volume_count; i++)
        is_taken = is_taken || strcmp(spec->volumes[i].path, WORKSPACE_PATH) == 0;
    if (spec->workspace_gb > 0 && is_taken)
        return error_set(err, ERROR_INVALID,
                         "encrypted_workspace: a volume is mounted at " WORKSPACE_PATH);
    return true;
}

bool rental_read(const json_t *body, struct arena *arena, struct rental_request *request,
                 struct error *err)
{
    struct instance_spec *spec = &request->spec;
    const char *target = NULL;
    bool has_args;

    if (!json_need_text(body, "image", LAUNCH_TEXT_MAX, &spec->image, err) ||
        !read_disk(body, &spec->disk_gb, err) || !read_env(body, arena, spec, err) ||
        !read_args(body, arena, spec, &has_args, err) || !read_mode(body, has_args, spec, err) ||
        !read_login(body, arena, spec, err) || !read_volume(body, request, err) ||
        !read_workspace(body, request, err) ||
        !json_opt_text(body, "onstart", LAUNCH_TEXT_MAX, &spec->onstart, err) ||
        !json_opt_text(body, "user", USER_TEXT_MAX, &spec->user, err) ||
        !json_opt_text(body, "label", HTTP_BODY_MAX, &request->label, err) ||
        !json_opt_text(body, "target_state", TARGET_TEXT_MAX, &target, err))
        return false;
    request->starts_stopped = target != NULL && strcmp(target, "stopped") == 0;
    if (target != NULL && !request->starts_stopped && strcmp(target, "running") != 0)
        return error_set(err, ERROR_INVALID, "target_state must be running or stopped");
    return true;
}

/* Clients look for the code in the sentence, and for the offer beside it (api.md 2.4.1). */
static void refuse_ask(struct call *call, int64_t offer_id, int status, const char *code,
                       const char *sentence)
{
    auto_buf struct buf body = buf_of(RENT_REPLY_MAX), text = buf_of(RENT_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    long long id = (long long)offer_id;

    buf_printf(&text, "no_such_ask %lld: %s", id, sentence);
    encode_object(&json);
    encode_field_bool(&json, "success", false);
    encode_field_text(&json, "error", code);
    encode_field_text(&json, "msg", text.bytes);
    encode_field_int(&json, "ask_id", id);
    encode_end(&json);
    http_reply(call->exchange, status, "application/json", &body);
}

/* A price makes it a bid; what else is said of bids counts only then. */
bool rental_read_bid(const json_t *body, struct rental_request *request, struct error *err)
{
    static const struct json_bounds graces = { 0, AUCTION_GRACE_S_MAX };
    static const struct json_bounds versions = { 0, INT32_MAX };
    bool resumes = true;

    request->grace_s = AUCTION_GRACE_S_DEFAULT;
    request->is_bid = json_member(body, "price") != NULL;
    if (!json_opt_money(body, "price", &request->price, err) ||
        !json_opt_money(body, "max_price", &request->max_price, err) ||
        !json_opt_int(body, "grace", graces, &request->grace_s, err) ||
        !json_opt_int(body, "expected_rule_version", versions, &request->rule_version, err) ||
        !json_opt_bool(body, "auto_resume", &resumes, err) ||
        !json_opt_bool(body, "cancel_unavail", &request->must_run, err))
        return false;
    request->stays_stopped = !resumes;
    if (request->is_bid && (request->price.nanodollars < 0 || request->max_price.nanodollars < 0))
        return error_set(err, ERROR_OUT_OF_RANGE, "a bid is more than nothing");
    return true;
}

static void refuse_bid(struct call *call, int64_t offer_id, const struct rental_reply *done)
{
    if (done->refusal == RENT_BID_TOO_LOW) {
        double lowest = (double)done->lowest_bid / 1e3;
        int64_t gpus = done->num_gpus > 0 ? done->num_gpus : 1;

        return reply_refuse(call, 400, "invalid_price",
                            "%s That is $%.3f for a GPU and hour, $%.3f for this offer.",
                            rent_outcome_sentence(done->refusal), lowest, lowest * (double)gpus);
    }
    if (done->refusal == RENT_BID_WOULD_WAIT)
        return refuse_ask(call, offer_id, 410, "no_such_ask", rent_outcome_sentence(done->refusal));
    reply_refuse(call, done->refusal == RENT_OWN_MACHINE ? 403 : 400,
                 done->refusal == RENT_OWN_MACHINE   ? "not_authorized"
                 : done->refusal == RENT_OTHER_RULES ? "invalid_args"
                                                     : "invalid_price",
                 "%s", rent_outcome_sentence(done->refusal));
}

static void refuse_offer(struct call *call, int64_t offer_id, const struct rental_reply *done)
{
    enum rent_outcome refusal = done->refusal;
    const char *sentence = rent_outcome_sentence(refusal);
    bool cancels = false;
    struct error ignored;

    switch (refusal) {
    case RENT_NO_SUCH_OFFER:
    case RENT_OFFER_TAKEN:
    case RENT_OFFER_OVER:
    case RENT_MACHINE_OFFLINE:
    case RENT_MACHINE_DEVERIFIED:
    case RENT_UNREACHABLE:
        /* Who asks to be told rather than to wait is told that it is gone. */
        if (json_opt_bool(call->body, "cancel_unavail", &cancels, &ignored) && cancels)
            return refuse_ask(call, offer_id, 410, "no_such_ask", sentence);
        return refuse_ask(call, offer_id, 404, "invalid_args", sentence);
    case RENT_ACCOUNT_BARRED:
        return reply_refuse(call, 403, "not_authorized", "%s", sentence);
    case RENT_TOO_MANY_CONTRACTS:
    case RENT_BAD_DISK:
    case RENT_DISK_TOO_LARGE:
    case RENT_BAD_WORKSPACE:
    case RENT_NO_ENCRYPTION:
        return reply_refuse(call, 400, "invalid_args", "%s", sentence);
    case RENT_NO_CREDIT:
    case RENT_SPEND_CAP:
        return reply_refuse(call, 400, "insufficient_balance", "%s", sentence);
    case RENT_OWN_MACHINE:
    case RENT_BID_TOO_LOW:
    case RENT_BID_TOO_HIGH:
    case RENT_BID_WOULD_WAIT:
    case RENT_OTHER_RULES:
        return refuse_bid(call, offer_id, done);
    case RENT_OK:
        break;
    }
    reply_refuse(call, 500, "internal_error", "Something went wrong.");
}

/* A bid that waits exists all the same: clients raise it, or destroy it. */
static void tell_waiting(struct encoder *json, const struct rental_reply *done)
{
    char text[160];
    int64_t gpus = done->num_gpus > 0 ? done->num_gpus : 1;

    if (done->run_ticks < 0)
        (void)snprintf(text, sizeof text,
                       "Instance %lld waits: no bid runs at the moment. It starts by itself.",
                       (long long)done->instance_id);
    else
        (void)snprintf(text, sizeof text,
                       "Instance %lld waits: a bid of $%.3f would run now. It starts by itself.",
                       (long long)done->instance_id, (double)(done->run_ticks * gpus) / 1e3);
    encode_field_text(json, "msg", text);
}

static void reply_rented(struct call *call, struct rental_reply *done)
{
    auto_buf struct buf body = buf_of(RENT_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", !done->waits);
    encode_field_int(&json, "new_contract", done->instance_id);
    if (done->volume_id != 0)
        encode_field_int(&json, "volume_id", done->volume_id);
    field_known_text(&json, "instance_api_key", done->api_key);
    if (done->waits)
        tell_waiting(&json, done);
    encode_end(&json);
    crypto_wipe(done->api_key, sizeof done->api_key);
    reply_json(call, &body);
}

bool rental_request_read(struct call *call, struct rental_request *ret, json_t **ret_body)
{
    struct error err;

    *ret_body = NULL;
    if (refuse_what_is_missing(call) || !template_complete(call, ret_body, &ret->template_id))
        return false;
    if (!rental_read(*ret_body != NULL ? *ret_body : call->body, call->request->arena, ret, &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    if (!rental_read_bid(call->body, ret, &err)) {
        reply_refuse(call, 400, "invalid_price", "%s.", err.text);
        return false;
    }
    return true;
}

void rental_reply_refusal(struct call *call, int64_t offer_id, const struct rental_reply *done)
{
    switch (done->outcome) {
    case RENTAL_REFUSED:
        if (done->is_about_volume)
            return volume_refuse(call, 0, done->refusal);
        return refuse_offer(call, offer_id, done);
    case RENTAL_BAD_SPEC:
        return reply_refuse(call, 400, "invalid_args", "%s.", done->why);
    case RENTAL_BAD_LABEL:
        return reply_refuse(call, 400, "label_too_long", "A label has at most 1024 characters.");
    case RENTAL_BAD_VOLUME:
        return reply_refuse(call, 404, "no_such_volume",
                            "Volume %lld is none of this account's on that machine.",
                            (long long)done->volume_id);
    case RENTAL_VOLUME_FILLING:
        return reply_refuse(call, 409, "conflict",
                            "Volume %lld is being copied: it can be mounted once that is done.",
                            (long long)done->volume_id);
    case RENTAL_MADE:
    case RENTAL_REPEATED:
    case RENTAL_ORDER_OVER:
        break;
    }
    reply_refuse(call, 500, "internal_error", "Something went wrong.");
}

bool rental_rent(struct call *call, const struct rental_request *request,
                 struct rental_reply *ret_done, struct error *err)
{
    if (!flow_rent(&call->app->flow, &call->caller, request, ret_done, err))
        return false;
    if (ret_done->outcome == RENTAL_MADE)
        log_write(&call->app->log, LOG_INFO, "instance rented", "instance %lld, offer %lld",
                  (long long)ret_done->instance_id, (long long)request->offer_id);
    return true;
}

void handle_instance_create(struct call *call)
{
    struct rental_request request = { .offer_id = call->params[0].id };
    auto_json json_t *completed = NULL;
    struct rental_reply done;
    struct error err;

    if (!rental_request_read(call, &request, &completed))
        return;
    if (!rental_rent(call, &request, &done, &err))
        return reply_error(call, &err);
    if (rental_is_made(&done))
        reply_rented(call, &done);
    else
        rental_reply_refusal(call, request.offer_id, &done);
}
