/* SPDX-License-Identifier: Apache-2.0 */
/* An instance from its image again: as it is, or with what the caller changes of its launch
 * (api.md 2.6, recycle and update instance). */
#include <stdlib.h>

#include "base/json.h"
#include "flow/instance.h"
#include "flow/remake.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/instance_json.h"
#include "server/rental_read.h"
#include "server/reply.h"
#include "server/template_use.h"

enum { REMAKE_REPLY_MAX = 2 << 20 };

/* False where it was done. */
static bool refuse(struct call *call, const struct remake_reply *done)
{
    long long id = (long long)call->params[0].id;

    switch (done->outcome) {
    case REMAKE_DONE:
        return false;
    case REMAKE_BAD_SPEC:
        reply_refuse(call, 400, "invalid_args", "%s.", done->why);
        return true;
    case REMAKE_PORTS:
        reply_refuse(call, 400, "invalid_args",
                     "Its host is reached by a relay, where ports are given once: they have to "
                     "stay as they are.");
        return true;
    case REMAKE_ENDING:
        reply_refuse(call, 409, "conflict",
                     "Instance %lld is just being stopped or ended: ask again in a moment.", id);
        return true;
    case REMAKE_NO_INSTANCE:
        break;
    }
    reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.", id);
    return true;
}

void handle_instance_recycle(struct call *call)
{
    struct remake_request request = { .instance_id = call->params[0].id };
    struct remake_reply done;
    struct error err;

    if (!flow_remake(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, &done))
        reply_success(call);
}

/* What the request says of the launch, over what it is now. */
static void overlay(const json_t *body, const struct instance_spec *asked,
                    struct instance_spec *spec)
{
    bool has_args = json_member(body, "args") != NULL || json_member(body, "args_str") != NULL;

    spec->image = asked->image;
    if (json_member(body, "image_login") != NULL)
        spec->registry_login = asked->registry_login;
    if (json_member(body, "onstart") != NULL)
        spec->onstart = asked->onstart;
    if (json_member(body, "user") != NULL)
        spec->user = asked->user;
    if (has_args) {
        spec->args = asked->args;
        spec->arg_count = asked->arg_count;
    }
    if (json_member(body, "runtype") != NULL || has_args) {
        spec->runtype = asked->runtype;
        spec->jupyter_app = asked->jupyter_app;
        spec->jupyter_dir = asked->jupyter_dir;
    }
    if (json_member(body, "env") != NULL) {
        spec->env = asked->env;
        spec->env_count = asked->env_count;
        spec->ports = asked->ports;
        spec->port_count = asked->port_count;
        spec->hostname = asked->hostname;
        spec->shm_mb = asked->shm_mb;
    }
}

/* A copy of the body that rental_read() takes: with an image, and without a size. */
static json_t *launch_body(const json_t *body, const char *image)
{
    json_t *copy = body != NULL ? json_copy((json_t *)body) : json_object();

    if (copy == NULL)
        abort();
    if (json_member(copy, "image") == NULL &&
        json_object_set_new(copy, "image", json_string(image)) != 0)
        abort();
    (void)json_object_del(copy, "disk");
    (void)json_object_del(copy, "label");
    return copy;
}

static void reply_updated(struct call *call)
{
    auto_buf struct buf body = buf_of(REMAKE_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct instance_view view;
    bool has;
    struct error err;

    if (!flow_instance_show(&call->app->flow, &call->caller, call->params[0].id,
                            call->request->arena, &view, &has, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "updated_instance");
    if (has)
        instance_encode(&json, &view, clock_now(call->app->clock));
    else
        encode_null(&json);
    encode_field_text(&json, "msg", "The instance is made again from its image.");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_instance_launch_anew(struct call *call)
{
    struct remake_request request = { .instance_id = call->params[0].id };
    auto_json json_t *completed = NULL, *body = NULL;
    struct rental_request asked = { 0 };
    struct instance_view view;
    struct remake_reply done = { .outcome = REMAKE_NO_INSTANCE };
    bool has;
    struct error err;

    if (!flow_instance_show(&call->app->flow, &call->caller, call->params[0].id,
                            call->request->arena, &view, &has, &err))
        return reply_error(call, &err);
    if (!has) {
        (void)refuse(call, &done);
        return;
    }
    if (!template_complete(call, &completed, &request.template_id))
        return;
    body = launch_body(completed != NULL ? completed : call->body, view.spec->image);
    if (!rental_read(body, call->request->arena, &asked, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    struct instance_spec spec = *view.spec;
    overlay(body, &asked.spec, &spec);
    request.launch = &spec;
    if (!flow_remake(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, &done))
        reply_updated(call);
}
