/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine is: measured, for its offer (struct machine_facts). */

#ifndef BERTH_AGENT_PROBE_H
#define BERTH_AGENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/job.h"
#include "base/error.h"
#include "market/machine.h"

struct probe_options {
    const char *disk;           /* a folder on the disk that is rented out */
    int64_t disk_gb;            /* how much of it */
    int64_t disk_mbs;           /* as it was measured before; -1: writes a file of PROBE_DISK_MB */
    const char *workspaces_dir; /* or NULL: it is not tried whether they can be encrypted */
    const char *simulate_gpus;  /* path of a file, or NULL: look for real ones */
    const uint8_t *seed;        /* for the uuids of simulated GPUs */
    size_t seed_size;
    const char *public_ip;  /* or NULL: find out */
    bool is_behind_nat;     /* said so */
    const char *server_url; /* the way out is the way to the server */
    int64_t port_first, port_last;
    const char *agent_version, *engine_version;
};

enum { PROBE_DISK_MB = 128, PROBE_TIMEOUT_MS = 120000 };

NODISCARD bool probe_machine(const struct probe_options *options, struct machine_facts *ret,
                             struct error *err);

/* The same for job_start(); the context is a struct probe_options, the result the facts. */
NODISCARD bool probe_work(void *context, const struct job_report *report, struct buf *result,
                          struct error *err);

/* Hash over what identifies the hardware: GPU uuids, board serial, addresses of network cards. */
void probe_fingerprint(const struct machine_facts *facts, uint8_t fingerprint[static 32]);

/* Where an administrator's program lies; false: nowhere. */
bool probe_program(const char *name, char *path, size_t size);

/* The address that this host has on its way to `url`; "" unknown. `*ret_is_behind_nat`: it is one
 * of a private network, and the server is in the internet, so that somebody translates between. */
void probe_address(const char *url, char address[static 64], bool *ret_is_behind_nat);

/* Of a private network: nobody elsewhere can mean this host by it. Loopback too. */
bool probe_is_private(const struct sockaddr_storage *address);

#endif
