/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/access_tools.h"
#include "agent/holder.h"
#include "agent/jupyter.h"
#include "agent/seccomp.h"
#include "agent/slots.h"
#include "agent/volumes.h"
#include "base/encode.h"
#include "market/launch.h"
#include "sys/crypto.h"

#define ONSTART_NAME       "BERTH_ONSTART"
#define JUPYTER_TOKEN_NAME "JUPYTER_TOKEN"

enum {
    NANO_CPUS_PER_MILLI = 1000000,
    PIDS_PER_CPU = 4096,
    SHM_MIN_MB = 64,
    SHM_UNKNOWN_MB = 1024,
    DOMAIN_TEXT_MAX = 64 << 20,

    /* What copies of a stopped instance may take of the host: what nobody else wants. */
    COPIES_CPU_MILLIS = 1000,
    COPIES_CPU_SHARES = 2,
    COPIES_MEMORY_MB = 1024,
    COPIES_PIDS = 256,
};

/* What a guest may do as root of its own container: look after files, users and ports there. */
static const char *const capabilities[] = {
    "CHOWN",  "DAC_OVERRIDE", "FOWNER",           "FSETID",     "KILL",        "SETGID",
    "SETUID", "SETPCAP",      "NET_BIND_SERVICE", "SYS_CHROOT", "AUDIT_WRITE",
};

/* Public ones: a resolver on the host's own network is behind the rules that keep guests off it. */
static const char *const resolvers[] = { "1.1.1.1", "8.8.8.8" };

/* Ours waits for people to come in. */
bool container_has_launcher(const struct instance_spec *spec)
{
    struct launch_mode mode;
    struct error ignored;

    return !launch_mode_parse(spec->runtype, spec->arg_count > 0, &mode, &ignored) || !mode.is_args;
}

static void encode_list(struct encoder *json, const char *key, const char *const *texts,
                        size_t count)
{
    encode_key(json, key);
    encode_array(json);
    for (size_t i = 0; i < count; i++)
        encode_text(json, texts[i]);
    encode_end(json);
}

static void encode_variable(struct encoder *json, const char *name, const char *value)
{
    auto_buf struct buf text = buf_of(2 * SPEC_TEXT_MAX);

    buf_printf(&text, "%s=", name);
    buf_append(&text, value, strlen(value));
    assert(!text.has_overflowed);
    encode_bytes(json, text.bytes, text.length);
}

/* Ours win over a renter's of the same name: programs rely on them being true. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {
        "CONTAINER_ID",  "VAST_CONTAINERLABEL", "BERTH_CONTAINERLABEL", "GPU_COUNT",
        "PUBLIC_IPADDR", "SSH_PUBLIC_KEY",      ONSTART_NAME,
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return strncmp(name, "VAST_TCP_PORT_", 14) == 0 || strncmp(name, "VAST_UDP_PORT_", 14) == 0;
}

static void encode_number_variable(struct encoder *json, const char *name, int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    encode_variable(json, name, text);
}

static void encode_port_variable(struct encoder *json, int64_t port, bool is_udp, int64_t value)
{
    char name[48];

    (void)snprintf(name, sizeof name, "VAST_%s_PORT_%" PRId64, is_udp ? "UDP" : "TCP", port);
    encode_number_variable(json, name, value);
}

/* VAST_TCP_PORT_8081=40001: where the world finds it, which behind NAT is a relay's port. An
 * identity port has the name that was asked for, 70000 and up, in the order of the spec
 * (api.md 2.4.3), and its own name as well. */
static void encode_port_variables(struct encoder *json, const struct container_wish *wish)
{
    const struct instance_spec *spec = &wish->desired->spec;
    const struct record *record = wish->record;
    int64_t identity = 0, ssh = instance_spec_relayed(spec, 22, false);

    if (record->ssh_port > 0)
        encode_port_variable(json, 22, false, ssh > 0 ? ssh : record->ssh_port);
    for (int64_t i = 0; i < record->port_count; i++) {
        const struct port_mapping *port = &record->ports[i];
        int64_t relayed = instance_spec_relayed(spec, port->port, port->is_udp);

        if (port->port == 22 && !port->is_udp)
            continue;
        while (identity < spec->port_count && spec->ports[identity].port < LAUNCH_IDENTITY_PORT)
            identity++;
        const struct spec_port *asked = identity < spec->port_count ? &spec->ports[identity] : NULL;
        bool is_identity = asked != NULL && asked->is_udp == port->is_udp &&
                           (port->port == port->host_port ||
                            port->port == instance_spec_relayed(spec, asked->port, asked->is_udp));
        int64_t value = is_identity ? port->port : relayed > 0 ? relayed : port->host_port;
        encode_port_variable(json, port->port, port->is_udp, value);
        if (is_identity)
            encode_port_variable(json, spec->ports[identity++].port, port->is_udp, value);
    }
}

static void encode_env(struct encoder *json, const struct container_wish *wish)
{
    const struct desired_instance *desired = wish->desired;
    const struct instance_spec *spec = &desired->spec;
    auto_buf struct buf keys = buf_of(SPEC_TEXT_MAX);
    bool has_jupyter = jupyter_is_wanted(spec);
    char label[32], hostname[CONTAINER_HOSTNAME_SIZE];

    encode_key(json, "Env");
    encode_array(json);
    if (wish->is_for_copies) {
        encode_end(json);
        return;
    }
    /* The engine would put the holder's name there; what stands later wins. */
    if (wish->record->has_holder)
        encode_variable(json, "HOSTNAME", container_hostname(desired, hostname));
    for (int64_t i = 0; i < spec->env_count; i++) {
        if (!is_ours(spec->env[i].name) &&
            (!has_jupyter || strcmp(spec->env[i].name, JUPYTER_TOKEN_NAME) != 0))
            encode_variable(json, spec->env[i].name, spec->env[i].value);
    }
    (void)snprintf(label, sizeof label, "C.%" PRId64, desired->id);
    encode_number_variable(json, "CONTAINER_ID", desired->id);
    encode_variable(json, "VAST_CONTAINERLABEL", label);
    encode_variable(json, "BERTH_CONTAINERLABEL", label);
    encode_number_variable(json, "GPU_COUNT", desired->gpu_count);
    encode_variable(json, "PUBLIC_IPADDR",
                    spec->public_host != NULL ? spec->public_host : wish->host->public_ip);
    for (int64_t i = 0; i < spec->ssh_key_count; i++)
        buf_printf(&keys, "%s%s", i > 0 ? "\n" : "", spec->ssh_keys[i]);
    if (keys.length > 0)
        encode_variable(json, "SSH_PUBLIC_KEY", keys.bytes);
    if (has_jupyter)
        encode_variable(json, JUPYTER_TOKEN_NAME, spec->jupyter_token);
    encode_port_variables(json, wish);
    if (spec->onstart != NULL && *spec->onstart != '\0' && container_has_launcher(spec))
        encode_variable(json, ONSTART_NAME, spec->onstart);
    encode_end(json);
}

static void encode_launcher(struct encoder *json, const struct container_wish *wish)
{
    const struct instance_spec *spec = &wish->desired->spec;
    char hostname[CONTAINER_HOSTNAME_SIZE];

    encode_key(json, "Entrypoint");
    encode_array(json);
    encode_text(json, ACCESS_GUEST_HELPER);
    encode_text(json, "launch");
    if (wish->record->has_holder) {
        encode_text(json, "--hostname");
        encode_text(json, container_hostname(wish->desired, hostname));
    }
    encode_text(json, "--onstart-env");
    encode_text(json, ONSTART_NAME);
    if (jupyter_is_wanted(spec)) {
        encode_text(json, "--jupyter");
        encode_text(json, spec->jupyter_app != NULL ? spec->jupyter_app : "notebook");
    }
    if (jupyter_is_wanted(spec) && spec->jupyter_dir != NULL) {
        encode_text(json, "--jupyter-dir");
        encode_text(json, spec->jupyter_dir);
    }
    encode_text(json, "--");
    encode_end(json);
}

static void encode_command(struct encoder *json, const struct container_wish *wish)
{
    const struct instance_spec *spec = &wish->desired->spec;

    if (wish->is_for_copies) {
        encode_list(json, "Entrypoint",
                    (const char *const[]){ ACCESS_GUEST_HELPER, "launch", "--idle" }, 3);
        return;
    }
    if (container_has_launcher(spec)) {
        encode_launcher(json, wish);
        return;
    }
    /* The vendor's clients put an entrypoint of their own where onstart is otherwise. */
    if (spec->onstart != NULL && *spec->onstart != '\0')
        encode_list(json, "Entrypoint", &spec->onstart, 1);
    if (spec->arg_count > 0)
        encode_list(json, "Cmd", (const char *const *)spec->args, (size_t)spec->arg_count);
}

void container_labels(struct encoder *json, const struct container_wish *wish)
{
    char number[32], spec[SEEN_SPEC_SIZE], gpus[SEEN_GPUS_SIZE];
    struct error ignored;

    encode_object(json);
    (void)snprintf(number, sizeof number, "%" PRId64, wish->host->machine_id);
    encode_field_text(json, SEEN_LABEL_MACHINE, number);
    encode_field_text(json, SEEN_LABEL_HOST, wish->host->host);
    (void)snprintf(number, sizeof number, "%" PRId64, wish->desired->id);
    encode_field_text(json, SEEN_LABEL_INSTANCE, number);
    (void)snprintf(number, sizeof number, "%" PRId64, wish->desired->gen);
    encode_field_text(json, SEEN_LABEL_GEN, number);
    if (wish->is_for_copies)
        encode_field_text(json, SEEN_LABEL_SPEC, SEEN_SPEC_COPIES);
    else if (container_spec(wish->desired, spec, &ignored))
        encode_field_text(json, SEEN_LABEL_SPEC, spec);
    encode_field_text(json, SEEN_LABEL_GPUS,
                      wish->is_for_copies ? "" : container_gpus(wish->desired, gpus));
    encode_end(json);
}

/* {"8081/tcp": ...}: an empty object each for ExposedPorts, the host's side for PortBindings. */
static void encode_ports(struct encoder *json, const char *key, const struct record *record,
                         bool is_binding)
{
    char name[32], host_port[16];

    encode_key(json, key);
    encode_object(json);
    for (int64_t i = 0; i < record->port_count; i++) {
        (void)snprintf(name, sizeof name, "%" PRId64 "/%s", record->ports[i].port,
                       record->ports[i].is_udp ? "udp" : "tcp");
        encode_key(json, name);
        if (is_binding)
            encode_array(json);
        encode_object(json);
        if (is_binding) {
            (void)snprintf(host_port, sizeof host_port, "%" PRId64, record->ports[i].host_port);
            encode_field_text(json, "HostIp", "0.0.0.0");
            encode_field_text(json, "HostPort", host_port);
        }
        encode_end(json);
        if (is_binding)
            encode_end(json);
    }
    encode_end(json);
}

static void encode_limits(struct encoder *json, const struct container_wish *wish)
{
    const struct instance_spec *spec = &wish->desired->spec;
    int64_t cpu_max = wish->host->cpu_count * 1000;
    int64_t cpu_millis = spec->cpu_millis < cpu_max ? spec->cpu_millis : cpu_max;
    int64_t cpus = cpu_millis > 0 ? (cpu_millis + 999) / 1000 : wish->host->cpu_count;
    int64_t shm_mb = spec->shm_mb;

    if (shm_mb == 0)
        shm_mb = spec->ram_mb > 0 ? spec->ram_mb / 2 : SHM_UNKNOWN_MB;
    if (shm_mb < SHM_MIN_MB)
        shm_mb = SHM_MIN_MB;
    if (spec->ram_mb > 0) {
        encode_field_int(json, "Memory", spec->ram_mb << 20);
        encode_field_int(json, "MemorySwap", spec->ram_mb << 20);
    }
    if (cpu_millis > 0)
        encode_field_int(json, "NanoCpus", cpu_millis * NANO_CPUS_PER_MILLI);
    encode_field_int(json, "PidsLimit", (cpus > 0 ? cpus : 1) * PIDS_PER_CPU);
    encode_field_int(json, "ShmSize", shm_mb << 20);
}

static void encode_copies_limits(struct encoder *json)
{
    encode_field_int(json, "Memory", (int64_t)COPIES_MEMORY_MB << 20);
    encode_field_int(json, "MemorySwap", (int64_t)COPIES_MEMORY_MB << 20);
    encode_field_int(json, "NanoCpus", (int64_t)COPIES_CPU_MILLIS * NANO_CPUS_PER_MILLI);
    encode_field_int(json, "CpuShares", COPIES_CPU_SHARES);
    encode_field_int(json, "PidsLimit", COPIES_PIDS);
}

int64_t container_disk_gb(const struct desired_instance *desired)
{
    int64_t disk_gb =
        desired->grown_gb > desired->spec.disk_gb ? desired->grown_gb : desired->spec.disk_gb;

    return disk_gb - desired->spec.workspace_gb;
}

static void encode_quota(struct encoder *json, const struct container_wish *wish)
{
    /* What the workspace has is not the container's: it has a size of its own. */
    int64_t size_gb = container_disk_gb(wish->desired);

    if (wish->host->has_quota && size_gb > 0) {
        char size[32];

        (void)snprintf(size, sizeof size, "%" PRId64 "G", size_gb);
        encode_key(json, "StorageOpt");
        encode_object(json);
        encode_field_text(json, "size", size);
        encode_end(json);
    }
}

static void encode_gpus(struct encoder *json, const struct container_wish *wish)
{
    const struct desired_instance *desired = wish->desired;
    const char *const capability = "gpu";

    if (wish->host->is_simulated || wish->is_for_copies || desired->gpu_count == 0)
        return;
    encode_key(json, "DeviceRequests");
    encode_array(json);
    encode_object(json);
    encode_field_text(json, "Driver", "nvidia");
    encode_list(json, "DeviceIDs", (const char *const *)desired->gpus, (size_t)desired->gpu_count);
    encode_key(json, "Capabilities");
    encode_array(json);
    encode_array(json);
    encode_text(json, capability);
    encode_end(json);
    encode_end(json);
    encode_end(json);
    encode_end(json);
}

static void encode_log(struct encoder *json)
{
    encode_key(json, "LogConfig");
    encode_object(json);
    encode_field_text(json, "Type", "json-file");
    encode_key(json, "Config");
    encode_object(json);
    encode_field_text(json, "max-size", "10m");
    encode_field_text(json, "max-file", "2");
    encode_end(json);
    encode_end(json);
}

void container_resolvers(struct encoder *json)
{
    encode_list(json, "Dns", resolvers, sizeof resolvers / sizeof resolvers[0]);
}

/* One of its own, or that of its holder, who then has the resolvers as well. */
static void encode_network(struct encoder *json, const struct container_wish *wish)
{
    const struct record *record = wish->record;
    char bridge[SLOT_TEXT_SIZE], name[HOLDER_NAME_SIZE], mode[HOLDER_NAME_SIZE + 16];

    if (wish->is_for_copies) {
        encode_field_text(json, "NetworkMode", "none");
        return;
    }
    if (record->has_holder) {
        (void)snprintf(mode, sizeof mode, "container:%s", holder_name(record->slot, name));
        encode_field_text(json, "NetworkMode", mode);
        return;
    }
    encode_field_text(json, "NetworkMode", slots_bridge(record->slot, bridge));
    container_resolvers(json);
    encode_ports(json, "PortBindings", record, true);
}

static void encode_host_config(struct encoder *json, const struct container_wish *wish)
{
    static const char *const all[] = { "ALL" };
    auto_buf struct buf bind = buf_of(4096), calls = buf_of(SECCOMP_PROFILE_MAX);

    buf_printf(&calls, "seccomp=");
    seccomp_profile(&calls);
    assert(!calls.has_overflowed);

    encode_key(json, "HostConfig");
    encode_object(json);
    encode_field_bool(json, "Init", true);
    encode_list(json, "CapDrop", all, 1);
    encode_list(json, "CapAdd", capabilities, sizeof capabilities / sizeof capabilities[0]);
    encode_list(json, "SecurityOpt", (const char *const[]){ "no-new-privileges", calls.bytes }, 2);
    encode_network(json, wish);
    buf_printf(&bind, "%s:%s:ro", wish->host->tools_dir, ACCESS_TOOLS_MOUNT);
    encode_list(json, "Binds", (const char *const[]){ bind.bytes }, 1);
    volumes_encode(json, wish);
    encode_key(json, "RestartPolicy");
    encode_object(json);
    encode_field_text(json, "Name", "no");
    encode_end(json);
    if (wish->is_for_copies)
        encode_copies_limits(json);
    else
        encode_limits(json, wish);
    encode_quota(json, wish);
    encode_gpus(json, wish);
    encode_log(json);
    encode_end(json);
}

void container_encode(struct buf *out, const struct container_wish *wish)
{
    const struct desired_instance *desired = wish->desired;
    const struct instance_spec *spec = &desired->spec;
    struct encoder json = encoder_of(out);
    char hostname[CONTAINER_HOSTNAME_SIZE];
    bool has_network = !wish->is_for_copies && !wish->record->has_holder;

    encode_object(&json);
    encode_field_text(&json, "Image", wish->image);
    if (has_network || wish->is_for_copies)
        encode_field_text(&json, "Hostname", container_hostname(desired, hostname));
    if (spec->user != NULL)
        encode_field_text(&json, "User", spec->user);
    encode_command(&json, wish);
    encode_env(&json, wish);
    if (has_network)
        encode_ports(&json, "ExposedPorts", wish->record, false);
    encode_key(&json, "Labels");
    container_labels(&json, wish);
    encode_field_int(&json, "StopTimeout", CONTAINER_STOP_SECONDS);
    encode_host_config(&json, wish);
    encode_end(&json);
}

char *container_hostname(const struct desired_instance *desired,
                         char hostname[static CONTAINER_HOSTNAME_SIZE])
{
    if (desired->spec.hostname != NULL)
        (void)snprintf(hostname, CONTAINER_HOSTNAME_SIZE, "%s", desired->spec.hostname);
    else
        (void)snprintf(hostname, CONTAINER_HOSTNAME_SIZE, "C.%" PRId64, desired->id);
    return hostname;
}

bool container_spec(const struct desired_instance *desired, char spec[static SEEN_SPEC_SIZE],
                    struct error *err)
{
    struct desired_instance fixed = *desired;
    struct desired whole = { .session_epoch = 1, .instance_count = 1, .instances = &fixed };
    auto_buf struct buf text = buf_of(DOMAIN_TEXT_MAX);

    /* All but what may change while the container stays: keys are the gateway's, and the image
     * is only asked when there is no container yet. A relay's ports are given once. */
    fixed.gen = 1;
    fixed.state = DESIRED_RUNNING;
    fixed.restart_nonce = 0;
    fixed.stop_after_ms = fixed.lifetime_after_ms = -1;
    fixed.gpu_count = 0;
    fixed.has_notice = false;
    fixed.has_destroy_token = false;
    fixed.spec.ssh_key_count = 0;
    fixed.spec.image = "";
    fixed.spec.registry_login = NULL;
    fixed.spec.workspace_key = NULL;
    fixed.spec.public_host = NULL;
    fixed.spec.relayed_count = 0;
    fixed.copy_count = 0;
    fixed.up_mbit = fixed.down_mbit = 0;
    fixed.grown_gb = 0;
    desired_encode(&text, &whole);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the spec of instance %" PRId64 " is too long",
                         desired->id);
    struct hash hash = crypto_sha256(text.bytes, text.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, spec);
    return true;
}

char *container_gpus(const struct desired_instance *desired, char gpus[static SEEN_GPUS_SIZE])
{
    size_t length = 0;

    *gpus = '\0';
    for (int64_t i = 0; i < desired->gpu_count; i++) {
        int written = snprintf(gpus + length, SEEN_GPUS_SIZE - length, "%s,", desired->gpus[i]);
        assert(written > 0 && (size_t)written < SEEN_GPUS_SIZE - length);
        length += (size_t)written;
    }
    return gpus;
}

bool container_without_limit(struct container_host *host, const char *refusal)
{
    bool is_container = strstr(refusal, "storage-opt") != NULL;
    /* "quota size requested but no quota support" */
    bool is_volume = !is_container && strstr(refusal, "quota") != NULL;

    if (!(is_container && host->has_quota) && !(is_volume && host->has_volume_quota))
        return false;
    host->has_quota = host->has_quota && !is_container;
    host->has_volume_quota = host->has_volume_quota && !is_volume;
    return true;
}
