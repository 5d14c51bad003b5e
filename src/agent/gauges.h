/* SPDX-License-Identifier: Apache-2.0 */
/* How much instances use of what they rented: processor and memory from the kernel's accounts of
 * their control groups (version 1 or 2), GPUs from NVIDIA's driver.
 *
 * For people to look at, and for instances that stop when idle; nobody is charged by it. What
 * cannot be read is unknown, -1, and never an error. Reading files costs microseconds and happens
 * in the loop; the driver may hang, so it is asked by a worker. */

#ifndef BERTH_AGENT_GAUGES_H
#define BERTH_AGENT_GAUGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/gpu_nvml.h"
#include "agent/job.h"
#include "agent/loop.h"
#include "market/machine.h"
#include "proto/heartbeat.h"

enum {
    GAUGES_MAX = 1024,
    GAUGES_TOKEN_SIZE = 128,
    GAUGES_EVERY_MS = 4000, /* between two looks at an instance */
    GAUGES_GPU_EVERY_MS = 15000,
    GAUGES_TELL_EVERY_MS = 60000, /* at most, and only what is new */
    GAUGES_TELL_AGAIN_MS = 600000,
};

struct gauge {
    int64_t id;
    char token[GAUGES_TOKEN_SIZE]; /* of the run that is measured */
    int64_t read_us, cpu_us;       /* the last reading */
    int64_t cpu_permille, ram_mb;  /* -1 unknown */
};

struct gauges {
    struct loop *loop;
    size_t count;
    struct gauge all[GAUGES_MAX];
    struct job *job;
    int64_t asked_us; /* when the driver was asked last; 0: never */
    size_t gpu_count;
    struct gpu_gauge gpus[GPUS_MAX];
    size_t told_count; /* as the server knows them */
    struct gpu_gauge told[GPUS_MAX];
    int64_t told_us;       /* when that was */
    bool is_told, is_sent; /* in this session */
};

void gauges_open(struct gauges *gauges, struct loop *loop);
void gauges_close(struct gauges *gauges);

/* One that runs, with that first process, and a share of `cpu_millis`. NULL: there is no room. */
struct gauges_run {
    int64_t id;
    const char *token;
    int64_t pid;
    int64_t cpu_millis;
};
const struct gauge *gauges_read(struct gauges *gauges, const struct gauges_run *run);

/* It does not run, or is no more. */
void gauges_forget(struct gauges *gauges, int64_t id);

/* Ask the driver, if it is time. To be called about every second, where there are real GPUs. */
void gauges_ask_gpus(struct gauges *gauges);

/* Mean over these GPUs, uuids with a comma behind each. -1: of one of them it is unknown, or there
 * are none. */
int64_t gauges_gpu_permille(const struct gauges *gauges, const char *uuids);

/* Add them to a heartbeat, where there is something to tell. */
void gauges_fill(struct gauges *gauges, struct arena *arena, struct heartbeat *heartbeat);

/* The server has been reached since; or a new session knows of nothing. */
void gauges_told(struct gauges *gauges);
void gauges_connected(struct gauges *gauges);

/* What the kernel says. -1: not understood. */

/* The path of a controller, "cpuacct" or "memory", in the text of /proc/PID/cgroup, below
 * /sys/fs/cgroup. False: there is none. */
bool gauges_group(const char *text, const char *controller, char *path, size_t size);

/* The number behind `name` at the start of a line; a NULL name: the first line is a number. */
int64_t gauges_number(const char *text, const char *name);

#endif
