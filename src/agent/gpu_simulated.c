/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gpu_simulated.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "market/gpu.h"
#include "sys/crypto.h"

enum { LINE_SIZE = 256, SEED_MAX = 1024, CUDA_VERSION = 128 };

/* Cut the next field off `*at`, without the blanks around it. */
static char *next_field(char **at)
{
    char *start = *at + strspn(*at, " \t");
    char *end = start + strcspn(start, ",");

    *at = *end == ',' ? end + 1 : end;
    *end = '\0';
    while (end > start && strchr(" \t\r", end[-1]) != NULL)
        *--end = '\0';
    return start;
}

static void make_uuid(const void *seed, size_t seed_size, int64_t index,
                      char uuid[static GPU_UUID_SIZE])
{
    auto_buf struct buf text = buf_of(SEED_MAX);
    char hex[HEX_SIZE(HASH_SIZE)];

    buf_append(&text, seed, seed_size);
    buf_printf(&text, "simulated GPU %" PRId64, index);
    struct hash hash = crypto_sha256(text.bytes, text.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, hex);
    (void)snprintf(uuid, GPU_UUID_SIZE, "SIM-%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

struct row {
    char name[GPU_NAME_SIZE];
    uint64_t memory_mb, count;
};

static bool parse_row(char *line, struct row *row)
{
    char *at = line;
    const char *name = next_field(&at);
    const char *memory = next_field(&at);
    const char *count = next_field(&at);

    if (*name == '\0' || *at != '\0')
        return false;
    (void)gpu_name(name, row->name);
    return parse_u64(memory, &row->memory_mb) && row->memory_mb >= 1 &&
           row->memory_mb <= 1000000000 && parse_u64(count, &row->count) && row->count >= 1;
}

static void add_gpu(const struct row *row, const void *seed, size_t seed_size,
                    struct machine_facts *facts)
{
    const struct gpu_model *model = gpu_model(row->name);
    struct gpu_facts *gpu = &facts->gpus[facts->gpu_count];

    (void)snprintf(gpu->name, sizeof gpu->name, "%s", row->name);
    (void)snprintf(gpu->pci_bus, sizeof gpu->pci_bus, "00000000:%02x:00.0",
                   (unsigned)facts->gpu_count);
    make_uuid(seed, seed_size, facts->gpu_count, gpu->uuid);
    gpu->memory_mb = (int64_t)row->memory_mb;
    gpu->compute_cap = model != NULL ? model->compute_cap : 0;
    gpu->power_max_w = model != NULL ? model->power_w : 0;
    gpu->pcie_gen = 4;
    gpu->pcie_lanes = 16;
    facts->gpu_count++;
}

bool gpu_simulated_parse(const char *text, const void *seed, size_t seed_size,
                         struct machine_facts *facts, struct error *err)
{
    struct machine_facts filled = *facts;
    int number = 0;

    filled.gpu_count = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char line[LINE_SIZE];
        struct row row;

        number++;
        if (length >= sizeof line)
            return error_set(err, ERROR_INVALID, "line %d is too long", number);
        memcpy(line, text, length);
        line[length] = '\0';
        line[strcspn(line, "#")] = '\0';
        text += length + (text[length] == '\n' ? 1 : 0);
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        if (!parse_row(line, &row))
            return error_set(err, ERROR_INVALID, "line %d is not \"name, memory MB, count\"",
                             number);
        if (row.count > (uint64_t)(GPUS_MAX - filled.gpu_count))
            return error_set(err, ERROR_OUT_OF_RANGE, "line %d: more than %d GPUs", number,
                             GPUS_MAX);
        for (uint64_t i = 0; i < row.count; i++)
            add_gpu(&row, seed, seed_size, &filled);
    }
    if (filled.gpu_count == 0)
        return error_set(err, ERROR_INVALID, "it lists no GPU");

    filled.is_simulated = true;
    filled.cuda_version = CUDA_VERSION;
    (void)snprintf(filled.driver_version, sizeof filled.driver_version, "570.86.15");
    *facts = filled;
    return true;
}
