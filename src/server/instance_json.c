/* SPDX-License-Identifier: Apache-2.0 */
#include "server/instance_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "market/launch.h"
#include "market/lifetime.h"
#include "market/relaying.h"
#include "proto/heartbeat.h"
#include "server/fields.h"

enum {
    SSH_PORT = 22,
    REMAINING_SIZE = 64,
    JUPYTER_URL_SIZE = 512,
    ENV_TEXT_MAX = 1 << 20,
    MB_PER_GB = 1024
};

static bool has_ssh(const struct instance_view *view)
{
    struct launch_mode mode;
    struct error err;

    return launch_mode_parse(view->contract->runtype, view->spec->arg_count > 0, &mode, &err) &&
           mode.has_ssh;
}

/* Through relays alone: what its host calls its own ports and address is of no use to anybody. */
static bool is_relayed(const struct instance_view *view)
{
    return view->facts->is_behind_nat != 0 && view->relay_port_count > 0;
}

/* The lowest of a relay's ports that lead to SSH; NULL: none does. */
static const struct relay_port_row *relayed_ssh(const struct instance_view *view)
{
    for (size_t i = 0; i < view->relay_port_count; i++)
        if (view->relay_ports[i].inside == SSH_PORT &&
            view->relay_ports[i].protocol == RELAYING_TCP)
            return &view->relay_ports[i];
    return NULL;
}

static const char *public_address(const struct instance_view *view)
{
    return is_relayed(view) ? view->relay_ports[0].public_host : view->facts->public_ip;
}

bool instance_ssh_place(const struct instance_view *view, const char **ret_host, int64_t *ret_port)
{
    const struct relay_port_row *relay = is_relayed(view) ? relayed_ssh(view) : NULL;

    *ret_host = public_address(view);
    *ret_port = relay != NULL ? relay->port : is_relayed(view) ? 0 : view->contract->ssh_port;
    return view->contract->ssh_port > 0 && *ret_port > 0 && **ret_host != '\0';
}

/* Its Jupyter is not there to be used. */
static bool is_jupyter_message(const char *message)
{
    return strcmp(message, JUPYTER_STARTING_TEXT) == 0 || strcmp(message, JUPYTER_SILENT_TEXT) == 0;
}

/* Whether all that was asked to be reachable has an address. */
static bool is_reachable(const struct instance_view *view)
{
    int64_t mapped = 0;

    if (has_ssh(view) && view->contract->ssh_port == 0)
        return false;
    for (const char *at = strchr(view->contract->ports, ':'); at != NULL; at = strchr(at + 1, ':'))
        mapped++;
    return mapped >= view->spec->port_count && public_address(view)[0] != '\0' &&
           strcmp(view->contract->message, JUPYTER_STARTING_TEXT) != 0;
}

const char *instance_actual_status(const struct instance_view *view)
{
    const char *status = view->status.actual_status;

    if (status != NULL && strcmp(status, "running") == 0 && !is_reachable(view))
        return "loading";
    return status;
}

static void encode_binding(struct encoder *json, const char *inside, const char *host_port)
{
    encode_key(json, inside);
    encode_array(json);
    encode_object(json);
    encode_field_text(json, "HostIp", "0.0.0.0");
    encode_field_text(json, "HostPort", host_port);
    encode_end(json);
    encode_end(json);
}

/* One a port inside: SSH may have two in a row. */
static void encode_relayed(struct encoder *json, const struct instance_view *view)
{
    const struct relay_port_row *last = NULL;
    char inside[32], host_port[32];

    for (size_t i = 0; i < view->relay_port_count; i++) {
        const struct relay_port_row *port = &view->relay_ports[i];
        bool is_again =
            last != NULL && last->inside == port->inside && last->protocol == port->protocol;

        /* Nothing answers there without a certificate. */
        if (is_again || (port->protocol == RELAYING_HTTPS && !port->has_https))
            continue;
        last = port;
        (void)snprintf(inside, sizeof inside, "%lld/%s", (long long)port->inside,
                       port->protocol == RELAYING_UDP ? "udp" : "tcp");
        (void)snprintf(host_port, sizeof host_port, "%lld", (long long)port->port);
        encode_binding(json, inside, host_port);
    }
}

/* From "8081/tcp:40001 53/udp:40002", and SSH's own; or the relay's. */
static void encode_ports(struct encoder *json, const struct instance_view *view, bool is_up)
{
    const char *ports = is_up ? view->contract->ports : "";
    char inside[32], host_port[32];

    encode_key(json, "ports");
    encode_object(json);
    if (is_relayed(view)) {
        if (is_up)
            encode_relayed(json, view);
        encode_end(json);
        return;
    }
    if (is_up && view->contract->ssh_port > 0) {
        (void)snprintf(host_port, sizeof host_port, "%lld", (long long)view->contract->ssh_port);
        encode_binding(json, "22/tcp", host_port);
    }
    for (size_t length; *ports != '\0'; ports += length + strspn(ports + length, " ")) {
        length = strcspn(ports, " ");
        size_t split = strcspn(ports, ":");
        bool is_pair =
            split + 1 < length && split < sizeof inside && length - split - 1 < sizeof host_port;
        if (!is_pair || strncmp(ports, "22/tcp:", 7) == 0)
            continue;
        (void)snprintf(inside, sizeof inside, "%.*s", (int)split, ports);
        (void)snprintf(host_port, sizeof host_port, "%.*s", (int)(length - split - 1),
                       ports + split + 1);
        encode_binding(json, inside, host_port);
    }
    encode_end(json);
}

/* A relay's port that browsers may open; NULL: there is none with a certificate. */
static const struct relay_port_row *https_port(const struct instance_view *view)
{
    for (size_t i = 0; i < view->relay_port_count; i++)
        if (view->relay_ports[i].protocol == RELAYING_HTTPS && view->relay_ports[i].has_https)
            return &view->relay_ports[i];
    return NULL;
}

/* The address of its Jupyter: a relay's that has a certificate, or where there is none, that behind
 * `ssh -L 8080:localhost:8080`. Null until it answers. */
static void encode_jupyter_url(struct encoder *json, const struct instance_view *view, bool is_up)
{
    const char *token = view->spec->jupyter_token;
    const struct relay_port_row *port = https_port(view);
    char url[JUPYTER_URL_SIZE];

    if (!is_up || token == NULL || is_jupyter_message(view->contract->message))
        return field_null(json, "jupyter_url");
    bool is_ipv6 = port != NULL && strchr(port->public_host, ':') != NULL;
    if (port != NULL)
        (void)snprintf(url, sizeof url, "https://%s%s%s:%lld/?token=%s", is_ipv6 ? "[" : "",
                       port->public_host, is_ipv6 ? "]" : "", (long long)port->port, token);
    else
        (void)snprintf(url, sizeof url, "http://localhost:%d/?token=%s", LAUNCH_JUPYTER_PORT,
                       token);
    encode_field_text(json, "jupyter_url", url);
}

static void encode_address(struct encoder *json, const struct instance_view *view)
{
    const struct machine_facts *facts = view->facts;
    const char *status = instance_actual_status(view);
    bool is_up = status != NULL && strcmp(status, "running") == 0;
    const struct relay_port_row *relay = relayed_ssh(view);
    bool has_port = is_up && view->contract->ssh_port > 0;
    bool has_range = facts->port_first > 0;
    int64_t ssh_port = relay != NULL ? relay->port : view->contract->ssh_port;

    /* Both or neither: clients mix the proxy's address with the direct one otherwise. */
    encode_field_text(json, "ssh_host",
                      !has_port       ? NULL
                      : relay != NULL ? relay->public_host
                                      : facts->public_ip);
    field_known_int(json, "ssh_port", has_port ? ssh_port : 0);
    field_null(json, "ssh_idx");
    field_null(json, "machine_dir_ssh_port");
    field_known_text(json, "public_ipaddr", public_address(view));
    encode_field_text(json, "local_ipaddrs", "");
    encode_field_int(json, "direct_port_start", has_range ? facts->port_first : -1);
    encode_field_int(json, "direct_port_end", has_range ? facts->port_last : -1);
    encode_ports(json, view, is_up);
    encode_jupyter_url(json, view, is_up);
}

/* What is free in it the host does not say. */
static void encode_volume(struct encoder *json, const struct spec_volume *volume)
{
    encode_object(json);
    encode_field_int(json, "id", volume->id);
    encode_field_text(json, "path", volume->path);
    encode_field_int(json, "avail_space", volume->size_gb);
    encode_field_int(json, "total_space", volume->size_gb);
    encode_end(json);
}

static void encode_image(struct encoder *json, const struct instance_view *view)
{
    const struct instance_spec *spec = view->spec;
    auto_buf struct buf env = buf_of(ENV_TEXT_MAX);
    struct volume_word volumes[SPEC_VOLUMES_MAX];
    struct launch_env asked = { .variable_count = (size_t)spec->env_count,
                                .variables = (struct launch_variable *)spec->env,
                                .port_count = (size_t)spec->port_count,
                                .ports = (struct launch_port *)spec->ports,
                                .volume_count = (size_t)spec->volume_count,
                                .volumes = volumes };

    static_assert(sizeof(struct launch_variable) == sizeof(struct spec_variable), "one shape");
    static_assert(sizeof(struct launch_port) == sizeof(struct spec_port), "one shape");
    (void)snprintf(asked.hostname, sizeof asked.hostname, "%s",
                   spec->hostname != NULL ? spec->hostname : "");
    asked.shm_mb = spec->shm_mb;
    for (int64_t i = 0; i < spec->volume_count; i++)
        volumes[i] = (struct volume_word){ spec->volumes[i].id, spec->volumes[i].path };
    launch_env_encode(&env, &asked);

    encode_field_text(json, "image_uuid", view->contract->image);
    encode_field_text(json, "image_runtype", view->contract->runtype);
    encode_key(json, "image_args");
    encode_array(json);
    for (int64_t i = 0; i < spec->arg_count; i++)
        encode_text(json, spec->args[i]);
    encode_end(json);
    encode_field_text(json, "onstart", spec->onstart);
    encode_key(json, "extra_env");
    if (env.length > 0)
        encode_raw(json, env.bytes, env.length);
    else
        encode_raw(json, "[]", 2);
    encode_field_text(json, "jupyter_token", spec->jupyter_token);
    field_null(json, "template_id");
    field_null(json, "template_hash_id");
    field_null(json, "template_name");
    encode_key(json, "volume_info");
    encode_array(json);
    for (int64_t i = 0; i < spec->volume_count; i++)
        encode_volume(json, &spec->volumes[i]);
    encode_end(json);
}

/* A share of something in use: null where the host does not say. */
static void field_use(struct encoder *json, const char *key, int64_t value, int64_t scale,
                      int64_t divisor)
{
    if (value < 0)
        field_null(json, key);
    else
        field_fixed(json, key, value * scale / divisor, 3);
}

static void encode_use(struct encoder *json, const struct instance_view *view)
{
    const struct contract_row *contract = view->contract;
    int64_t disk_mb = contract->disk_used_mb, disk_space_mb = contract->share.disk_gb * MB_PER_GB;
    bool is_known = disk_mb >= 0 && disk_space_mb > 0;
    bool runs = view->uptime_s >= 0;

    field_use(json, "gpu_util", runs ? contract->gpu_permille : -1, 100, 1);
    field_null(json, "gpu_temp");
    field_use(json, "cpu_util", runs ? contract->cpu_permille : -1, 1, 1);
    field_use(json, "mem_usage", runs ? contract->ram_used_mb : -1, 1000, MB_PER_GB);
    field_use(json, "mem_limit", contract->share.ram_mb, 1000, MB_PER_GB);
    field_null(json, "vmem_usage");
    encode_field_int(json, "disk_space", contract->share.disk_gb);
    encode_field_int(json, "encrypted_workspace", view->spec->workspace_gb);
    field_fixed(json, "disk_usage", is_known ? disk_mb * 1000 / MB_PER_GB : -1000, 3);
    field_fixed(json, "disk_util", is_known ? disk_mb * 1000 / disk_space_mb : -1000, 3);
    field_use(json, "uptime_mins", view->uptime_s, 1000, 60);
}

static void encode_price(struct encoder *json, const struct instance_view *view)
{
    const struct offer_terms *terms = &view->contract->terms;

    encode_field_money(json, "dph_base", terms->gpu_hour);
    encode_field_money(json, "dph_total", view->total_hour);
    encode_field_money(json, "storage_cost", contract_disk_month(view->contract));
    encode_field_text(json, "storage_when_offline",
                      view->contract->disk_offline_us == 0 ? "skip" : "charge");
    encode_field_money(json, "storage_total_cost", view->disk_hour);
    encode_field_money(json, "min_bid", view->min_bid_hour);
    encode_field_bool(json, "is_bid", view->contract->kind == KIND_BID);
    if (view->grace_s >= 0)
        encode_field_int(json, "grace", view->grace_s);
    field_price_parts(json, "search", terms->gpu_hour, view->disk_hour);
    field_price_parts(json, "instance", (struct money){ 0 }, view->disk_hour);
    fields_traffic_prices(json, terms->up_tb, terms->down_tb);
    if (view->deposit.is_reserved) {
        encode_field_money(json, "credit_balance", view->deposit.left);
        field_fixed(json, "credit_discount", view->deposit.discount_ppm, 6);
    } else {
        field_null(json, "credit_balance");
        field_null(json, "credit_discount");
    }
    field_fixed(json, "credit_discount_max", reserved_most_ppm(view->contract->discount_max_ppm),
                6);
    encode_field_money(json, "charged", view->charged);
}

static void encode_state(struct encoder *json, const struct instance_view *view)
{
    const struct contract_row *contract = view->contract;
    enum rental_reason reason = contract->reason;
    auto_buf struct buf sentence = buf_of(4096);

    encode_field_text(json, "actual_status", instance_actual_status(view));
    encode_field_text(json, "intended_status", view->status.intended_status);
    encode_field_text(json, "cur_state", view->status.cur_state);
    encode_field_text(json, "next_state", view->status.next_state);
    encode_field_text(json, "status_msg", view->status_msg);
    encode_field_text(json, "label", contract->label);
    rental_reason_explain(&sentence, reason, contract->reason_detail);
    encode_field_text(json, "stop_reason",
                      reason == REASON_NONE ? NULL : rental_reason_code(reason));
    encode_field_text(json, "stop_message",
                      reason == REASON_NONE || sentence.has_overflowed ? NULL : sentence.bytes);
}

/* Of one that waits for GPUs; null for all others. */
static void encode_line(struct encoder *json, const struct instance_view *view)
{
    const struct line_place *place = &view->place;
    const char *behind = NULL;

    if (view->is_in_line && place->firms_ahead > 0)
        behind = "on-demand";
    else if (view->is_in_line && place->bids_ahead > 0)
        behind = "bid";
    field_known_int(json, "queue_position", view->is_in_line ? place->position : 0);
    field_known_int(json, "queue_length", view->is_in_line ? place->length : 0);
    encode_field_text(json, "queue_behind", behind);
    field_time(json, "queue_free_by", view->is_in_line ? place->free_by : INSTANT_NEVER);
}

static void encode_slice(struct encoder *json, const struct instance_view *view,
                         const struct machine *machine)
{
    int64_t gpus = view->contract->terms.num_gpus;

    encode_field_int(json, "num_gpus", gpus);
    encode_field_int(json, "gpu_totalram", machine->gpu_ram_mb * gpus);
    encode_field_real(json, "gpu_frac",
                      machine->gpu_count > 0 ? (double)gpus / (double)machine->gpu_count : 1);
    field_fixed(json, "cpu_cores_effective", view->contract->share.cpu_millis, 3);
    field_known_fixed(json, "dlperf", machine->dlperf_milli * gpus, 3);
    field_known_fixed(json, "total_flops", machine->fp32_gflops * gpus, 3);
    field_null(json, "score");
}

/* "6 days 3 h", "42 min"; "" where there is no end. */
static const char *time_remaining(struct instant end, struct instant now,
                                  char text[static REMAINING_SIZE])
{
    int64_t left_s = instant_until(now, end) / US_PER_SECOND;
    long long days = (long long)(left_s / 86400), hours = (long long)(left_s / 3600 % 24);

    *text = '\0';
    if (instant_compare(end, INSTANT_NEVER) == 0)
        return text;
    if (left_s <= 0)
        (void)snprintf(text, REMAINING_SIZE, "over");
    else if (days > 0)
        (void)snprintf(text, REMAINING_SIZE, "%lld day%s %lld h", days, days == 1 ? "" : "s",
                       hours);
    else if (hours > 0)
        (void)snprintf(text, REMAINING_SIZE, "%lld h %lld min", hours,
                       (long long)(left_s / 60 % 60));
    else
        (void)snprintf(text, REMAINING_SIZE, "%lld min", (long long)(left_s / 60));
    return text;
}

static void encode_rules(struct encoder *json, const struct contract_row *contract)
{
    const struct automation *automation = &contract->automation;

    field_time(json, "retention_date", lifetime_retention(contract->terms.end));
    field_known_int(json, "stop_when_idle_minutes", automation->idle_stop_s / 60);
    field_known_int(json, "destroy_when_stopped_hours", automation->destroy_after_s / 3600);
    field_known_int(json, "limit_up_mbit", automation->limit_up_mbit);
    field_known_int(json, "limit_down_mbit", automation->limit_down_mbit);
    field_known_int(json, "stop_when_moved_gb", automation->traffic_cap_bytes >> 30);
    if (automation->traffic_cap_bytes > 0)
        field_fixed(json, "moved_gb", automation->moved_bytes / (1 << 20) * 1000 / 1024, 3);
    else
        field_null(json, "moved_gb");
}

void instance_encode(struct encoder *json, const struct instance_view *view, struct instant now)
{
    const struct contract_row *contract = view->contract;
    struct machine machine = machine_of_row(view->machine, view->facts, now);
    char remaining[REMAINING_SIZE];

    encode_object(json);
    encode_field_int(json, "id", contract->id);
    encode_field_int(json, "machine_id", contract->machine_id);
    encode_field_int(json, "host_id", contract->host_id);
    field_null(json, "bundle_id");
    encode_state(json, view);
    encode_line(json, view);
    fields_machine(json, &machine);
    fields_gpu(json, &machine);
    encode_slice(json, view, &machine);
    encode_use(json, view);
    encode_address(json, view);
    encode_image(json, view);
    encode_price(json, view);
    field_time(json, "start_date", contract->terms.start);
    field_time(json, "end_date", contract->terms.end);
    field_until(json, "duration", now, contract->terms.end);
    encode_rules(json, contract);
    encode_field_text(json, "time_remaining", time_remaining(contract->terms.end, now, remaining));
    encode_field_text(json, "time_remaining_isbid", "");
    encode_end(json);
}
