/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/work.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/beside.h"
#include "agent/files.h"
#include "agent/holder.h"
#include "agent/jupyter.h"
#include "agent/leftover.h"
#include "agent/preempt.h"
#include "agent/pull.h"
#include "agent/slots.h"
#include "agent/workspaces.h"
#include "base/encode.h"
#include "market/image.h"

enum { MINUTE_MS = 60000 };

/* What a step leaves to be told. */
struct account {
    const struct work *work;
    struct docker docker;
    const struct job_report *report;
    bool is_final, has_no_quota, has_image;
    struct pull_image image;
    struct pull_measure pulled; /* us 0: nothing was */
};

int64_t work_timeout_ms(enum plan_step step)
{
    switch (step) {
    case PLAN_PREPARE:
        return 180 * MINUTE_MS; /* a hundred gigabytes on a slow line */
    case PLAN_CREATE:
    case PLAN_START:
    case PLAN_STOP:
    case PLAN_NOTIFY:
    case PLAN_KILL:
    case PLAN_RESTART:
    case PLAN_FORGET:
        return 3 * MINUTE_MS;
    case PLAN_REBIND:
    case PLAN_OPEN:
    case PLAN_CLEAR:
    case PLAN_DESTROY:
        return 15 * MINUTE_MS; /* deleting a terabyte of small files */
    case PLAN_NOTHING:
    case PLAN_CANCEL:
        break;
    }
    assert(false);
    return MINUTE_MS;
}

/* What the registry has now. One that cannot be asked is no reason to do without what is here. */
static bool pull(struct account *account, bool must_pull, struct error *err)
{
    const struct instance_spec *spec = &account->work->desired->spec;
    struct pull_request request = { spec->image, spec->registry_login, account->report,
                                    account->work->host->private_registries };

    if (!pull_run(&account->docker, &request, &account->pulled, err)) {
        account->is_final = err->code == ERROR_NOT_FOUND || err->code == ERROR_FORBIDDEN;
        if (must_pull || !pull_inspect(&account->docker, spec->image, &account->image, err))
            return false;
        account->is_final = false;
        return true;
    }
    return pull_inspect(&account->docker, spec->image, &account->image, err) ||
           error_context(err, "after the pull");
}

static bool prepare(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    const struct instance_spec *spec = &work->desired->spec;
    struct image parsed;

    account->is_final = true;
    if (!image_parse(spec->image, &parsed, err))
        return false;
    account->is_final = false;
    bool must_pull = work->must_pull || spec->registry_login != NULL;
    if (must_pull || work->should_pull) {
        account->has_image = pull(account, must_pull, err);
        return account->has_image;
    }
    if (!pull_inspect(&account->docker, spec->image, &account->image, err) &&
        (err->code != ERROR_NOT_FOUND || !pull(account, true, err)))
        return false;
    account->has_image = true;
    return true;
}

/* Where it will live, and under which name. */
static bool make_network(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    char hostname[CONTAINER_HOSTNAME_SIZE];

    if (!work->record->has_holder)
        return holder_network(&account->docker, work->host, work->record->slot, err);
    return holder_prepare(&account->docker, work->host, work->record->slot,
                          container_hostname(work->desired, hostname), err);
}

/* Make the container, without a limit on its size where the storage has none to offer. */
static bool make_container(struct account *account, const char *name, const char *image,
                           char ret_id[static DOCKER_ID_SIZE], struct error *err)
{
    const struct work *work = account->work;
    struct container_host host = *work->host;
    struct container_wish wish = { &host, work->desired, work->record, image,
                                   work->step == PLAN_OPEN };

    for (;;) {
        auto_buf struct buf body = buf_of(CONTAINER_BODY_MAX);

        container_encode(&body, &wish);
        if (body.has_overflowed) {
            account->is_final = true;
            return error_set(err, ERROR_OUT_OF_RANGE, "variables and arguments are too long");
        }
        if (docker_create(&account->docker, name, body.bytes, ret_id, err))
            return true;
        if (!container_without_limit(&host, err->text))
            break;
        account->has_no_quota = !host.has_quota;
    }
    account->is_final = err->code == ERROR_INVALID;
    return error_context(err, "make the container");
}

static bool start(struct account *account, const char *container, struct error *err)
{
    const struct record *record = account->work->record;

    if (!scrub_all(account->work->host->scrub, account->work->desired, err)) {
        account->is_final = err->code == ERROR_CONFLICT;
        return false;
    }

    if (record != NULL && record->notice_gen > 0)
        preempt_clear(&account->docker, container);
    if (jupyter_is_wanted(&account->work->desired->spec) &&
        !jupyter_need(&account->docker, container, err)) {
        account->is_final = err->code == ERROR_UNAVAILABLE;
        return false;
    }
    if (docker_start(&account->docker, container, err))
        return true;
    /* A command that is not there, a user that the image lacks: it would fail again. */
    account->is_final = err->code == ERROR_INVALID;
    return error_context(err, "start the container");
}

/* Whatever starts in its network finds the walls up: they may have been cleared away since. */
static bool wall_off(const struct work *work, struct error *err)
{
    return work->host->isolate == NULL ||
           isolate_ensure(work->host->isolate, work->record->slot, err);
}

/* The container, while its network, walls and record are made ready. An engine that asks for the
 * network at once is asked again when it is there. */
static bool make_both(struct account *account, const char *name, char ret_id[static DOCKER_ID_SIZE],
                      struct error *err)
{
    const struct work *work = account->work;
    const char *image = work->desired->spec.image;
    char hostname[CONTAINER_HOSTNAME_SIZE];
    bool is_held = work->record->has_holder;
    struct beside beside = { .engine_socket = work->engine_socket,
                             .host = work->host,
                             .instances_path = work->instances_path,
                             .instance_id = work->instance_id,
                             .slot = work->record->slot,
                             .hostname =
                                 is_held ? container_hostname(work->desired, hostname) : NULL };
    struct error not_ready;

    beside_begin(&beside);
    /* Ports were given by what was remembered of the image. */
    bool is_same = work->assumed_image == NULL ||
                   pull_expect(&account->docker, image, work->assumed_image, err);
    bool is_made = is_same && beside_recorded(&beside, err) &&
                   make_container(account, name, image, ret_id, err);
    if (!beside_wait(&beside, &account->docker.busy_us, &not_ready)) {
        *err = not_ready;
        return false;
    }
    return is_made || (is_same && err->code == ERROR_NOT_FOUND &&
                       make_container(account, name, image, ret_id, err));
}

static bool create(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    char name[64], id[DOCKER_ID_SIZE];

    job_say(account->report, "making the container");
    (void)seen_name(work->instance_id, name);
    bool is_made = make_both(account, name, id, err);
    /* One of that name is there, from a worker that was killed: the plan will see it. */
    return is_made ? start(account, id, err) : err->code == ERROR_CONFLICT;
}

/* Out of the way of an instance of ours that may have its number. */
static bool stop_foreign(struct account *account, const char *id, struct error *err)
{
    char name[64];

    if (!docker_stop(&account->docker, id, CONTAINER_STOP_SECONDS, err))
        return error_context(err, "stop the container");
    return docker_rename(&account->docker, id, seen_kept_name(id, name), err);
}

/* Both, where there are two; one that is not there has stopped. */
static bool stop_all(struct account *account, int64_t grace_s, struct error *err)
{
    int64_t id = account->work->instance_id;
    char name[64], next[64];

    if (!docker_stop(&account->docker, seen_name(id, name), grace_s, err) &&
        err->code != ERROR_NOT_FOUND)
        return error_context(err, "stop the container");
    if (!docker_stop(&account->docker, seen_next_name(id, next), grace_s, err) &&
        err->code != ERROR_NOT_FOUND)
        return error_context(err, "stop the container");
    return true;
}

static bool notify(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    auto_buf struct buf text = buf_of(PREEMPT_TEXT_MAX);
    char name[64];

    preempt_encode(&text, &work->desired->notice, work->notice_deadline);
    return preempt_tell(&account->docker, seen_name(work->instance_id, name), text.bytes, err);
}

static bool image_of(struct docker *docker, const char *container, char image[static 128],
                     struct error *err)
{
    auto_json json_t *root = NULL;
    const char *id;

    if (!docker_inspect(docker, container, &root, err) ||
        !json_need_text(root, "Image", 127, &id, err))
        return false;
    (void)snprintf(image, 128, "%s", id);
    return true;
}

/* Move the files of `from` into `to`, which has never run: one rename over its empty folder, so
 * that they are at every moment in the one or in the other. */
static bool move_files(struct account *account, const char *from, const char *to, struct error *err)
{
    char old_dir[1024], new_dir[1024];

    if (!files_upper_dir(&account->docker, from, old_dir, sizeof old_dir, err) ||
        !files_upper_dir(&account->docker, to, new_dir, sizeof new_dir, err))
        return false;
    if (rename(old_dir, new_dir) != 0)
        return error_system(err, errno, "move the files of the instance");
    return true;
}

static bool is_there(struct docker *docker, const char *container, bool *ret, struct error *err)
{
    if (docker_inspect(docker, container, NULL, err))
        *ret = true;
    else if (err->code == ERROR_NOT_FOUND)
        *ret = false;
    else
        return false;
    return true;
}

/* Make the successor and give it the files of the old one. */
static bool make_successor(struct account *account, const char *old, const char *next,
                           struct error *err)
{
    char image[128], id[DOCKER_ID_SIZE];

    bool has_network = account->work->step != PLAN_OPEN;
    if (!docker_remove(&account->docker, next, err) ||
        (has_network && !make_network(account, err)) ||
        !image_of(&account->docker, old, image, err) ||
        !make_container(account, next, image, id, err))
        return false;
    files_keep_log(&account->docker, old, next);
    return move_files(account, old, next, err);
}

/* The container is made anew over the same files. Where a worker was killed in the middle, the
 * old one has its files still: begin again; or has lost them: they are in the successor. */
static bool rebind(struct account *account, struct error *err)
{
    struct docker *docker = &account->docker;
    int64_t id = account->work->instance_id;
    bool has_old = false, has_next = false, is_moved = false;
    char old[64], next[64];

    job_say(account->report, "making the container anew");
    (void)seen_name(id, old);
    (void)seen_next_name(id, next);
    if (!is_there(docker, old, &has_old, err) || !is_there(docker, next, &has_next, err))
        return false;
    if (has_old && has_next) {
        bool has_kept = false;

        if (!files_are_in(docker, old, &has_kept, err))
            return false;
        is_moved = !has_kept;
    }
    if (has_old && !is_moved && !make_successor(account, old, next, err))
        return false;
    if (has_old && !docker_remove(docker, old, err))
        return error_context(err, "remove the old container");
    return docker_rename(docker, next, old, err);
}

/* It was started by an engine that was killed before it wrote that down: containerd has a task of
 * that id, and gives the id to no other. */
static bool is_forgotten(const struct error *err)
{
    return strstr(err->text, "already exists") != NULL ||
           strstr(err->text, "id already in use") != NULL;
}

/* End what runs in it, and make it anew over its files, under another id. */
static bool start_over(struct account *account, const char *name, struct error *err)
{
    char id[DOCKER_ID_SIZE];
    bool is_running;
    size_t count;

    if (!files_identify(&account->docker, name, id, &is_running, err))
        return false;
    return is_running || (leftover_kill(id, &count, err) && rebind(account, err));
}

/* Start what has been made before. One whose network was lost, or is its holder's and went with it,
 * is joined to something that is no more: it is made anew, and started by the next step. One that
 * has never run asks for its network by name, and a worker may not have made it any more. */
static bool start_again(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    char name[64];

    (void)seen_name(work->instance_id, name);
    if (work->record->has_holder ? !make_network(account, err) : !wall_off(work, err))
        return false;
    if (start(account, name, err))
        return true;
    if (!work->record->has_holder && err->code == ERROR_NOT_FOUND) {
        if (!make_network(account, err))
            return false;
        if (start(account, name, err))
            return true;
    }
    if (is_forgotten(err))
        return start_over(account, name, err);
    return err->code == ERROR_NOT_FOUND && rebind(account, err);
}

static bool restart(struct account *account, struct error *err)
{
    job_say(account->report, "rebooting");
    if (!stop_all(account, CONTAINER_STOP_SECONDS, err))
        return false;
    return start_again(account, err);
}

static bool forget(struct account *account, struct error *err)
{
    const struct record *record = account->work->record;

    return record == NULL ||
           holder_remove(&account->docker, account->work->host, record->slot, err);
}

static bool destroy(struct account *account, struct error *err)
{
    int64_t id = account->work->instance_id;
    char name[64], next[64];

    if (!leftover_remove(&account->docker, seen_name(id, name), err) ||
        !leftover_remove(&account->docker, seen_next_name(id, next), err))
        return error_context(err, "remove the container");
    return forget(account, err);
}

/* The files of one that is stopped, for those who copy: in a container without network, without
 * GPUs and without anything of the renter's that is started. */
static bool open_files(struct account *account, struct error *err)
{
    struct docker *docker = &account->docker;
    char name[64], dir[1024];

    (void)seen_name(account->work->instance_id, name);
    if (!account->work->is_made_for_copies) {
        /* Nothing is begun that the storage does not let us finish. */
        if (!files_upper_dir(docker, name, dir, sizeof dir, err) && err->code != ERROR_NOT_FOUND)
            return false;
        if (!rebind(account, err))
            return false;
    }
    return docker_start(docker, name, err) || error_context(err, "open its files");
}

static bool carry_out(struct account *account, struct error *err)
{
    switch (account->work->step) {
    case PLAN_PREPARE:
        return prepare(account, err);
    case PLAN_CREATE:
        return create(account, err);
    case PLAN_START:
        return start_again(account, err);
    case PLAN_STOP:
        if (account->work->foreign_container != NULL)
            return stop_foreign(account, account->work->foreign_container, err);
        return stop_all(account, CONTAINER_STOP_SECONDS, err);
    case PLAN_NOTIFY:
        return notify(account, err);
    case PLAN_KILL:
        return stop_all(account, 0, err);
    case PLAN_RESTART:
        return restart(account, err);
    case PLAN_REBIND:
        return rebind(account, err);
    case PLAN_OPEN:
        return open_files(account, err);
    case PLAN_CLEAR:
    case PLAN_DESTROY:
        return destroy(account, err);
    case PLAN_FORGET:
        return forget(account, err);
    case PLAN_NOTHING:
    case PLAN_CANCEL:
        break;
    }
    assert(false);
    return false;
}

/* With the encrypted workspace that an instance may have. */
static bool carry_out_all(struct account *account, struct error *err)
{
    const struct work *work = account->work;
    const char *dir = work->host->workspaces_dir;

    if (!workspaces_ready(dir, work->step, work->desired, err)) {
        account->is_final = err->code == ERROR_UNAVAILABLE || err->code == ERROR_CONFLICT;
        return false;
    }
    return carry_out(account, err) && workspaces_done(dir, work->step, work->instance_id, err);
}

/* Append what the engine shows of a container; one that is not there is left out. */
static bool add_container(struct encoder *json, struct docker *docker, const char *name)
{
    auto_json json_t *root = NULL;
    struct error err;

    if (!docker_inspect(docker, name, &root, &err))
        return err.code == ERROR_NOT_FOUND;
    char *text = json_dumps(root, JSON_COMPACT);
    if (text == NULL)
        return false;
    encode_raw(json, text, strlen(text));
    free(text);
    return true;
}

/* All that the instance has now. A step that makes none leaves that to the observer, and so does
 * one that has started the first: who waits for that is told sooner. */
static bool add_containers(struct encoder *json, struct account *account, bool is_done)
{
    const struct work *work = account->work;
    char name[64], next[64];

    if (work->foreign_container != NULL || work->step == PLAN_PREPARE ||
        (work->step == PLAN_CREATE && is_done))
        return false;
    return add_container(json, &account->docker, seen_name(work->instance_id, name)) &&
           (work->step == PLAN_CREATE ||
            add_container(json, &account->docker, seen_next_name(work->instance_id, next)));
}

static void add_image(struct encoder *json, const struct pull_image *image)
{
    encode_key(json, "image");
    encode_object(json);
    encode_field_text(json, "id", image->id);
    encode_key(json, "ports");
    encode_array(json);
    for (int64_t i = 0; i < image->port_count; i++)
        encode_int(json, image->ports[i].is_udp ? -image->ports[i].port : image->ports[i].port);
    encode_end(json);
    encode_end(json);
}

bool work_run(void *context, const struct job_report *report, struct buf *result, struct error *err)
{
    const struct work *work = context;
    struct account account = { .work = work, .report = report };
    struct encoder json = encoder_of(result);
    struct error why;

    (void)err;
    account.docker = docker_open(work->engine_socket);
    bool is_done = carry_out_all(&account, &why);

    encode_object(&json);
    encode_field_bool(&json, "is_done", is_done);
    if (!is_done) {
        encode_field_int(&json, "code", why.code);
        encode_field_text(&json, "text", why.text);
    }
    encode_field_bool(&json, "is_final", account.is_final);
    encode_field_bool(&json, "has_no_quota", account.has_no_quota);
    if (account.has_image)
        add_image(&json, &account.image);
    encode_key(&json, "containers");
    encode_array(&json);
    bool has_seen = add_containers(&json, &account, is_done);
    encode_end(&json);
    encode_field_bool(&json, "has_seen", has_seen);
    encode_field_int(&json, "engine_us", account.docker.busy_us);
    encode_field_int(&json, "pulled_bytes", account.pulled.bytes);
    encode_field_int(&json, "pulled_us", account.pulled.us);
    encode_field_bool(&json, "pulled_whole", account.pulled.is_whole);
    encode_end(&json);
    docker_close(&account.docker);
    return true;
}
