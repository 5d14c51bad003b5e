/* SPDX-License-Identifier: Apache-2.0 */
#include "support_teams.h"

#include <string.h>

#include "flow/admin.h"
#include "flow/mail_code.h"
#include "flow/team_member.h"
#include "flow/team_role.h"

bool teams_authenticate(struct world *world, const char *key, struct caller *ret)
{
    struct hash hash = crypto_sha256(key, strlen(key));
    struct error err;
    bool is_known;

    CHECK_OK(flow_authenticate(&world->flow, &hash, ret, &is_known, &err), &err);
    return is_known;
}

struct team_reply teams_create(struct teams *scene, struct caller who, const char *name,
                               int64_t dollars)
{
    struct team_reply reply;
    struct error err;

    CHECK_OK(flow_team_create(&scene->world.flow, &who, name,
                              (struct money){ dollars * NANODOLLARS_PER_DOLLAR }, &reply, &err),
             &err);
    return reply;
}

/* Ada has $10 bought, and a team that she gave $4 of it. */
void teams_open(struct teams *scene, void **state)
{
    enum admin_outcome outcome;
    struct error err;

    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 0);
    scene->bob = world_user(&scene->world, "bob@berth.test", 0);
    scene->carl = world_user(&scene->world, "carl@berth.test", 0);
    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id,
                          (struct money){ 10 * NANODOLLARS_PER_DOLLAR }, "w", &outcome, &err),
             &err);
    struct team_reply made = teams_create(scene, scene->ada, "crew", 4);
    CHECK_INT(made.outcome, TEAM_DONE);
    CHECK(teams_authenticate(&scene->world, made.api_key, &scene->crew));
    scene->team_id = made.team_id;
}

void teams_close(struct teams *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

enum team_outcome teams_invite(struct teams *scene, struct caller who, const char *email,
                               const char *role)
{
    struct team_reply reply;
    struct error err;

    CHECK_OK(flow_team_invite(&scene->world.flow, &who, email, role, &reply, &err), &err);
    return reply.outcome;
}

struct team_reply teams_accept(struct teams *scene, struct caller who, int64_t code_id)
{
    char code[MAIL_CODE_SIZE];
    struct team_reply reply;
    struct error err;
    bool has;

    CHECK_OK(flow_mail_code(&scene->world.flow, code_id, code, &has, &err), &err);
    CHECK_OK(
        flow_team_accept(&scene->world.flow, &who, has ? code : "1-0", "192.0.2.1", &reply, &err),
        &err);
    return reply;
}

int64_t teams_last_code(struct teams *scene)
{
    return world_number(&scene->world, "SELECT MAX(id) FROM mail_code");
}

/* In with that role; as what they may call from then on. */
struct caller teams_join(struct teams *scene, struct caller who, const char *email,
                         const char *role, char key[static TOKEN_TEXT_SIZE])
{
    struct caller caller;

    CHECK_INT(teams_invite(scene, scene->crew, email, role), TEAM_DONE);
    struct team_reply reply = teams_accept(scene, who, teams_last_code(scene));
    CHECK_INT(reply.outcome, TEAM_DONE);
    CHECK_TEXT(reply.role, role);
    CHECK(teams_authenticate(&scene->world, reply.api_key, &caller));
    memcpy(key, reply.api_key, sizeof reply.api_key);
    return caller;
}

enum team_outcome teams_make_role(struct teams *scene, struct caller who, const char *name,
                                  const char *rights)
{
    enum team_outcome outcome;
    struct error err;

    CHECK_OK(flow_team_role_create(&scene->world.flow, &who, name, rights, &outcome, &err), &err);
    return outcome;
}

int64_t teams_role_id(struct teams *scene, const char *name)
{
    struct team_role_row *roles;
    enum team_outcome outcome;
    struct error err;
    size_t count;

    CHECK_OK(flow_team_role_list(&scene->world.flow, &scene->crew, &scene->world.arena, &roles,
                                 &count, &outcome, &err),
             &err);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].id;
    }
    return 0;
}

enum team_outcome teams_change_role(struct teams *scene, struct caller who, const char *name,
                                    const char *rights)
{
    enum team_outcome outcome;
    struct error err;

    CHECK_OK(flow_team_role_update(&scene->world.flow, &who, teams_role_id(scene, name), name,
                                   rights, &outcome, &err),
             &err);
    return outcome;
}

enum team_outcome teams_take_out(struct teams *scene, struct caller who, int64_t user_id)
{
    enum team_outcome outcome;
    struct error err;

    CHECK_OK(flow_team_remove(&scene->world.flow, &who, user_id, &outcome, &err), &err);
    return outcome;
}

enum team_outcome teams_destroy(struct teams *scene, struct caller who)
{
    struct team_reply reply;
    struct error err;

    CHECK_OK(flow_team_destroy(&scene->world.flow, &who, &reply, &err), &err);
    return reply.outcome;
}
