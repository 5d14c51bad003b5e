/* SPDX-License-Identifier: Apache-2.0 */
/* A host's machine: what the agent measured, and what the market makes of it.
 *
 * Facts come from the agent. A machine is what offers are cut from; it borrows its texts from
 * the facts. One machine has GPUs of one model, or none, and is then rented as a whole. */

#ifndef BERTH_MARKET_MACHINE_H
#define BERTH_MARKET_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/money.h"
#include "market/dlperf.h"
#include "market/reliability.h"

enum {
    GPUS_MAX = 64, /* of one machine */
    GPU_UUID_SIZE = 64,
    NAME_SIZE = 128,
    AGENT_DIGEST_SIZE = 65, /* SHA-256, hexadecimal */
};

struct gpu_facts {
    char uuid[GPU_UUID_SIZE];
    char name[NAME_SIZE]; /* as in api.md, appendix D: "RTX 4090" */
    int64_t memory_mb;
    int64_t compute_cap;          /* times 100: 890; 0 unknown */
    int64_t power_max_w;          /* 0 unknown */
    int64_t temp_max_c;           /* from where on it slows down; 0 unknown */
    int64_t pcie_gen, pcie_lanes; /* 0 unknown */
    char pci_bus[32];
};

/* What the machine is, measured by the agent. Every text is NUL-terminated, valid UTF-8. */
struct machine_facts {
    char hostname[NAME_SIZE];
    char os_version[NAME_SIZE];
    char cpu_name[NAME_SIZE];
    char cpu_arch[16]; /* "amd64" or "arm64" */
    int64_t cpu_cores; /* hardware threads */
    int64_t cpu_mhz;
    bool has_avx;
    int64_t ram_mb;
    char disk_name[NAME_SIZE];
    int64_t disk_gb;                      /* what the agent may give away, GB of 2^30 bytes */
    int64_t disk_mbs;                     /* measured sequential write, MB/s; 0 unknown */
    int64_t inet_up_kbps, inet_down_kbps; /* measured; 0 unknown */
    char public_ip[64];                   /* where renters connect; "" unknown */
    int64_t port_first, port_last;        /* direct ports, both included; 0 and -1: none */
    int64_t is_behind_nat;                /* 1: nobody reaches it; relays lend it their ports */
    int64_t encrypts_workspaces;          /* 1: it can (market/rent.h) */
    int64_t challenge_level;              /* what it can prove (proto/challenge.h); 0: the least */
    char driver_version[32];              /* "" without a GPU */
    int64_t cuda_version;                 /* times 10: 128 is 12.8; 0 without */
    bool is_simulated;                    /* the GPUs do not exist (--simulate-gpus) */
    char agent_version[32];
    char agent_digest[AGENT_DIGEST_SIZE]; /* of its program, if it has signed that; else "" */
    char engine_version[32];
    int64_t gpu_count;
    struct gpu_facts gpus[GPUS_MAX];
};

/* Stored in machine.verification. */
enum verification {
    VERIFICATION_UNVERIFIED,
    VERIFICATION_VERIFIED,
    VERIFICATION_DEVERIFIED, /* was verified, and something is wrong: not rented out */
};

#define MACHINE_RELIABILITY_NEW INT64_C(600000) /* millionths: without history, 60 % */

/* What was measured of a machine, of its slowest GPU. 0: it was not. */
struct machine_bench {
    struct dlperf_rates rates;
    int64_t pcie_mbs; /* the slower way */
    int64_t disk_mbs; /* written one after the other */
    struct instant measured;
    char driver[32];       /* of its GPUs, that it was measured with; "" unknown */
    char model[NAME_SIZE]; /* that they are called; "": not all of them were measured */
    int64_t gpu_gb;        /* of memory, of each */
    int64_t nvlink_mbs;    /* between two of them, past their slots; 0: none; below: unknown */
    int32_t
        learned_ppm[DLPERF_TASKS]; /* of the formula's speed (market/predictor.h); 0: it holds */
    int64_t fit;                   /* by which revision of what was learned */
};

/* A machine as the market sees it. */
struct machine {
    int64_t id, host_id;
    const char *hostname, *os_version, *cpu_name, *cpu_arch, *disk_name, *public_ip;
    const char *driver_version;
    const char *gpu_name;    /* "" without a GPU */
    const char *geolocation; /* "Gothenburg, SE"; "" unknown */
    int64_t gpu_count, gpu_ram_mb, compute_cap, gpu_power_w, gpu_temp_c;
    int64_t pcie_gen, pcie_lanes;
    int64_t pcie_mbs;     /* measured between CPU and one GPU; 0 unknown */
    int64_t nvlink_mbs;   /* measured between two GPUs, past their slots; 0: none; below: unknown */
    int64_t cuda_version; /* times 10 */
    int64_t cpu_cores, cpu_mhz, ram_mb;
    int64_t disk_gb, disk_mbs;
    int64_t inet_up_kbps, inet_down_kbps;
    int64_t port_count;
    bool has_avx, has_display, is_simulated, encrypts_workspaces;

    enum verification verification;
    bool is_external, is_datacenter, has_static_ip;
    int64_t reliability_ppm; /* the chance of lasting a day, millionths */
    int64_t lost_ppm, up_us; /* that it is made of (market/reliability.h); up_us 0: not known */
    int64_t dlperf_milli;    /* measured, of one GPU; 0: not measured yet */
    int64_t link_loss_ppm;   /* what a job loses with each further GPU, of one GPU's time */
    struct instant measured; /* when; 0: never */
    struct instant stale;    /* from then on that says little; 0: never measured */
    uint32_t learned;        /* bits of tasks whose speed was learned, and is not the formula's */
    int32_t profiles_milli[DLPERF_PROFILES]; /* the same by profile; 0 is the default, as above */
    int64_t fp32_gflops;                     /* of one GPU, by its maker; 0 unknown */
    int64_t memory_mbs;   /* of one GPU, measured, or else by its maker; 0 unknown */
    bool is_connected;    /* its session's lease lasts */
    int64_t gpus_free;    /* for on-demand rentals: nobody's, or of those who make way for them;
                           * on a CPU machine 1 or 0 */
    int64_t disk_free_gb; /* not taken by a contract, stopped ones included */

    int64_t volume_offer_id; /* where its host offers space for volumes; else 0, and then: */
    int64_t volume_left_gb;
    struct money volume_month; /* for a GB and 30 days */
};

enum machine_outcome {
    MACHINE_OK,
    MACHINE_MIXED_GPUS,  /* not all of one model and size */
    MACHINE_GPU_TOO_OLD, /* before GTX 10 */
    MACHINE_TWICE_SAME_GPU,
    MACHINE_IMPOSSIBLE, /* a negative size, no CPU, no disk, no RAM, ports backwards */
};

/* Whether facts describe a machine that Berth takes. */
enum machine_outcome machine_facts_check(const struct machine_facts *facts);

/* The hardware part of a machine, from facts that were checked and outlive it; unverified,
 * new, connected and free. */
struct machine machine_of(int64_t id, int64_t host_id, const struct machine_facts *facts);

/* What NVLink carries between two GPUs that copy so much from one to the other: all of it where
 * their slots could not, else 0. Below 0: it is not known; 0 to copy means that it was not
 * measured. */
int64_t machine_nvlink_mbs(const struct machine_facts *facts, int64_t peer_mbs);

/* Its speeds and scores. Without rates that make sense it counts as not measured. */
void machine_take_bench(struct machine *machine, const struct machine_bench *bench);

/* What it has shown of its disk and network: no more than that counts, and where it says nothing
 * that does. 0: it has shown nothing. */
struct machine_shown {
    int64_t disk_mbs, down_kbps, up_kbps;
};
void machine_take_shown(struct machine *machine, const struct machine_shown *shown);

/* Its reliability, from what was seen of it up to some time before `now`. */
void machine_take_history(struct machine *machine, const struct reliability *seen, bool is_up,
                          struct instant now);

/* What a slice of that many GPUs may use; a CPU machine has one slice, of 0 GPUs. */
struct machine_share {
    int64_t cpu_millis; /* thousandths of a hardware thread */
    int64_t ram_mb;
    int64_t disk_gb; /* its part of the disk */
};
struct machine_share machine_share(const struct machine *machine, int64_t num_gpus);

/* "570.86.15" as 570086015; 0 for what is no version. */
int64_t machine_driver_number(const char *driver_version);

/* "unverified", "verified", "deverified". */
const char *verification_name(enum verification verification);

/* The two letters behind the last comma, "" without. Writes them in capitals. */
char *machine_country(const char *geolocation, char code[static 3]);

#endif
