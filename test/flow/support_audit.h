/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that are asked for proofs, and answer as they like. */

#ifndef BERTH_TEST_FLOW_SUPPORT_AUDIT_H
#define BERTH_TEST_FLOW_SUPPORT_AUDIT_H

#include "flow/audit.h"
#include "flow/audit_ask.h"
#include "support.h"
#include "sys/proof_memory.h"

enum {
    AUDITS_N = 512,
    AUDITS_ROUNDS = 2,
    AUDITS_PAGES = 6,
    AUDITS_LAYERS = 4,
    AUDITS_OPENING_MAX = 4 << 20,
    AUDITS_RTT_US = 30000,
};
extern const struct audit_terms audits_compute, audits_live, audits_memory;

size_t audits_ask_for(struct world *world, struct audit_terms terms);
size_t audits_ask(struct world *world);
struct challenge_list audits_take(struct world *world, const struct world_machine *machine,
                                  int64_t seq);
const char *audits_answer_in(struct world *world, const struct challenge *challenge, bool cheats,
                             int64_t took_us);
const char *audits_answer(struct world *world, const struct challenge *challenge, bool cheats);
const char *audits_answer_memory(struct world *world, const struct challenge *challenge,
                                 int64_t took_us, int64_t round_us, int *ret_rounds);
/* Its agent is of that level; and its first GPU has proved that it can, at that size, 256 rounds.
 */
void audits_know(struct world *world, struct world_machine *machine, int64_t level);
void audits_remember(struct world *world, const struct world_machine *machine, int64_t n,
                     int64_t took_us);
/* Answers what the first nonces are for; and an opening that is a digest: the verdict. */
void audits_ping(struct world *world, const struct challenge *challenge);
const char *audits_say(struct world *world, const struct challenge *challenge,
                       const struct hash *answer);
enum verification audits_standing(struct world *world, int64_t machine_id);
struct machine_proof_row *audits_log(struct world *world, int64_t machine_id, size_t want);
bool audits_commit(struct world *world, const struct challenge *challenge,
                   const struct hash *commitment, struct challenge_draw *draw);

#endif
