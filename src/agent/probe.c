/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/gpu_nvml.h"
#include "agent/gpu_simulated.h"
#include "agent/workspace.h"
#include "base/buf.h"
#include "base/parse.h"
#include "proto/challenge.h"
#include "proto/hello.h"
#include "sys/clock.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { TEXT_MAX = 4 << 20, MB = 1 << 20, CARDS_MAX = 64, CARD_SIZE = 32 };

/* Copy one line, without blanks around it and without what no fact may hold. */
static void copy_line(char *to, size_t size, const char *from)
{
    size_t length = 0;

    from += strspn(from, " \t\"");
    for (; *from != '\0' && *from != '\n' && *from != '"' && length + 1 < size; from++) {
        if ((unsigned char)*from >= 0x20 && (unsigned char)*from < 0x7f)
            to[length++] = *from;
    }
    while (length > 0 && to[length - 1] == ' ')
        length--;
    to[length] = '\0';
}

static bool read_text(const char *path, struct buf *text)
{
    struct error ignored;

    if (!file_read(AT_FDCWD, path, text, &ignored))
        return false;
    buf_append(text, "", 0);
    return true;
}

/* What stands behind `name` and a ':' or '=' at the start of a line. */
static const char *value_of(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, name, length) == 0) {
            const char *at = line + length + strspn(line + length, " \t");
            if (*at == ':' || *at == '=')
                return at + 1;
        }
    }
    return NULL;
}

static int64_t number_at(const char *text)
{
    int64_t number = 0;

    text += strspn(text, " \t");
    for (; isdigit((unsigned char)*text) && number < INT32_MAX; text++)
        number = number * 10 + (*text - '0');
    return number;
}

static int64_t file_number(const char *path)
{
    auto_buf struct buf text = buf_of(4096);

    return read_text(path, &text) ? number_at(text.bytes) : 0;
}

static void probe_cpu(struct machine_facts *facts)
{
    auto_buf struct buf text = buf_of(TEXT_MAX);
    struct utsname name;

    if (!read_text("/proc/cpuinfo", &text))
        buf_append(&text, "", 0);
    const char *model = value_of(text.bytes, "model name");
    const char *mhz = value_of(text.bytes, "cpu MHz");
    const char *flags = value_of(text.bytes, "flags");
    int64_t khz = file_number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");

    copy_line(facts->cpu_name, sizeof facts->cpu_name, model != NULL ? model : "unknown");
    facts->cpu_mhz = khz > 0 ? khz / 1000 : mhz != NULL ? number_at(mhz) : 0;
    if (flags != NULL) {
        const char *end = strchrnul(flags, '\n');
        const char *avx = strstr(flags, " avx ");
        facts->has_avx = avx != NULL && avx < end;
    }
    facts->cpu_cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool is_arm = uname(&name) == 0 && strcmp(name.machine, "aarch64") == 0;
    (void)snprintf(facts->cpu_arch, sizeof facts->cpu_arch, "%s", is_arm ? "arm64" : "amd64");
}

static void probe_system(struct machine_facts *facts)
{
    auto_buf struct buf text = buf_of(TEXT_MAX);
    char hostname[NAME_SIZE] = "";
    struct sysinfo info;

    (void)gethostname(hostname, sizeof hostname - 1);
    copy_line(facts->hostname, sizeof facts->hostname, hostname);
    const char *name =
        read_text("/etc/os-release", &text) ? value_of(text.bytes, "PRETTY_NAME") : NULL;
    copy_line(facts->os_version, sizeof facts->os_version, name != NULL ? name : "Linux");
    if (sysinfo(&info) == 0)
        facts->ram_mb = (int64_t)((uint64_t)info.totalram * info.mem_unit / MB);
}

bool probe_program(const char *name, char *path, size_t size)
{
    static const char *const folders[] = { "/usr/sbin", "/usr/bin",       "/sbin",
                                           "/bin",      "/usr/local/bin", "/usr/local/sbin" };

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, size, "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* The device below the file system, and its model where it has one. */
static void name_disk(const char *path, char name[static NAME_SIZE])
{
    auto_buf struct buf model = buf_of(4096);
    char link[128], target[512], model_path[700];
    struct stat status;

    (void)snprintf(name, NAME_SIZE, "unknown");
    if (stat(path, &status) != 0)
        return;
    (void)snprintf(link, sizeof link, "/sys/dev/block/%u:%u", major(status.st_dev),
                   minor(status.st_dev));
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0)
        return;
    target[length] = '\0';
    const char *base = strrchr(target, '/');
    copy_line(name, NAME_SIZE, base != NULL ? base + 1 : target);
    (void)snprintf(model_path, sizeof model_path, "%s/device/model", link);
    if (!read_text(model_path, &model)) {
        (void)snprintf(model_path, sizeof model_path, "%s/../device/model", link);
        if (!read_text(model_path, &model))
            return;
    }
    copy_line(name, NAME_SIZE, model.bytes);
}

/* Sequential writing, to the disk and not to memory. 0: could not be measured. */
static int64_t measure_disk(const char *disk)
{
    static const char block[MB];
    struct error ignored;

    auto_close int fd = file_scratch(disk, 0, &ignored);
    if (fd < 0)
        return 0;
    int64_t started_us = clock_boot_us(&clock_system);
    for (int i = 0; i < PROBE_DISK_MB; i++) {
        if (!file_write_all(fd, block, sizeof block, &ignored))
            return 0;
    }
    if (fdatasync(fd) != 0)
        return 0;
    int64_t took_us = clock_boot_us(&clock_system) - started_us;
    return took_us > 0 ? PROBE_DISK_MB * US_PER_SECOND / took_us : 0;
}

/* "https://host:port/path" as host and port. False: there is no host in it. */
static bool split_url(const char *url, char *host, size_t size, const char **ret_port)
{
    const char *at = strstr(url, "://");
    const char *start = at != NULL ? at + 3 : url;
    size_t length;

    *ret_port = strncmp(url, "https", 5) == 0 ? "443" : "80";
    if (*start == '[') {
        start++;
        length = strcspn(start, "]");
    } else {
        length = strcspn(start, ":/?#");
    }
    if (length == 0 || length >= size)
        return false;
    memcpy(host, start, length);
    host[length] = '\0';
    return true;
}

bool probe_is_private(const struct sockaddr_storage *address)
{
    static const struct {
        uint32_t network, mask;
    } networks[] = {
        { 0x0A000000, 0xFF000000 }, /* 10.0.0.0/8 */
        { 0xAC100000, 0xFFF00000 }, /* 172.16.0.0/12 */
        { 0xC0A80000, 0xFFFF0000 }, /* 192.168.0.0/16 */
        { 0x64400000, 0xFFC00000 }, /* 100.64.0.0/10: a provider's NAT */
        { 0xA9FE0000, 0xFFFF0000 }, /* 169.254.0.0/16 */
        { 0x7F000000, 0xFF000000 }, /* 127.0.0.0/8 */
    };
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memcpy(&four, address, sizeof four);
    memcpy(&six, address, sizeof six);
    if (address->ss_family == AF_INET6)
        return (six.sin6_addr.s6_addr[0] & 0xFE) == 0xFC || IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr) ||
               IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if ((ntohl(four.sin_addr.s_addr) & networks[i].mask) == networks[i].network)
            return true;
    return false;
}

/* A datagram socket that is connected sends nothing, and knows its own address. */
void probe_address(const char *url, char address[static 64], bool *ret_is_behind_nat)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
    struct sockaddr_storage own, peer = { 0 };
    socklen_t own_size = sizeof own;
    char host[256];
    const char *port;

    *address = '\0';
    *ret_is_behind_nat = false;
    if (!split_url(url, host, sizeof host, &port) || getaddrinfo(host, port, &hints, &found) != 0)
        return;
    auto_close int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &own_size) == 0) {
        (void)getnameinfo((struct sockaddr *)&own, own_size, address, 64, NULL, 0, NI_NUMERICHOST);
        memcpy(&peer, found->ai_addr, found->ai_addrlen);
        *ret_is_behind_nat = probe_is_private(&own) && !probe_is_private(&peer);
    }
    freeaddrinfo(found);
}

/* Of the program that runs, whatever is by now at its path. "": it cannot be read. */
static void probe_own_digest(char ret_digest[static AGENT_DIGEST_SIZE])
{
    auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat info;

    ret_digest[0] = '\0';
    if (fd < 0 || fstat(fd, &info) < 0 || info.st_size <= 0)
        return;
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return;
    struct hash digest = crypto_sha256(bytes, (size_t)info.st_size);
    (void)munmap(bytes, (size_t)info.st_size);
    (void)hex_format(digest.bytes, sizeof digest.bytes, ret_digest);
}

bool probe_machine(const struct probe_options *options, struct machine_facts *ret,
                   struct error *err)
{
    struct machine_facts facts = { .port_first = options->port_first,
                                   .port_last = options->port_last };
    auto_buf struct buf gpus = buf_of(TEXT_MAX);
    struct error why; /* berth-host doctor says it */

    probe_cpu(&facts);
    probe_system(&facts);
    name_disk(options->disk, facts.disk_name);
    facts.disk_gb = options->disk_gb;
    facts.disk_mbs = options->disk_mbs >= 0 ? options->disk_mbs : measure_disk(options->disk);
    facts.encrypts_workspaces =
        options->workspaces_dir != NULL && workspace_try(options->workspaces_dir, &why) ? 1 : 0;
    facts.challenge_level = CHALLENGE_LEVEL;
    bool is_behind_nat = false;
    if (options->public_ip != NULL)
        (void)snprintf(facts.public_ip, sizeof facts.public_ip, "%s", options->public_ip);
    else
        probe_address(options->server_url, facts.public_ip, &is_behind_nat);
    if (is_behind_nat || options->is_behind_nat) {
        facts.is_behind_nat = 1;
        facts.port_first = 0; /* no direct ones: those that there are serve the tunnel */
        facts.port_last = -1;
    }
    (void)snprintf(facts.agent_version, sizeof facts.agent_version, "%s", options->agent_version);
    probe_own_digest(facts.agent_digest);
    (void)snprintf(facts.engine_version, sizeof facts.engine_version, "%s",
                   options->engine_version);

    if (options->simulate_gpus == NULL) {
        if (!gpu_nvml_probe(&facts, err))
            return false;
    } else if (!file_read(AT_FDCWD, options->simulate_gpus, &gpus, err) ||
               !gpu_simulated_parse(gpus.bytes != NULL ? gpus.bytes : "", options->seed,
                                    options->seed_size, &facts, err)) {
        return error_context(err, "--simulate-gpus %s", options->simulate_gpus);
    }
    *ret = facts;
    return true;
}

bool probe_work(void *context, const struct job_report *report, struct buf *result,
                struct error *err)
{
    struct machine_facts facts;

    (void)report;
    if (!probe_machine(context, &facts, err))
        return false;
    machine_facts_encode(result, &facts);
    return true;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The addresses of cards that exist: those with a device behind them. */
static size_t list_cards(char cards[][CARD_SIZE])
{
    DIR *entries = opendir("/sys/class/net");
    size_t count = 0;

    if (entries == NULL)
        return 0;
    for (const struct dirent *entry; count < CARDS_MAX && (entry = readdir(entries)) != NULL;) {
        auto_buf struct buf address = buf_of(4096);
        char path[512];

        (void)snprintf(path, sizeof path, "/sys/class/net/%s/device", entry->d_name);
        if (access(path, F_OK) != 0)
            continue;
        (void)snprintf(path, sizeof path, "/sys/class/net/%s/address", entry->d_name);
        if (read_text(path, &address))
            copy_line(cards[count++], CARD_SIZE, address.bytes);
    }
    (void)closedir(entries);
    qsort(cards, count, CARD_SIZE, compare_texts);
    return count;
}

void probe_fingerprint(const struct machine_facts *facts, uint8_t fingerprint[static 32])
{
    auto_buf struct buf text = buf_of(65536), board = buf_of(4096);
    char uuids[GPUS_MAX][GPU_UUID_SIZE], cards[CARDS_MAX][CARD_SIZE];
    char serial[NAME_SIZE];
    size_t card_count = list_cards(cards);

    for (int64_t i = 0; i < facts->gpu_count; i++)
        memcpy(uuids[i], facts->gpus[i].uuid, GPU_UUID_SIZE);
    qsort(uuids, (size_t)facts->gpu_count, GPU_UUID_SIZE, compare_texts);
    for (int64_t i = 0; i < facts->gpu_count; i++)
        buf_printf(&text, "gpu %s\n", uuids[i]);
    if (read_text("/sys/class/dmi/id/board_serial", &board)) {
        copy_line(serial, sizeof serial, board.bytes);
        buf_printf(&text, "board %s\n", serial);
    }
    for (size_t i = 0; i < card_count; i++)
        buf_printf(&text, "card %s\n", cards[i]);
    struct hash hash = crypto_sha256(text.bytes != NULL ? text.bytes : "", text.length);
    memcpy(fingerprint, hash.bytes, sizeof hash.bytes);
}
