/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/cloud_work.h"
#include "agent/docker.h"
#include "agent/gpu_nvml.h"
#include "agent/identity.h"
#include "agent/isolate.h"
#include "agent/key_age.h"
#include "agent/measured.h"
#include "agent/probe.h"
#include "agent/quota.h"
#include "agent/slots.h"
#include "agent/workspace.h"
#include "base/buf.h"
#include "market/requirement.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/http_client.h"

enum { DISK_MIN_GB = 20, RAM_MIN_MB = 2048, PORTS_MIN = 10, SERVER_MS = 10000 };

/* What is gathered on the way. */
struct examination {
    const struct doctor_options *options;
    struct doctor_finding *findings;
    int count;
    bool has_engine;
    struct docker_info engine;
    struct machine_facts facts;
    bool has_facts;
    char folder[1100]; /* where the data will lie, or the nearest above that is there */
};

static struct doctor_finding *add(struct examination *exam, const char *requirement,
                                  const char *needed)
{
    struct doctor_finding *finding = &exam->findings[exam->count++];

    *finding = (struct doctor_finding){ .requirement = requirement };
    (void)snprintf(finding->needed, sizeof finding->needed, "%s", needed);
    return finding;
}

static void judge(struct doctor_finding *finding, bool is_good, enum doctor_state otherwise,
                  const char *mend)
{
    finding->state = is_good ? DOCTOR_GOOD : otherwise;
    (void)snprintf(finding->mend, sizeof finding->mend, "%s", is_good ? "" : mend);
}

static void examine_root(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "root", "uid 0");

    (void)snprintf(finding->measured, sizeof finding->measured, "uid %u", (unsigned)geteuid());
    judge(finding, geteuid() == 0, DOCTOR_BAD, "run it as root: sudo berth-host ...");
}

static void examine_kernel(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "kernel", "5.10 or newer, amd64 or arm64");
    struct utsname name;
    unsigned long major = 0, minor = 0;

    if (uname(&name) == 0) {
        char *end = name.release;
        while (*end >= '0' && *end <= '9')
            major = major * 10 + (unsigned long)(*end++ - '0');
        for (end += *end == '.'; *end >= '0' && *end <= '9';)
            minor = minor * 10 + (unsigned long)(*end++ - '0');
        (void)snprintf(finding->measured, sizeof finding->measured, "%.60s %.60s", name.release,
                       name.machine);
    }
    judge(finding, major > 5 || (major == 5 && minor >= 10), DOCTOR_BAD,
          "upgrade the distribution: apt full-upgrade");
}

static void examine_overlay(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "overlay file system", "known to the kernel");
    auto_buf struct buf text = buf_of(65536);
    struct error ignored;

    bool has = file_read(AT_FDCWD, "/proc/filesystems", &text, &ignored) &&
               strstr(text.bytes, "overlay") != NULL;
    (void)snprintf(finding->measured, sizeof finding->measured, "%s", has ? "known" : "not known");
    judge(finding, has, DOCTOR_BAD, "modprobe overlay");
}

static void examine_memory(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "memory", "2048 MB or more");
    struct sysinfo info = { 0 };

    (void)sysinfo(&info);
    uint64_t ram_mb = (uint64_t)info.totalram * info.mem_unit >> 20;
    (void)snprintf(finding->measured, sizeof finding->measured, "%" PRIu64 " MB", ram_mb);
    judge(finding, ram_mb >= RAM_MIN_MB, DOCTOR_BAD, "add memory");
}

/* The folder need not be there yet: the one that it will be made in tells. */
static const char *existing_folder(struct examination *exam)
{
    char *existing = exam->folder, *slash;

    (void)snprintf(existing, sizeof exam->folder, "%s", exam->options->data_dir);
    while (access(existing, F_OK) != 0 && (slash = strrchr(existing, '/')) != NULL)
        *(slash == existing ? slash + 1 : slash) = '\0';
    return *existing != '\0' ? existing : ".";
}

/* The one that is rented out: the engine's. */
static const char *disk_of(struct examination *exam)
{
    return measured_disk(exam->has_engine ? exam->engine.root : "", "", existing_folder(exam));
}

static void examine_disk(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "disk", "20 GB free or more");
    const char *disk = disk_of(exam);
    struct measured_size size = measured_look(disk);
    int64_t wanted_gb = exam->options->disk_gb;

    (void)snprintf(finding->measured, sizeof finding->measured, "%" PRId64 " GB free for %.100s",
                   size.free_gb, disk);
    judge(
        finding, size.free_gb >= DISK_MIN_GB, DOCTOR_BAD,
        "free some, or move the engine's data (\"data-root\" in its daemon.json) to a larger one");
    if (wanted_gb > size.whole_gb) {
        struct doctor_finding *all = add(exam, "disk-gb", "as much as there is");

        (void)snprintf(all->measured, sizeof all->measured, "%" PRId64 " of %" PRId64 " GB",
                       wanted_gb, size.whole_gb);
        judge(all, false, DOCTOR_WARNING, "take disk-gb out, and all of the disk is offered");
    }
}

/* Volumes and encrypted workspaces are files of ours, and part of the disk that a renter pays. */
static void examine_own_disk(struct examination *exam)
{
    const struct measured none = { .disk = "" };
    const char *folder = existing_folder(exam);

    if (measured_is_of(&none, disk_of(exam), folder))
        return;
    struct doctor_finding *finding = add(exam, "our folder", "on the engine's disk");
    (void)snprintf(finding->measured, sizeof finding->measured,
                   "%.80s is on another, with %" PRId64 " GB free", exam->options->data_dir,
                   measured_look(folder).free_gb);
    judge(finding, false, DOCTOR_WARNING,
          "volumes and encrypted workspaces lie there: put it on the engine's disk (--data DIR)");
}

static void examine_program(struct examination *exam, const char *name, const char *package)
{
    char path[64], mend[64];
    struct doctor_finding *finding = add(exam, name, "installed");

    bool has = probe_program(name, path, sizeof path);
    (void)snprintf(finding->measured, sizeof finding->measured, "%s", has ? path : "not found");
    (void)snprintf(mend, sizeof mend, "apt install %s", package);
    judge(finding, has, DOCTOR_BAD, mend);
}

static void examine_walls(struct examination *exam)
{
    struct doctor_finding *finding =
        add(exam, "walls around guests", "nftables in the kernel, and leave to use it");
    struct error err;

    bool has = isolate_try(&err);
    (void)snprintf(finding->measured, sizeof finding->measured, "%.150s",
                   has ? "the kernel takes the rules" : err.text);
    judge(
        finding, has, exam->options->is_open ? DOCTOR_WARNING : DOCTOR_BAD,
        "modprobe nf_tables; or berth-host run --open-network, which shows your network to guests");
}

static void examine_helper(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "berth-guest", "beside berth-host");
    bool has = access(exam->options->guest_helper, R_OK) == 0;

    (void)snprintf(finding->measured, sizeof finding->measured, "%s%.120s", has ? "" : "no ",
                   exam->options->guest_helper);
    judge(finding, has, DOCTOR_BAD, "install the package berth-host whole, or run make build");
}

/* "20.10.24" and later: since then the version's first number has two digits. */
static bool is_recent(const char *version)
{
    return version[0] >= '2' && version[0] <= '9' && version[1] >= '0' && version[1] <= '9';
}

static void examine_engine(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "container engine", "Docker 20.10 or newer");
    auto_docker struct docker docker = docker_open(exam->options->engine_socket);
    struct error err;

    exam->has_engine = docker_info(&docker, &exam->engine, &err);
    if (!exam->has_engine && exam->options->is_engine_private) {
        (void)snprintf(finding->measured, sizeof finding->measured,
                       "does not run yet; berth-host will start it");
        return;
    }
    if (!exam->has_engine) {
        (void)snprintf(finding->measured, sizeof finding->measured, "none at %.120s",
                       exam->options->engine_socket);
        judge(finding, false, DOCTOR_BAD,
              "systemctl start docker, or berth-host run --private-engine");
        return;
    }
    (void)snprintf(finding->measured, sizeof finding->measured, "Docker %s", exam->engine.version);
    judge(finding, is_recent(exam->engine.version), DOCTOR_BAD, "apt install docker.io");
}

static void examine_engine_details(struct examination *exam)
{
    if (!exam->has_engine)
        return;

    struct doctor_finding *restore = add(exam, "live-restore", "on: instances outlive the engine");
    (void)snprintf(restore->measured, sizeof restore->measured, "%s",
                   exam->engine.has_live_restore ? "on" : "off");
    judge(restore, exam->engine.has_live_restore, DOCTOR_WARNING,
          "put \"live-restore\": true into /etc/docker/daemon.json; systemctl reload docker");

    struct doctor_finding *users = add(exam, "users of guests", "mapped: nobody's on the host");
    (void)snprintf(users->measured, sizeof users->measured, "%s",
                   exam->engine.maps_users ? "mapped by the engine"
                                           : "guests' root is uid 0, without its capabilities");
    judge(
        users, exam->engine.maps_users, DOCTOR_WARNING,
        "the engine maps them or not: \"userns-remap\": \"default\" in its daemon.json, before the "
        "first rental, for it starts anew with no container; one that is shared may not bear it");

    struct doctor_finding *driver = add(exam, "storage driver", "overlay2");
    (void)snprintf(driver->measured, sizeof driver->measured, "%s", exam->engine.driver);
    judge(driver, strcmp(exam->engine.driver, "overlay2") == 0, DOCTOR_WARNING,
          "put \"storage-driver\": \"overlay2\" into the engine's daemon.json");
}

static void examine_quota(struct examination *exam)
{
    auto_buf struct buf mounts = buf_of(QUOTA_MOUNTS_MAX);
    struct error ignored;

    if (!exam->has_engine)
        return;
    struct doctor_finding *finding =
        add(exam, "limit of disks", "one that the file system holds guests to");
    bool has = file_read(AT_FDCWD, "/proc/self/mountinfo", &mounts, &ignored);
    struct quota quota = quota_of(exam->engine.driver, exam->engine.root, has ? mounts.bytes : "");
    (void)snprintf(finding->measured, sizeof finding->measured, "%s", quota.text);
    judge(finding, quota.is_enforced, DOCTOR_WARNING,
          "put the engine's data on xfs: mkfs.xfs, mount it with pquota, move its data-root there");
}

/* What the market would hear of this machine. */
static bool probe(struct examination *exam, struct error *err)
{
    static const uint8_t seed[32];
    const struct doctor_options *options = exam->options;
    struct probe_options probe = { .disk = disk_of(exam),
                                   .disk_mbs = 0, /* not for a look */
                                   .simulate_gpus = options->simulate_gpus,
                                   .seed = seed,
                                   .seed_size = sizeof seed,
                                   .public_ip = "",
                                   .is_behind_nat = options->is_behind_nat,
                                   .port_first = options->port_first,
                                   .port_last = options->port_last,
                                   .agent_version = "",
                                   .engine_version = "" };

    struct measured_size size = measured_look(probe.disk);

    probe.disk_gb = measured_offer(options->disk_gb, measured_capacity(0, size), size);
    exam->has_facts = probe_machine(&probe, &exam->facts, err);
    return exam->has_facts;
}

static void examine_workspaces(struct examination *exam)
{
    struct doctor_finding *finding =
        add(exam, "encrypted workspaces", "fscrypt in the kernel's ext4, and e2fsprogs");
    char dir[1100];
    struct error err;

    (void)snprintf(dir, sizeof dir, "%s/workspaces-tried", existing_folder(exam));
    bool can = workspace_try(dir, &err);
    (void)rmdir(dir);
    (void)snprintf(finding->measured, sizeof finding->measured, "%.150s",
                   can ? "one was made, written to and locked" : err.text);
    judge(finding, can, DOCTOR_WARNING,
          "apt install e2fsprogs, and a kernel with CONFIG_FS_ENCRYPTION; without, nobody who asks "
          "for one rents this machine");
}

static void examine_clouds(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "cloud copies", "rclone");
    const char *path = cloud_program();

    (void)snprintf(finding->measured, sizeof finding->measured, "%s",
                   path != NULL ? path : "not found");
    judge(finding, path != NULL, DOCTOR_WARNING,
          "apt install rclone; without, renters cannot copy from or to cloud stores here");
}

static void examine_gpus(struct examination *exam)
{
    struct doctor_finding *finding = add(exam, "GPUs", "NVIDIA with a working driver, or none");
    struct error err;

    if (!probe(exam, &err)) {
        (void)snprintf(finding->measured, sizeof finding->measured, "%.150s", err.text);
        judge(finding, false, DOCTOR_BAD, "nvidia-smi, then reinstall the driver it complains of");
        return;
    }
    if (exam->options->simulate_gpus != NULL) {
        (void)snprintf(finding->measured, sizeof finding->measured, "simulated from %.100s",
                       exam->options->simulate_gpus);
        return;
    }
    if (exam->facts.gpu_count == 0)
        (void)snprintf(finding->measured, sizeof finding->measured,
                       "none: will be rented out as a CPU machine");
    else
        (void)snprintf(finding->measured, sizeof finding->measured,
                       "%" PRId64 " x %.60s, driver %s", exam->facts.gpu_count,
                       exam->facts.gpus[0].name, exam->facts.driver_version);
}

static void examine_gpu_runtime(struct examination *exam)
{
    char path[64];

    if (exam->facts.gpu_count == 0)
        return;
    struct doctor_finding *finding =
        add(exam, "GPUs in containers", "NVIDIA container toolkit installed");
    bool has = probe_program("nvidia-container-runtime-hook", path, sizeof path) ||
               probe_program("nvidia-container-cli", path, sizeof path);
    (void)snprintf(finding->measured, sizeof finding->measured, "%s", has ? path : "not found");
    judge(finding, has, DOCTOR_BAD,
          "apt install nvidia-container-toolkit; systemctl restart docker");
}

static void examine_ports(struct examination *exam)
{
    const struct doctor_options *options = exam->options;
    struct doctor_finding *finding =
        add(exam, "ports", "10 free ones or more, open to the internet");
    int64_t free_count = 0;

    for (int64_t port = options->port_first; port <= options->port_last; port++)
        free_count += slots_is_free(port, false) ? 1 : 0;
    (void)snprintf(finding->measured, sizeof finding->measured,
                   "%" PRId64 " free of %" PRId64 " to %" PRId64, free_count, options->port_first,
                   options->port_last);
    judge(finding, free_count >= PORTS_MIN, DOCTOR_BAD,
          "choose others: berth-host run --ports A-B");
}

/* What is known of it here; the rest the market sees. */
static void examine_requirements(struct examination *exam)
{
    const struct requirement_subject subject = { .facts = &exam->facts };
    struct requirement_line lines[REQUIREMENTS];

    if (!exam->has_facts)
        return;
    requirement_judge(&subject, lines);
    for (int i = 0; i < REQUIREMENTS; i++) {
        enum requirement requirement = (enum requirement)i;

        if (requirement_source(requirement) != REQUIREMENT_OF_FACTS ||
            lines[i].state == REQUIREMENT_NOT_NEEDED)
            continue;
        struct doctor_finding *finding = add(exam, requirement_title(requirement), lines[i].needed);
        finding->is_of_market = true;
        (void)snprintf(finding->measured, sizeof finding->measured, "%s", lines[i].measured);
        judge(finding, lines[i].state == REQUIREMENT_GOOD,
              requirement_cost(requirement) == REQUIREMENT_COSTS_JOIN ? DOCTOR_BAD : DOCTOR_WARNING,
              requirement_mend(requirement));
    }
}

/* Of one that has not joined yet there is none. */
static void examine_key(struct examination *exam)
{
    const char *data_dir = exam->options->data_dir;
    int64_t every_us = exam->options->turn_key_every_us;
    char span[KEY_SPAN_SIZE];
    int64_t machine_id;
    struct error ignored;
    bool is_running;

    auto_close int dir = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || !identity_peek(data_dir, &machine_id, &is_running, &ignored) || machine_id == 0)
        return;
    struct doctor_finding *finding = add(exam, "machine's key", "");
    (void)snprintf(finding->needed, sizeof finding->needed, "another every %s",
                   key_age_span(every_us / US_PER_SECOND, span));
    bool is_good = key_age_tell(dir, clock_now(&clock_system), every_us, finding->measured);
    judge(finding, is_good, DOCTOR_WARNING,
          is_running ? "journalctl -u berth-host says why: \"key not turned yet\""
                     : "systemctl start berth-host: the agent turns it by itself");
}

static void examine_server(struct examination *exam)
{
    struct http_client *client;
    auto_buf struct buf reply = buf_of(65536);
    char url[1024];
    struct error err;
    int status = 0;

    if (exam->options->server_url == NULL)
        return;
    struct doctor_finding *finding = add(exam, "server", "answers on /healthz");
    (void)snprintf(url, sizeof url, "%s/healthz", exam->options->server_url);
    client = http_client_open(NULL, exam->options->ca_file);
    struct http_request request = { .method = "GET", .url = url, .timeout_ms = SERVER_MS };
    bool is_good = http_client_send(client, &request, &status, &reply, &err) && status == 200;
    http_client_close(&client);
    if (status == 0)
        (void)snprintf(finding->measured, sizeof finding->measured, "%.150s", err.text);
    else
        (void)snprintf(finding->measured, sizeof finding->measured, "answers %d", status);
    judge(finding, is_good, DOCTOR_BAD,
          "check --server, the name, the firewall and the certificate");
}

int doctor_examine(const struct doctor_options *options,
                   struct doctor_finding findings[static DOCTOR_FINDINGS_MAX])
{
    static struct examination exam; /* large */

    exam = (struct examination){ .options = options, .findings = findings };
    examine_root(&exam);
    examine_kernel(&exam);
    examine_memory(&exam);
    examine_overlay(&exam);
    if (options->is_engine_private) {
        examine_program(&exam, "dockerd", "docker.io");
        examine_program(&exam, "containerd", "containerd");
        examine_program(&exam, "runc", "runc");
    }
    examine_program(&exam, "iptables", "iptables");
    examine_walls(&exam);
    examine_helper(&exam);
    examine_engine(&exam);
    examine_disk(&exam);
    examine_own_disk(&exam);
    examine_engine_details(&exam);
    examine_quota(&exam);
    examine_workspaces(&exam);
    examine_clouds(&exam);
    examine_gpus(&exam);
    examine_gpu_runtime(&exam);
    examine_ports(&exam);
    examine_server(&exam);
    examine_key(&exam);
    examine_requirements(&exam);
    return exam.count;
}

bool doctor_print(FILE *out, const struct doctor_finding *findings, int count)
{
    static const char *const words[] = {
        [DOCTOR_GOOD] = "ok",
        [DOCTOR_WARNING] = "warn",
        [DOCTOR_BAD] = "BAD",
    };
    int bad_count = 0;

    for (int i = 0; i < count; i++) {
        const struct doctor_finding *finding = &findings[i];

        if (finding->is_of_market && (i == 0 || !findings[i - 1].is_of_market))
            (void)fprintf(out, "Asked by the market (BAD: it is not taken; warn: not verified):\n");
        bad_count += finding->state == DOCTOR_BAD ? 1 : 0;
        (void)fprintf(out, "%-5s %-20s %-44s (needed: %s)\n", words[finding->state],
                      finding->requirement, finding->measured, finding->needed);
        if (*finding->mend != '\0')
            (void)fprintf(out, "      %-20s mend: %s\n", "", finding->mend);
    }
    if (bad_count == 0)
        (void)fprintf(out, "This machine can be a host.\n");
    else
        (void)fprintf(out, "%d of %d requirements are not met.\n", bad_count, count);
    return bad_count == 0;
}
