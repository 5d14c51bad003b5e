/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gauges.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/parse.h"
#include "proto/gpu_gauge.h"
#include "sys/file.h"

enum {
    TEXT_MAX = 64 * 1024,
    PATH_SIZE = 1024,
    NUMBER_SIZE = 24,
    GPU_TIMEOUT_MS = 10000,
    NS_PER_US = 1000,
};

/* Whether a comma-separated list has that word. */
static bool has_word(const char *list, size_t length, const char *word)
{
    size_t word_length = strlen(word);

    for (const char *end = list + length; list <= end;) {
        size_t count = strcspn(list, ",:\n");

        if (count == word_length && memcmp(list, word, count) == 0)
            return true;
        list += count + 1;
    }
    return false;
}

/* Lines are "5:cpuacct,cpu:/docker/..." in version 1, and "0::/..." in version 2. */
bool gauges_group(const char *text, const char *controller, char *path, size_t size)
{
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *list = strchr(line, ':');
        const char *group = list != NULL ? strchr(list + 1, ':') : NULL;
        const char *end = strchrnul(line, '\n');

        if (group == NULL || group > end || group[1] != '/')
            return false;
        size_t length = (size_t)(group - list) - 1;
        bool is_unified = length == 0 && strncmp(line, "0:", 2) == 0;
        int written = -1;
        if (is_unified)
            written = snprintf(path, size, "/sys/fs/cgroup%.*s", (int)(end - group) - 1, group + 1);
        else if (has_word(list + 1, length, controller))
            written = snprintf(path, size, "/sys/fs/cgroup/%.*s%.*s", (int)length, list + 1,
                               (int)(end - group) - 1, group + 1);
        if (written >= 0)
            return (size_t)written < size;
        line = *end == '\n' ? end + 1 : end;
    }
    return false;
}

int64_t gauges_number(const char *text, const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;
    char digits[NUMBER_SIZE];
    uint64_t value;

    for (const char *line = text; *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        bool is_it = name == NULL || (strncmp(line, name, length) == 0 && line[length] == ' ');

        if (is_it) {
            const char *number = name != NULL ? line + length + 1 : line;

            (void)snprintf(digits, sizeof digits, "%.*s", (int)(end - number), number);
            return (size_t)(end - number) < sizeof digits && parse_u64(digits, &value) &&
                           value <= INT64_MAX
                       ? (int64_t)value
                       : -1;
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return -1;
}

static int64_t read_number(const char *group, const char *file, const char *name)
{
    auto_buf struct buf text = buf_of(TEXT_MAX);
    struct error ignored;
    char path[PATH_SIZE + 64];

    (void)snprintf(path, sizeof path, "%s/%s", group, file);
    if (!file_read(AT_FDCWD, path, &text, &ignored))
        return -1;
    buf_append(&text, "", 0);
    return gauges_number(text.bytes, name);
}

static int64_t read_cpu_us(const char *groups)
{
    char group[PATH_SIZE];

    if (!gauges_group(groups, "cpuacct", group, sizeof group))
        return -1;
    int64_t usage_us = read_number(group, "cpu.stat", "usage_usec");
    if (usage_us >= 0)
        return usage_us;
    int64_t usage_ns = read_number(group, "cpuacct.usage", NULL);
    return usage_ns >= 0 ? usage_ns / NS_PER_US : -1;
}

/* Without what the kernel would give back at once. */
static int64_t read_ram_mb(const char *groups)
{
    char group[PATH_SIZE];

    if (!gauges_group(groups, "memory", group, sizeof group))
        return -1;
    int64_t used = read_number(group, "memory.current", NULL);
    int64_t cached = read_number(group, "memory.stat", "inactive_file");
    if (used < 0) {
        used = read_number(group, "memory.usage_in_bytes", NULL);
        cached = read_number(group, "memory.stat", "total_inactive_file");
    }
    if (used < 0)
        return -1;
    if (cached > 0)
        used = cached < used ? used - cached : 0;
    return used >> 20;
}

static struct gauge *find(struct gauges *gauges, int64_t id)
{
    for (size_t i = 0; i < gauges->count; i++) {
        if (gauges->all[i].id == id)
            return &gauges->all[i];
    }
    return NULL;
}

static void measure(struct gauge *gauge, const struct gauges_run *run, int64_t now_us)
{
    auto_buf struct buf groups = buf_of(TEXT_MAX);
    struct error ignored;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/cgroup", run->pid);
    bool is_read = run->pid > 0 && file_read(AT_FDCWD, path, &groups, &ignored);
    buf_append(&groups, "", 0);
    int64_t cpu_us = is_read ? read_cpu_us(groups.bytes) : -1;
    int64_t spent_us = cpu_us - gauge->cpu_us, passed_us = now_us - gauge->read_us;

    gauge->ram_mb = is_read ? read_ram_mb(groups.bytes) : -1;
    gauge->cpu_permille = -1;
    /* Of the share: a share of 2500 is two and a half threads. */
    if (cpu_us >= 0 && gauge->cpu_us >= 0 && spent_us >= 0 && passed_us > 0 && run->cpu_millis > 0)
        gauge->cpu_permille =
            (int64_t)((double)spent_us * 1e6 / ((double)passed_us * (double)run->cpu_millis));
    gauge->cpu_us = cpu_us;
    gauge->read_us = now_us;
}

const struct gauge *gauges_read(struct gauges *gauges, const struct gauges_run *run)
{
    struct gauge *gauge = find(gauges, run->id);
    int64_t now_us = loop_now_us(gauges->loop);

    if (gauge == NULL && gauges->count == GAUGES_MAX)
        return NULL;
    if (gauge == NULL)
        gauge = &gauges->all[gauges->count++];
    else if (strcmp(gauge->token, run->token) == 0) {
        if (now_us - gauge->read_us >= GAUGES_EVERY_MS * US_PER_MS)
            measure(gauge, run, now_us);
        return gauge;
    }
    *gauge = (struct gauge){ .id = run->id, .cpu_us = -1, .cpu_permille = -1, .ram_mb = -1 };
    (void)snprintf(gauge->token, sizeof gauge->token, "%s", run->token);
    measure(gauge, run, now_us);
    return gauge;
}

void gauges_forget(struct gauges *gauges, int64_t id)
{
    struct gauge *gauge = find(gauges, id);

    if (gauge != NULL)
        *gauge = gauges->all[--gauges->count];
}

/* GPUs */

static bool ask_driver(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    struct encoder json = encoder_of(result);
    struct gpu_gauge gpus[GPUS_MAX];
    size_t count;

    (void)context;
    (void)report;
    if (!gpu_nvml_gauge(gpus, &count, err))
        return false;
    gpu_gauges_encode(&json, gpus, count);
    return true;
}

static void on_answer(void *context, const struct job_end *end)
{
    struct gauges *gauges = context;
    struct error ignored;

    if (!end->is_done ||
        !gpu_gauges_decode(end->result, gauges->gpus, &gauges->gpu_count, &ignored))
        gauges->gpu_count = 0; /* what was known before is old by now */
}

void gauges_ask_gpus(struct gauges *gauges)
{
    struct job_spec spec = {
        .work = ask_driver, .timeout_ms = GPU_TIMEOUT_MS, .on_end = on_answer, .context = gauges
    };
    int64_t now_us = loop_now_us(gauges->loop);
    struct error ignored;

    if (gauges->job != NULL ||
        (gauges->asked_us > 0 && now_us - gauges->asked_us < GAUGES_GPU_EVERY_MS * US_PER_MS))
        return;
    gauges->asked_us = now_us;
    if (!job_start(gauges->loop, &spec, &gauges->job, &ignored))
        gauges->gpu_count = 0;
}

int64_t gauges_gpu_permille(const struct gauges *gauges, const char *uuids)
{
    int64_t sum = 0, count = 0;

    for (const char *comma; (comma = strchr(uuids, ',')) != NULL; uuids = comma + 1) {
        size_t length = (size_t)(comma - uuids), i = 0;

        while (i < gauges->gpu_count && (strncmp(gauges->gpus[i].uuid, uuids, length) != 0 ||
                                         gauges->gpus[i].uuid[length] != '\0'))
            i++;
        if (i == gauges->gpu_count || gauges->gpus[i].permille < 0)
            return -1;
        sum += gauges->gpus[i].permille;
        count++;
    }
    return count > 0 ? sum / count : -1;
}

static bool have_news(const struct gauges *gauges)
{
    bool has_news = gauges->told_count != gauges->gpu_count;

    for (size_t i = 0; !has_news && i < gauges->gpu_count; i++)
        has_news = gpu_gauge_is_news(&gauges->told[i], &gauges->gpus[i]);
    return has_news;
}

/* Each costs the server a write: what hardly moves is told seldom. */
void gauges_fill(struct gauges *gauges, struct arena *arena, struct heartbeat *heartbeat)
{
    int64_t age_us = loop_now_us(gauges->loop) - gauges->told_us;
    bool is_due = !gauges->is_told || age_us >= GAUGES_TELL_AGAIN_MS * US_PER_MS ||
                  (age_us >= GAUGES_TELL_EVERY_MS * US_PER_MS && have_news(gauges));

    if (gauges->gpu_count == 0 || !is_due)
        return;
    heartbeat->gauges = arena_alloc(arena, gauges->gpu_count, sizeof *heartbeat->gauges);
    if (heartbeat->gauges == NULL)
        return;
    memcpy(heartbeat->gauges, gauges->gpus, gauges->gpu_count * sizeof *heartbeat->gauges);
    heartbeat->has_gauges = true;
    heartbeat->gauge_count = (int64_t)gauges->gpu_count;
    memcpy(gauges->told, gauges->gpus, sizeof gauges->told);
    gauges->told_count = gauges->gpu_count;
    gauges->is_sent = true;
}

void gauges_told(struct gauges *gauges)
{
    if (!gauges->is_sent)
        return;
    gauges->is_sent = false;
    gauges->is_told = true;
    gauges->told_us = loop_now_us(gauges->loop);
}

void gauges_connected(struct gauges *gauges)
{
    gauges->is_sent = gauges->is_told = false;
}

void gauges_open(struct gauges *gauges, struct loop *loop)
{
    *gauges = (struct gauges){ .loop = loop };
}

void gauges_close(struct gauges *gauges)
{
    job_cancel(&gauges->job);
}
