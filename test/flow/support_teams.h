/* SPDX-License-Identifier: Apache-2.0 */
/* People and a team of one of them, for the flows of teams. */

#ifndef BERTH_TEST_FLOW_SUPPORT_TEAMS_H
#define BERTH_TEST_FLOW_SUPPORT_TEAMS_H

#include "flow/team.h"
#include "support.h"

#define TEAMS_READER "{\"api\":{\"instance_read\":{}}}"

struct teams {
    struct world world;
    struct caller ada, bob, carl;
    struct caller crew; /* ada, as the owner of the team */
    int64_t team_id;
};

bool teams_authenticate(struct world *world, const char *key, struct caller *ret);
struct team_reply teams_create(struct teams *scene, struct caller who, const char *name,
                               int64_t dollars);
/* Ada has $10 bought, and a team that she gave $4 of it. */
void teams_open(struct teams *scene, void **state);
void teams_close(struct teams *scene);
enum team_outcome teams_invite(struct teams *scene, struct caller who, const char *email,
                               const char *role);
struct team_reply teams_accept(struct teams *scene, struct caller who, int64_t code_id);
int64_t teams_last_code(struct teams *scene);
/* In with that role; as what they may call from then on. */
struct caller teams_join(struct teams *scene, struct caller who, const char *email,
                         const char *role, char key[static TOKEN_TEXT_SIZE]);
enum team_outcome teams_make_role(struct teams *scene, struct caller who, const char *name,
                                  const char *rights);
int64_t teams_role_id(struct teams *scene, const char *name);
enum team_outcome teams_change_role(struct teams *scene, struct caller who, const char *name,
                                    const char *rights);
enum team_outcome teams_take_out(struct teams *scene, struct caller who, int64_t user_id);
enum team_outcome teams_destroy(struct teams *scene, struct caller who);

#endif
