/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ops.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cloud_work.h"
#include "agent/job.h"
#include "agent/link_retry.h"
#include "agent/op_work.h"
#include "base/encode.h"
#include "proto/fields.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/trace.h"

enum { COPY_TEXT_MAX = 640, FILE_MAX = 8 << 20, NAME_SIZE_MAX = OP_ID_SIZE + 8 };

#define KEPT_SECONDS (2 * 24 * 3600)

/* What the file of an operation says. */
enum op_state { OP_STARTED, OP_ENDED, OP_SENT };

static const char *const state_names[] = {
    [OP_STARTED] = "started",
    [OP_ENDED] = "ended",
    [OP_SENT] = "sent",
};

struct op {
    char id[OP_ID_SIZE];
    enum op_state state;
    struct ops *ops;
    struct job *job;             /* under way */
    int64_t source_id;           /* of a copy or a clone, which end with the server's list */
    int64_t target_id;           /* of a copy: whose text says how it goes; else 0 */
    bool is_cloud;               /* a copy whose other side is a cloud store */
    char request_id[TRACE_SIZE]; /* that it came of; "" none */
    bool is_long;                /* it takes none of the others' places */
};

struct ops {
    struct loop *loop;
    struct ops_options options;
    struct op *known[OPS_KNOWN_MAX];
    size_t known_count;
    struct op *sending; /* on its way to the server; or NULL */
    struct link *link;  /* the last one that was up; borrowed */
    struct loop_timer *again_timer;
    int miss_count; /* results in a row that did not arrive */
};

/* A file: {"state","status","output","exit_code"}. */
struct op_file {
    unsigned state;
    unsigned status;
    const char *output;
    int64_t exit_code;
};

static const char *const status_names[] = {
    [OP_DONE] = "done",
    [OP_FAILED] = "failed",
    [OP_UNKNOWN] = "unknown",
};

static const struct field file_fields[] = {
    FIELD_NAMES(struct op_file, state, state_names),
    FIELD_NAMES(struct op_file, status, status_names),
    FIELD_TEXT(struct op_file, output, 0, OP_OUTPUT_MAX),
    FIELD_INT_ADDED(struct op_file, exit_code, -1, 255),
};
static const struct field_list file_list = FIELD_LIST(file_fields);

static char *file_name(const struct op *op, char name[static NAME_SIZE_MAX])
{
    (void)snprintf(name, NAME_SIZE_MAX, "%s.json", op->id);
    return name;
}

static bool save(const struct op *op, const struct op_result *result, struct error *err)
{
    struct op_file file = { op->state, result->status, result->output, result->exit_code };
    auto_buf struct buf text = buf_of(FILE_MAX);
    struct encoder json = encoder_of(&text);
    char name[NAME_SIZE_MAX];

    encode_object(&json);
    fields_encode(&json, &file_list, &file);
    encode_end(&json);
    return file_replace(op->ops->options.ops_dir, file_name(op, name), 0600, text.bytes,
                        text.length, err);
}

static struct op *find(const struct ops *ops, const char *id)
{
    for (size_t i = 0; i < ops->known_count; i++) {
        if (strcmp(ops->known[i]->id, id) == 0)
            return ops->known[i];
    }
    return NULL;
}

static struct op *add(struct ops *ops, const char *id, enum op_state state)
{
    struct op *op = calloc(1, sizeof *op);

    if (op == NULL)
        abort();
    assert(ops->known_count < OPS_KNOWN_MAX);
    (void)snprintf(op->id, sizeof op->id, "%s", id);
    op->state = state;
    op->ops = ops;
    ops->known[ops->known_count++] = op;
    return op;
}

static void drop(struct ops *ops, size_t index)
{
    struct op *op = ops->known[index];

    assert(op != ops->sending);
    job_cancel(&op->job);
    free(op);
    ops->known[index] = ops->known[--ops->known_count];
}

/* The result, durable from now on, and on its way when the line is up. */
static void end_with(struct op *op, const struct op_result *result)
{
    struct error err;

    op->state = OP_ENDED;
    if (!save(op, result, &err))
        log_failure(&op->ops->options.log, "operation not recorded", &err);
    ops_send(op->ops, op->ops->link);
}

/* It has not become what was asked for. */
static void end(struct op *op, enum op_status status, const char *output)
{
    end_with(op, &(struct op_result){ op->id, status, output, -1 });
}

/* Loading */

static bool load(const struct op *op, json_t **ret_root, struct op_file *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(FILE_MAX);
    char name[NAME_SIZE_MAX];

    if (!file_read(op->ops->options.ops_dir, file_name(op, name), &text, err))
        return false;
    buf_append(&text, "", 0);
    return json_parse(text.bytes, text.length, ret_root, err) &&
           fields_decode(*ret_root, &file_list, NULL, ret, err);
}

/* Begun by an agent that is no more: what became of it, nobody knows. */
static void load_one(struct ops *ops, const char *id)
{
    struct op *op = add(ops, id, OP_STARTED);
    auto_json json_t *root = NULL;
    struct op_file file = { .exit_code = -1 };
    struct error err;

    if (!load(op, &root, &file, &err)) {
        log_failure(&ops->options.log, "operation not readable", &err);
        end(op, OP_UNKNOWN, "");
        return;
    }
    op->state = (enum op_state)file.state;
    if (op->state == OP_STARTED)
        end(op, OP_UNKNOWN, "the host's agent ended while this was under way");
}

static bool is_old(int dir, const char *name)
{
    struct stat status;

    return fstatat(dir, name, &status, 0) == 0 &&
           status.st_mtime < clock_now(&clock_system).microseconds / US_PER_SECOND - KEPT_SECONDS;
}

static void load_all(struct ops *ops)
{
    int again = openat(ops->options.ops_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);

    if (entries == NULL) {
        fd_release(&again);
        return;
    }
    for (const struct dirent *entry;
         ops->known_count < OPS_KNOWN_MAX / 2 && (entry = readdir(entries)) != NULL;) {
        char id[OP_ID_SIZE];

        if (strlen(entry->d_name) != OP_ID_SIZE - 1 + strlen(".json"))
            continue;
        memcpy(id, entry->d_name, OP_ID_SIZE - 1);
        id[OP_ID_SIZE - 1] = '\0';
        if (!op_id_is_valid(id))
            continue;
        if (is_old(ops->options.ops_dir, entry->d_name))
            (void)unlinkat(ops->options.ops_dir, entry->d_name, 0);
        else
            load_one(ops, id);
    }
    (void)closedir(entries);
}

static void send_again(void *context)
{
    struct ops *ops = context;

    ops_send(ops, ops->link);
}

struct ops *ops_open(struct loop *loop, const struct ops_options *options)
{
    struct ops *ops = calloc(1, sizeof *ops);

    if (ops == NULL)
        abort();
    ops->loop = loop;
    ops->options = *options;
    ops->again_timer = loop_timer(loop, send_again, ops);
    load_all(ops);
    return ops;
}

void ops_close(struct ops **ops)
{
    if (*ops == NULL)
        return;
    (*ops)->sending = NULL;
    while ((*ops)->known_count > 0)
        drop(*ops, (*ops)->known_count - 1);
    loop_timer_close(&(*ops)->again_timer);
    free(*ops);
    *ops = NULL;
}

bool ops_is_idle(const struct ops *ops)
{
    for (size_t i = 0; i < ops->known_count; i++) {
        if (ops->known[i]->state == OP_STARTED)
            return false;
    }
    return true;
}

/* Doing */

static void tell_copy(const struct op *op, const char *text, const char *more, bool has_ended)
{
    const struct ops_copies *copies = &op->ops->options.copies;
    char whole[COPY_TEXT_MAX];

    (void)snprintf(whole, sizeof whole, "%s%s", text, more);
    if (copies->say != NULL && op->target_id != 0)
        copies->say(copies->context, op->target_id, op->source_id, whole, has_ended);
}

/* It ends with the server's list, and its instance's text says how. */
static bool is_copying(const struct op *op)
{
    return op->source_id != 0 || op->is_cloud;
}

static void on_progress(void *context, const char *text)
{
    tell_copy(context, text, "", false);
}

static void on_end(void *context, const struct job_end *job_end)
{
    struct op *op = context;
    const char *output = json_string_value(json_object_get(job_end->result, "output"));
    const json_t *code = json_object_get(job_end->result, "exit_code");

    trace_set(op->request_id);
    log_write(&op->ops->options.log, LOG_INFO, "operation ended", "%s: %s", op->id,
              job_end->is_done ? "done" : job_end->err.text);
    trace_set(NULL);
    if (is_copying(op))
        tell_copy(op, job_end->is_done && output != NULL ? output : "failed: ",
                  job_end->is_done ? "" : job_end->err.text, true);
    if (!job_end->is_done)
        return end(op, OP_FAILED, job_end->err.text);
    end_with(op, &(struct op_result){ op->id, OP_DONE, output != NULL ? output : "",
                                      json_is_integer(code) ? json_integer_value(code) : -1 });
}

/* A copy's job. */
static bool begin_copy(struct op *op, const struct desired_op *wanted, struct error *err)
{
    const struct ops_copies *copies = &op->ops->options.copies;
    struct copy_work work = { .op = wanted };
    struct job_spec spec = {
        .work = op->is_cloud ? cloud_work_run : copy_work_run,
        .work_context = &work,
        .timeout_ms = wanted->expires_ms,
        .on_progress = on_progress,
        .on_end = on_end,
        .context = op,
    };

    op->target_id = wanted->instance_id;
    if (copies->find == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "this host copies nothing");
    return copies->find(copies->context, wanted, &work, err) &&
           job_start(op->ops->loop, &spec, &op->job, err);
}

static bool is_long(enum op_kind kind)
{
    return kind == OP_COPY || kind == OP_SNAPSHOT || kind == OP_CLONE || kind == OP_CLOUD;
}

static void begin(struct ops *ops, const struct desired_op *wanted)
{
    struct op *op = add(ops, wanted->op_id, OP_STARTED);
    struct op_work work = {
        .engine_socket = ops->options.engine_socket,
        .host = ops->options.host,
        .instances_path = ops->options.instances_path,
        .op = wanted,
    };
    struct job_spec spec = {
        .work = op_work_run,
        .work_context = &work,
        .timeout_ms = is_long(wanted->kind) ? wanted->expires_ms : OP_WORK_MS,
        .on_end = on_end,
        .context = op,
    };
    struct error err;

    if (!save(op, &(struct op_result){ op->id, OP_UNKNOWN, "", -1 }, &err)) {
        /* Not durable, so not begun: it will be tried when the desired state comes again. */
        log_failure(&ops->options.log, "operation not recorded", &err);
        drop(ops, ops->known_count - 1);
        return;
    }
    if (wanted->kind == OP_OTHER)
        return end(op, OP_FAILED,
                   "This host does not know that operation: its berth-host is too old for it.");
    (void)snprintf(op->request_id, sizeof op->request_id, "%s",
                   wanted->request_id != NULL ? wanted->request_id : "");
    trace_set(op->request_id); /* its child's, too */
    log_write(&ops->options.log, LOG_INFO, "operation begun", "%s for instance %" PRId64, op->id,
              wanted->instance_id);
    op->is_long = is_long(wanted->kind);
    op->source_id = wanted->source_id; /* 0 but for a copy and a clone */
    op->is_cloud = wanted->kind == OP_CLOUD;
    bool has_begun = wanted->kind == OP_COPY || op->is_cloud
                         ? begin_copy(op, wanted, &err)
                         : job_start(ops->loop, &spec, &op->job, &err);
    trace_set(NULL);
    if (has_begun)
        return;
    if (is_copying(op))
        tell_copy(op, "failed: ", err.text, true);
    end(op, OP_FAILED, err.text);
}

static size_t running_count(const struct ops *ops, bool are_long)
{
    size_t count = 0;

    for (size_t i = 0; i < ops->known_count; i++)
        count += ops->known[i]->job != NULL && ops->known[i]->is_long == are_long;
    return count;
}

static bool is_listed(const struct desired_op *all, int64_t count, const char *id)
{
    for (int64_t i = 0; i < count; i++)
        if (strcmp(all[i].op_id, id) == 0)
            return true;
    return false;
}

/* Whose key is void by now. */
static void end_copies(struct ops *ops, const struct desired_op *all, int64_t count)
{
    for (size_t i = 0; i < ops->known_count; i++) {
        struct op *op = ops->known[i];

        if (op->job == NULL || !is_copying(op) || is_listed(all, count, op->id))
            continue;
        job_cancel(&op->job);
        tell_copy(op, "cancelled", "", true);
        end(op, OP_FAILED, "It was cancelled.");
    }
}

/* Room for one more: those that were sent are only kept so that they are not run again. */
static bool make_room(struct ops *ops)
{
    for (size_t i = 0; ops->known_count >= OPS_KNOWN_MAX - 1 && i < ops->known_count; i++) {
        char name[NAME_SIZE_MAX];

        if (ops->known[i]->state != OP_SENT)
            continue;
        (void)unlinkat(ops->options.ops_dir, file_name(ops->known[i], name), 0);
        drop(ops, i);
    }
    return ops->known_count < OPS_KNOWN_MAX - 1;
}

void ops_take(struct ops *ops, const struct desired_op *all, int64_t count, int64_t received_us)
{
    end_copies(ops, all, count);
    for (int64_t i = 0; i < count; i++) {
        bool is_late = loop_now_us(ops->loop) - received_us > all[i].expires_ms * US_PER_MS;

        if (find(ops, all[i].op_id) != NULL || is_late || !make_room(ops))
            continue;
        bool takes_long = is_long(all[i].kind);
        if (running_count(ops, takes_long) >= (takes_long ? OPS_LONG_MAX : OPS_RUNNING_MAX))
            continue; /* they come again with the next desired state, until they expire */
        begin(ops, &all[i]);
    }
}

/* Sending */

/* The server has no room for it, or the line is taken by something else. */
static void wait_to_send(struct ops *ops)
{
    loop_timer_set(ops->again_timer, link_backoff_ms(++ops->miss_count));
}

void ops_send(struct ops *ops, struct link *link)
{
    ops->link = link;
    if (link == NULL || !link_is_connected(link) || ops->sending != NULL)
        return;
    for (size_t i = 0; i < ops->known_count; i++) {
        struct op *op = ops->known[i];
        auto_json json_t *root = NULL;
        struct op_file file = { .exit_code = -1 };
        struct error err;

        if (op->state != OP_ENDED)
            continue;
        if (!load(op, &root, &file, &err)) {
            log_failure(&ops->options.log, "operation not readable", &err);
            file = (struct op_file){ .status = OP_UNKNOWN, .output = "", .exit_code = -1 };
        }
        struct op_result result = { op->id, (enum op_status)file.status, file.output,
                                    file.exit_code };
        if (link_send_op(link, &result))
            ops->sending = op;
        else
            wait_to_send(ops);
        return;
    }
}

void ops_sent(struct ops *ops, bool has_arrived)
{
    struct op *op = ops->sending;
    struct error err;

    ops->sending = NULL;
    if (op == NULL)
        return;
    if (!has_arrived)
        return wait_to_send(ops);
    ops->miss_count = 0;
    op->state = OP_SENT;
    if (!save(op, &(struct op_result){ op->id, OP_DONE, "", -1 }, &err))
        log_failure(&ops->options.log, "operation not recorded", &err);
    ops_send(ops, ops->link);
}
