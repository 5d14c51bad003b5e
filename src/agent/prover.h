/* SPDX-License-Identifier: Apache-2.0 */
/* Answers challenges to prove what the machine has (proto/challenge.h): one child for each GPU, all
 * at once. Where no driver has that GPU, the processor answers, slowly; for memory it cannot,
 * beyond PROVE_MEMORY_MAX of it. */

#ifndef BERTH_AGENT_PROVER_H
#define BERTH_AGENT_PROVER_H

#include "agent/job.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "agent/vacancy.h"
#include "proto/challenge.h"
#include "sys/log.h"

struct prover;

/* All borrowed. */
struct prover_options {
    struct loop *loop;
    const struct machine_facts *facts;
    const char *server_url, *ca_file; /* ca_file may be NULL */
    const char *disk;                 /* a folder on the one that is shown */
    struct log log;
};

struct prover *prover_open(const struct prover_options *options);
void prover_close(struct prover **prover);

/* Every second, and first: proofs of what is not vacant any more end at once, and none is begun
 * until it is. Disk and network are proved only while all is. */
void prover_make_way(struct prover *prover, const struct vacancy *vacancy);

/* Every second: `audit_id` is the newest challenge that the server speaks of. Whose GPUs are all
 * busy does not ask for it. */
void prover_tend(struct prover *prover, struct link *link, int64_t audit_id);

/* Whether a proof is made, or asked for. */
bool prover_is_busy(const struct prover *prover);

/* The answer to the request for challenges; NULL: none came. */
void prover_answered(struct prover *prover, const struct web_answer *answer);

#define PROVE_MEMORY_MAX (UINT64_C(64) << 20)

/* One challenge, from its work to its verdict: what a child does. `ret_verdict` has room for 16. */
struct prove {
    struct challenge challenge;
    const struct machine_facts *facts;
    const char *server_url, *ca_file;
    const char *disk;
};
NODISCARD bool prove(const struct prove *prove, char ret_verdict[static 16], struct error *err);

#endif
