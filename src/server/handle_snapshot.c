/* SPDX-License-Identifier: Apache-2.0 */
/* An instance's files as an image in a registry (api.md 2.6, flow/snapshot.h). */
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/snapshot.h"
#include "market/launch.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/result_url.h"
#include "sys/crypto.h"

enum { SNAPSHOT_REPLY_MAX = 16 * 1024, PART_LENGTH_MAX = 512 };

/* The registry that a name without one is in. */
#define REGISTRY_DEFAULT "docker.io"

struct wish {
    const char *registry, *repo, *user, *password;
    bool is_paused;
};

/* The command line sends "true". */
static bool read_pause(const json_t *body, bool *ret, struct error *err)
{
    const char *text = json_string_value(json_member(body, "pause"));

    if (text == NULL)
        return json_opt_bool(body, "pause", ret, err);
    *ret = strcmp(text, "true") == 0;
    return *ret || strcmp(text, "false") == 0 ||
           error_set(err, ERROR_INVALID, "pause is true or false");
}

/* `id` is the path's once more, as a text. */
static bool read_id(const struct call *call, struct error *err)
{
    const json_t *id = json_member(call->body, "id");
    uint64_t number = 0;

    if (id == NULL || json_is_null(id) ||
        (json_is_integer(id) && json_integer_value(id) == call->params[0].id) ||
        (json_is_string(id) && parse_u64(json_string_value(id), &number) &&
         number == (uint64_t)call->params[0].id))
        return true;
    return error_set(err, ERROR_INVALID, "id is not that of the address");
}

static bool read_wish(const struct call *call, struct wish *wish, struct error *err)
{
    const json_t *body = call->body;

    *wish = (struct wish){ .registry = REGISTRY_DEFAULT, .is_paused = true };
    return read_id(call, err) &&
           json_need_text(body, "personal_repo", PART_LENGTH_MAX, &wish->repo, err) &&
           json_opt_text(body, "container_registry", PART_LENGTH_MAX, &wish->registry, err) &&
           json_opt_text(body, "docker_login_user", PART_LENGTH_MAX, &wish->user, err) &&
           json_opt_text(body, "docker_login_pass", PART_LENGTH_MAX, &wish->password, err) &&
           read_pause(body, &wish->is_paused, err) &&
           ((wish->user == NULL) == (wish->password == NULL) ||
            error_set(err, ERROR_INVALID, "docker_login_user and docker_login_pass come together"));
}

static void reply_begun(struct call *call, const char *image, const char *token)
{
    auto_buf struct buf body = buf_of(SNAPSHOT_REPLY_MAX), text = buf_of(SNAPSHOT_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    buf_printf(&text, "The snapshot is being made, and pushed to %s. The result is at result_url.",
               image);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "result_url", result_url(call, token));
    encode_field_text(&json, "msg", text.bytes);
    encode_end(&json);
    reply_json(call, &body);
}

static void answer(struct call *call, const char *image, const struct snapshot_reply *done)
{
    long long id = (long long)call->params[0].id;

    switch (done->outcome) {
    case SNAPSHOT_BEGUN:
        return reply_begun(call, image, done->token);
    case SNAPSHOT_NO_INSTANCE:
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.", id);
    case SNAPSHOT_NOT_REACHABLE:
        return reply_refuse(call, 409, "machine_offline", "The host cannot be reached now.");
    case SNAPSHOT_NOT_RUNNING:
        return reply_refuse(call, 400, "invalid_args",
                            "The instance does not run. Start it first.");
    case SNAPSHOT_BAD_IMAGE:
    case SNAPSHOT_BAD_LOGIN:
        return reply_refuse(call, 400, "invalid_args", "%s.", done->why.text);
    case SNAPSHOT_BUSY:
        return reply_refuse(call, 429, "rate_limit_exceeded",
                            "Too many requests wait for this host. Try again soon.");
    }
}

void handle_instance_snapshot(struct call *call)
{
    auto_buf struct buf image = buf_of(4 * PART_LENGTH_MAX), login = buf_of(16 * PART_LENGTH_MAX);
    struct snapshot_request request = { .instance_id = call->params[0].id };
    struct snapshot_reply done;
    struct wish wish;
    struct error err;

    if (!read_wish(call, &wish, &err))
        return reply_error(call, &err);
    buf_printf(&image, "%s/%s", wish.registry, wish.repo);
    request.image = image.bytes;
    request.is_paused = wish.is_paused;
    if (wish.user != NULL) {
        launch_login_format(&login,
                            &(struct launch_login){ wish.user, wish.password, wish.registry });
        request.login = login.bytes;
    }
    bool is_done = flow_snapshot(&call->app->flow, &call->caller, &request, &done, &err);
    crypto_wipe(login.bytes, login.length);
    if (!is_done)
        return reply_error(call, &err);
    answer(call, image.bytes, &done);
}
