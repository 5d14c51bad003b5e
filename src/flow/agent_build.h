/* SPDX-License-Identifier: Apache-2.0 */
/* What program a host runs: its agent says so in each session, signed with the machine's key
 * (proto/hello.h). The operator keeps a list of those that hosts are meant to run. Another one is
 * no proof of anything, and whoever owns a machine can have it say what they like; but it is odd,
 * so such a machine is asked for proofs much more often, more of each is looked at, and everybody
 * can see it. While the list is empty nobody is asked for more. */

#ifndef BERTH_FLOW_AGENT_BUILD_H
#define BERTH_FLOW_AGENT_BUILD_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/machine.h"
#include "store/agent_build.h"

enum { AGENT_BUILDS_MAX = 256 };

enum agent_build_state {
    AGENT_BUILD_UNJUDGED, /* there is no list */
    AGENT_BUILD_KNOWN,
    AGENT_BUILD_UNKNOWN, /* one that says nothing of itself, too */
};
const char *agent_build_state_name(enum agent_build_state state); /* "unjudged", ... */

/* Within a transaction of another flow. */
NODISCARD bool agent_build_judge(struct db *db, const struct machine_facts *facts,
                                 enum agent_build_state *ret, struct error *err);

/* What is said of a machine; `*ret_has` false: there is none. */
struct agent_build_view {
    char version[32], digest[AGENT_DIGEST_SIZE]; /* "": it does not say, or not under its key */
    enum agent_build_state state;
};
NODISCARD bool flow_agent_build(const struct flow *flow, int64_t machine_id,
                                struct agent_build_view *ret, bool *ret_has, struct error *err);

enum agent_build_outcome {
    AGENT_BUILD_DONE,
    AGENT_BUILD_BAD_DIGEST, /* not 64 hexadecimal digits */
    AGENT_BUILD_BAD_VERSION,
    AGENT_BUILD_FULL,
    AGENT_BUILD_NOT_FOUND,
};
NODISCARD bool flow_agent_build_add(const struct flow *flow, const char *digest,
                                    const char *version, enum agent_build_outcome *ret,
                                    struct error *err);
NODISCARD bool flow_agent_build_remove(const struct flow *flow, const char *digest,
                                       enum agent_build_outcome *ret, struct error *err);
NODISCARD bool flow_agent_build_list(const struct flow *flow, struct arena *arena,
                                     struct agent_build_row **ret, size_t *ret_count,
                                     struct error *err);

#endif
