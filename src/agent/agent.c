/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/access_tools.h"
#include "agent/copies.h"
#include "agent/docker.h"
#include "agent/jupyter.h"
#include "agent/networks.h"
#include "agent/notice.h"
#include "agent/numbers.h"
#include "agent/relays.h"
#include "agent/report.h"
#include "agent/steps.h"
#include "agent/tending.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    INFO_RETRY_MS = 300,
    INFO_PATIENCE_MS = 60000, /* then the machine is measured without an engine */
    SECOND_MS = 1000,
    GUESTS_AFTER_MS = 5, /* after a change: what is told of it goes first */
};

void agent_wake(struct agent *agent)
{
    loop_timer_hurry(agent->wake_timer, 0);
}

static void give_up(struct agent *agent, const char *why)
{
    agent->has_failed = true;
    (void)snprintf(agent->why_failed, sizeof agent->why_failed, "%s", why);
    loop_stop(agent->loop);
}

/* SSH */

static void update_access(struct agent *agent)
{
    auto_arena struct arena arena = arena_of(4 << 20);
    struct access_entry *entries = arena_alloc(&arena, agent->instances.count, sizeof *entries);
    size_t count = 0, copy_count;
    struct error err;

    if (agent->access == NULL || entries == NULL)
        return;
    for (size_t i = 0; i < agent->instances.count && count < ACCESS_ENTRIES_MAX; i++) {
        const struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        bool is_up = instance->verdict.phase == PHASE_RUNNING && instance->verdict.wants_running;
        bool may_open = copies_may_open(instance), is_open = copies_are_open(instance);

        if (instance->desired == NULL || instance->desired->state == DESIRED_ABSENT ||
            !instance->has_record || instance->record.ssh_port == 0)
            continue;
        const struct access_copy *copies = copies_ends(&arena, instance, &copy_count);
        entries[count++] = (struct access_entry){
            .instance_id = instance->id,
            .port = (uint16_t)instance->record.ssh_port,
            .container_id = (is_up && seen != NULL) || is_open ? seen->id : "",
            .state_text = copies_text(&arena, instance),
            .may_open = may_open,
            .is_for_copies = is_open,
            .keys = (const char *const *)instance->desired->spec.ssh_keys,
            .key_count = (size_t)instance->desired->spec.ssh_key_count,
            .copies = copies,
            .copy_count = copy_count,
        };
    }
    if (!access_update(agent->access, entries, count, &err))
        log_failure(&agent->log, "SSH not updated", &err);
}

static bool is_news(const struct plan_verdict *before, const struct plan_verdict *after)
{
    return before->phase != after->phase || before->gen != after->gen ||
           before->message != after->message;
}

static bool make_plan(struct agent *agent, int64_t *ret_next_us)
{
    size_t count = agent->instances.count;
    struct plan_verdict *before = calloc(count + 1, sizeof *before);
    bool has_news = false;

    if (before == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        before[i] = agent->instances.all[i]->verdict;
    instances_plan(&agent->instances, ret_next_us);
    for (size_t i = 0; i < count; i++)
        has_news = has_news || is_news(&before[i], &agent->instances.all[i]->verdict);
    free(before);
    return has_news;
}

/* What it asks for is under way by now: it need not wait for the disk. */
static void save_desired(struct agent *agent)
{
    struct error err;

    if (!agent->has_taken)
        return;
    agent->has_taken = false;
    if (!keep_save(&agent->keep, &err)) {
        log_failure(&agent->log, "desired state not saved", &err); /* and it comes again */
        return;
    }
    link_applied(agent->link, agent->keep.desired.desired_rev);
    link_hurry(agent->link); /* which also says what has been applied */
}

static void on_wake(void *context)
{
    struct agent *agent = context;
    int64_t next_us = -1;
    enum steps_done done;
    bool has_news;

    instances_observe(&agent->instances);
    jupyter_tend(agent);
    has_news = make_plan(agent, &next_us);
    do {
        done = steps_carry_out(&agent->instances);
        if (done != STEPS_NONE) /* what is under way now is part of the picture that is reported */
            has_news = make_plan(agent, &next_us) || has_news;
    } while (done == STEPS_AND_MORE);
    save_desired(agent);
    update_access(agent);
    relays_update(agent);
    loop_timer_hurry(agent->guests_timer, GUESTS_AFTER_MS);
    if (has_news && agent->link != NULL)
        link_hurry(agent->link);
    networks_tend(agent);
    if (next_us >= 0) {
        int64_t delay_us = next_us - loop_now_us(agent->loop);
        loop_timer_set(agent->due_timer, delay_us > 0 ? delay_us / US_PER_MS + 1 : 1);
    }
}

/* For guests that run. It takes locks of the kernel's that the engine may hold for a while. */
static void on_guests_time(void *context)
{
    networks_limit(context);
    networks_name(context);
    notice_update(context);
}

static void on_change(void *context)
{
    agent_wake(context);
}

static void on_second(void *context)
{
    struct agent *agent = context;

    loop_timer_set(agent->second_timer, SECOND_MS);
    tending_second(agent);
}

/* The server */

static void on_connected(void *context, int64_t machine_id)
{
    struct agent *agent = context;

    agent->host.machine_id = machine_id;
    log_write(&agent->log, LOG_INFO, "connected", "machine %" PRId64, machine_id);
    if (!agent->has_said_ready)
        (void)dprintf(STDERR_FILENO, "berth-host: connected as machine %" PRId64 "\n", machine_id);
    agent->has_said_ready = true;
    bencher_connected(agent->bencher);
    gauges_connected(&agent->gauges);
    ops_send(agent->ops, agent->link);
    agent_wake(agent);
}

static void on_desired(void *context, const char *text, size_t length)
{
    struct agent *agent = context;
    int64_t before = agent->keep.has_desired ? agent->keep.desired.desired_rev : -1;
    struct error err;

    if (!keep_take(&agent->keep, text, length, &err)) {
        log_failure(&agent->log, "desired state not taken", &err);
        return;
    }
    log_write(&agent->log, LOG_DEBUG, "desired state", "revision %" PRId64 " after %" PRId64,
              agent->keep.desired.desired_rev, before);
    instances_desire(&agent->instances, &agent->keep);
    agent->has_taken = true;
    /* First the keys of copies, then who copies. */
    update_access(agent);
    ops_take(agent->ops, agent->keep.desired.ops, agent->keep.desired.op_count,
             agent->keep.received_us);
    agent_wake(agent);
}

static void on_contact(void *context)
{
    struct agent *agent = context;

    keep_contact(&agent->keep);
    stock_told(agent->stock);
    gauges_told(&agent->gauges);
}

static void on_fill_heartbeat(void *context, struct arena *arena, struct heartbeat *heartbeat)
{
    struct agent *agent = context;

    report_fill(agent, arena, heartbeat);
    stock_fill(agent->stock, arena, heartbeat);
    gauges_fill(&agent->gauges, arena, heartbeat);
}

static void on_op_sent(void *context, bool has_arrived)
{
    struct agent *agent = context;

    ops_sent(agent->ops, has_arrived);
}

static void on_hopeless(void *context, const char *why)
{
    give_up(context, why);
}

static void on_posted(void *context, enum link_post post, const struct web_answer *answer)
{
    struct agent *agent = context;

    if (post == LINK_POST_KEY)
        key_turn_posted(&agent->key_turn, agent->link, answer);
    else
        bencher_posted(agent->bencher, post, answer);
}

static void open_bencher(struct agent *agent)
{
    struct bencher_options options = { .loop = agent->loop,
                                       .dir = agent->identity.dir,
                                       .disk = agent->measured.disk,
                                       .server_url = agent->options.server_url,
                                       .ca_file = agent->options.ca_file,
                                       .facts = &agent->facts,
                                       .clock = agent->clock,
                                       .log = agent->log };

    agent->bencher = bencher_open(&options);
}

static void open_link(struct agent *agent)
{
    struct link_options options = {
        .url = agent->options.server_url,
        .ca_file = agent->options.ca_file,
        .token = agent->options.token,
        .identity = &agent->identity,
        .facts = &agent->facts,
        .log = agent->log,
        .events = { agent, on_connected, on_desired, on_contact, on_fill_heartbeat, on_op_sent,
                    on_hopeless, on_posted, tending_accepted },
    };

    probe_fingerprint(&agent->facts, options.fingerprint);
    agent->link = link_open(agent->loop, agent->web, &options);
    if (agent->keep.has_desired && !keep_lacks_keys(&agent->keep))
        link_applied(agent->link, agent->keep.desired.desired_rev);
}

/* The machine */

/* GPUs that do not exist have no memory. */
static void open_scrub(struct agent *agent)
{
    const char *program = agent->options.gpu_scrub;
    struct error err;

    if (agent->facts.gpu_count == 0 || agent->facts.is_simulated ||
        (program != NULL && strcmp(program, "off") == 0))
        return;
    (void)snprintf(agent->gpus_path, sizeof agent->gpus_path, "%s/gpus", agent->identity.path);
    if (!file_make_dir(agent->gpus_path, 0700, &err))
        log_failure(&agent->log, "the notes about GPUs", &err);
    agent->scrub = (struct scrub){ .dir = agent->gpus_path,
                                   .self = "/proc/self/exe",
                                   .program = program,
                                   .timeout_ms = SCRUB_TIMEOUT_MS };
    agent->host.scrub = &agent->scrub;
}

static void on_probed(void *context, const struct job_end *end)
{
    struct agent *agent = context;
    struct error err = end->err;

    if (!end->is_done || !machine_facts_decode(end->result, &agent->facts, &err)) {
        give_up(agent, err.text);
        return;
    }
    if (agent->measured.disk_mbs < 0)
        agent->measured.disk_mbs = agent->facts.disk_mbs;
    measured_save(agent->identity.dir, &agent->log, &agent->measured);
    agent->host.public_ip = agent->facts.public_ip;
    agent->host.is_simulated = agent->facts.is_simulated;
    open_scrub(agent);
    open_bencher(agent);
    open_link(agent);
    agent_wake(agent);
}

static void probe(struct agent *agent)
{
    struct job_spec spec = {
        .work = probe_work,
        .work_context = &agent->probe_options,
        .timeout_ms = PROBE_TIMEOUT_MS,
        .on_end = on_probed,
        .context = agent,
    };
    struct error err;

    agent->probe_options = (struct probe_options){
        .workspaces_dir = agent->workspaces_path,
        .simulate_gpus = agent->options.simulate_gpus,
        .seed = agent->identity.first_key,
        .seed_size = sizeof agent->identity.first_key,
        .public_ip = agent->options.public_ip,
        .is_behind_nat = agent->options.is_behind_nat,
        .server_url = agent->options.server_url,
        .port_first = agent->options.port_first,
        .port_last = agent->options.port_last,
        .agent_version = agent->options.version,
        .engine_version = agent->facts.engine_version,
    };
    agent->measured =
        measured_begin(agent->identity.dir,
                       &(struct measured_places){ .engine_root = agent->inodes.root,
                                                  .data_dir = agent->identity.path },
                       agent->options.disk_gb, &agent->log, &agent->probe_options.disk_gb);
    agent->probe_options.disk = agent->measured.disk;
    agent->probe_options.disk_mbs = agent->measured.disk_mbs;
    if (!job_start(agent->loop, &spec, &agent->probe, &err))
        give_up(agent, err.text);
}

/* The engine says what it is; then the machine is measured, engine and all. */
static void on_info(void *context, const struct web_answer *answer)
{
    struct agent *agent = context;
    auto_json json_t *root = NULL;
    const char *version = NULL;
    struct error ignored;

    if (answer->is_answered && answer->status == 200 &&
        json_parse(answer->body, answer->length, &root, &ignored))
        version = json_string_value(json_object_get(root, "ServerVersion"));
    bool is_late = loop_now_us(agent->loop) - agent->info_since_us > INFO_PATIENCE_MS * US_PER_MS;
    if (version == NULL && !is_late) {
        loop_timer_set(agent->info_timer, INFO_RETRY_MS);
        return;
    }
    if (version == NULL)
        log_write(&agent->log, LOG_ERROR, "no engine", "none answers at %s", agent->engine_socket);
    (void)snprintf(agent->facts.engine_version, sizeof agent->facts.engine_version, "%s",
                   version != NULL ? version : "");
    agent->host.cpu_count = json_integer_value(json_object_get(root, "NCPU"));
    if (agent->host.cpu_count < 1)
        agent->host.cpu_count = sysconf(_SC_NPROCESSORS_ONLN);
    inodes_engine(&agent->inodes, root);
    probe(agent);
}

static void ask_info(void *context)
{
    struct agent *agent = context;

    web_send(agent->web,
             &(struct web_request){
                 .http = { .method = "GET", .url = DOCKER_URL "/info", .timeout_ms = 10000 },
                 .unix_socket = agent->engine_socket,
                 .reply_max = DOCKER_REPLY_MAX,
                 .on_done = on_info,
                 .context = agent },
             &agent->info);
}

/* Beginning and end */

static bool choose_engine(struct agent *agent, struct error *err)
{
    const char *url = agent->options.engine_url != NULL ? agent->options.engine_url
                                                        : "unix:///var/run/docker.sock";

    if (agent->options.is_engine_private) {
        if (!engine_open(agent->loop, agent->identity.path, &agent->log, &agent->engine, err))
            return error_context(err, "the private engine");
        url = engine_socket(agent->engine);
    } else if (strncmp(url, "unix://", 7) == 0) {
        url += 7;
    } else {
        return error_set(err, ERROR_INVALID, "--engine takes unix:///path, not %s", url);
    }
    (void)snprintf(agent->engine_socket, sizeof agent->engine_socket, "%s", url);
    return true;
}

static bool open_access(struct agent *agent, struct error *err)
{
    const struct passwd *nobody = getpwnam("nobody");
    struct access_options options = {
        .state_dir = agent->identity.path,
        .engine_socket = agent->engine_socket,
        .bind_address = "0.0.0.0",
        .session_uid = nobody != NULL ? nobody->pw_uid : 65534,
        .session_gid = nobody != NULL ? nobody->pw_gid : 65534,
        .log = agent->log,
    };
    bool has_rsync;

    if (!access_tools_install(agent->options.guest_helper, agent->tools_dir, &has_rsync, err))
        return error_context(err, "the helper for containers");
    if (!has_rsync)
        log_write(&agent->log, LOG_WARNING, "no rsync", "install it for rsync into instances");
    relays_open(agent, options.session_uid, options.session_gid);
    return access_start(&options, &agent->access, err);
}

static void name_host(struct agent *agent)
{
    struct hash hash = crypto_sha256(agent->identity.first_key, sizeof agent->identity.first_key);
    char hex[HEX_SIZE(HASH_SIZE)];

    (void)snprintf(agent->host.host, sizeof agent->host.host, "%.32s",
                   hex_format(hash.bytes, sizeof hash.bytes, hex));
}

static void open_parts(struct agent *agent)
{
    struct observe_options observe = {
        .socket = agent->engine_socket, .log = agent->log, .on_change = on_change, .context = agent
    };
    struct stock_options stock = { .loop = agent->loop,
                                   .web = agent->web,
                                   .engine_socket = agent->engine_socket,
                                   .dir = agent->identity.dir,
                                   .log = agent->log,
                                   .is_secret = steps_is_secret,
                                   .context = agent };
    struct ops_options ops = { .ops_dir = agent->identity.ops_dir,
                               .instances_path = agent->instances_path,
                               .engine_socket = agent->engine_socket,
                               .host = &agent->host,
                               .copies = { agent, copies_find, copies_say },
                               .log = agent->log };
    struct error err;

    name_host(agent);
    agent->host.machine_id = agent->identity.machine_id;
    agent->host.public_ip = "";
    agent->host.tools_dir = agent->tools_dir;
    agent->host.workspaces_dir = agent->workspaces_path;
    agent->host.private_registries = agent->options.private_registries;
    agent->host.has_quota = true; /* until the engine says otherwise */
    memcpy(observe.host, agent->host.host, sizeof observe.host);
    agent->observer = observe_open(agent->loop, agent->web, &observe);
    agent->stock = stock_open(&stock);
    if (!keep_open(&agent->identity, agent->clock, &agent->keep, &err))
        log_failure(&agent->log, "kept state not readable", &err);
    totals_open(&agent->identity, agent->clock, &agent->totals);
    gauges_open(&agent->gauges, agent->loop);
    instances_load(&agent->instances, agent);
    instances_desire(&agent->instances, &agent->keep);
    tending_open(agent);
    agent->ops = ops_open(agent->loop, &ops);
    agent->metadata = metadata_open(agent->loop, &agent->log);
    networks_open(agent);
}

static bool open_agent(struct agent *agent, struct error *err)
{
    agent->loop = loop_open(agent->clock);
    agent->started_us = loop_now_us(agent->loop);
    agent->web = web_open(agent->loop);
    agent->wake_timer = loop_timer(agent->loop, on_wake, agent);
    agent->due_timer = loop_timer(agent->loop, on_change, agent);
    agent->second_timer = loop_timer(agent->loop, on_second, agent);
    agent->guests_timer = loop_timer(agent->loop, on_guests_time, agent);
    agent->info_timer = loop_timer(agent->loop, ask_info, agent);
    if (!identity_open(agent->options.data_dir, &agent->identity, err))
        return false;
    (void)snprintf(agent->tools_dir, sizeof agent->tools_dir, "%s/tools", agent->identity.path);
    (void)snprintf(agent->instances_path, sizeof agent->instances_path, "%s/instances",
                   agent->identity.path);
    if (!choose_engine(agent, err) || !open_access(agent, err))
        return false;
    open_parts(agent);
    if (!networks_wall(agent, err))
        return false;
    numbers_open(agent);
    agent->info_since_us = loop_now_us(agent->loop);
    loop_timer_set(agent->info_timer, 0);
    loop_timer_set(agent->second_timer, SECOND_MS);
    return true;
}

/* Instances run on, and so does a private engine: the next agent goes on with them. */
static void close_agent(struct agent *agent)
{
    exporter_close(&agent->exporter);
    update_close(&agent->update);
    job_cancel(&agent->probe);
    volumes_close(&agent->volumes);
    inodes_close(agent);
    grow_close(agent);
    workspaces_close(&agent->workspaces);
    bencher_close(&agent->bencher);
    web_cancel(&agent->info);
    link_close(&agent->link);
    pool_close(&agent->pool);
    networks_unwall(agent);
    ops_close(&agent->ops);
    metadata_close(&agent->metadata);
    instances_close(&agent->instances);
    observe_close(&agent->observer);
    stock_close(&agent->stock);
    if (agent->access != NULL)
        access_stop(&agent->access);
    tunnel_close(&agent->tunnel);
    engine_close(&agent->engine);
    gauges_close(&agent->gauges);
    totals_close(&agent->totals);
    keep_close(&agent->keep);
    identity_close(&agent->identity);
    web_close(&agent->web);
    loop_close(&agent->loop);
}

static void on_signal(void *context, short revents)
{
    struct agent *agent = context;

    (void)revents;
    log_write(&agent->log, LOG_INFO, "stopping", "instances go on");
    loop_stop(agent->loop);
}

static int open_signals(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

bool agent_run(const struct agent_options *options, bool *ret_again, struct error *err)
{
    static struct agent agent; /* large, and there is one of it */
    auto_close int signals = open_signals();

    agent = (struct agent){
        .options = *options,
        .log = log_standard(),
        .clock = &clock_system,
        .identity = { .dir = -1, .instances_dir = -1, .ops_dir = -1, .lock = -1 },
    };
    if (signals < 0)
        return error_system(err, errno, "listen to signals");
    if (!open_agent(&agent, err)) {
        close_agent(&agent);
        return false;
    }
    struct loop_watch *watch = loop_watch(agent.loop, signals, POLLIN, on_signal, &agent);
    loop_run(agent.loop);
    loop_unwatch(&watch);
    close_agent(&agent);
    *ret_again = agent.wants_again;
    if (agent.has_failed)
        return error_set(err, ERROR_UNAVAILABLE, "%s", agent.why_failed);
    return true;
}
