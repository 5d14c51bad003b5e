/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/template.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

struct scene {
    struct world world;
    struct caller ada, bob;
};

static void scene_open(struct scene *scene, void *state)
{
    world_open(&scene->world, state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
}

static void scene_close(struct scene *scene)
{
    world_close(&scene->world);
}

static json_t *json_of(const char *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    return root;
}

static struct template_reply create(struct scene *scene, struct caller caller, const char *text)
{
    auto_json json_t *body = json_of(text);
    struct template_reply reply;
    struct error err;

    CHECK_OK(
        flow_template_create(&scene->world.flow, &caller, body, &scene->world.arena, &reply, &err),
        &err);
    return reply;
}

static struct template_reply update(struct scene *scene, struct caller caller, const char *hash,
                                    const char *text)
{
    auto_json json_t *body = json_of(text);
    struct template_key key = { .hash_id = hash };
    struct template_reply reply;
    struct error err;

    CHECK_OK(flow_template_update(&scene->world.flow, &caller, key, body, &scene->world.arena,
                                  &reply, &err),
             &err);
    return reply;
}

static enum template_outcome drop(struct scene *scene, struct caller caller, int64_t id)
{
    enum template_outcome outcome;
    struct error err;

    CHECK_OK(flow_template_delete(&scene->world.flow, &caller, (struct template_key){ .id = id },
                                  &outcome, &err),
             &err);
    return outcome;
}

/* What a rental would get of it: the form's name and the login. */
static enum template_outcome find(struct scene *scene, struct caller caller,
                                  struct template_key key, const char **ret_login)
{
    auto_json json_t *form = NULL;
    struct template_reply reply;
    struct error err;

    *ret_login = NULL;
    CHECK_OK(flow_template_find(&scene->world.flow, &caller, key, &scene->world.arena, &reply,
                                &form, ret_login, &err),
             &err);
    CHECK((form != NULL) == (reply.outcome == TEMPLATE_DONE));
    return reply.outcome;
}

static void test_the_same_content_is_the_same_template(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    struct template_reply first = create(&scene, scene.ada, "{\"name\":\"n\",\"image\":\"u\"}");
    CHECK_INT(first.outcome, TEMPLATE_DONE);
    CHECK(strlen(first.row.hash_id) == TEMPLATE_HASH_SIZE - 1);
    struct hash before = world_dump(&scene.world);
    struct template_reply again =
        create(&scene, scene.ada, "{\"image\":\"u\",\"name\":\"n\",\"env\":null}");
    CHECK_INT(again.row.id, first.row.id);
    CHECK_TEXT(again.row.hash_id, first.row.hash_id);
    CHECK_UNCHANGED(&scene.world, before);
    /* Somebody else's is theirs. */
    struct template_reply other = create(&scene, scene.bob, "{\"name\":\"n\",\"image\":\"u\"}");
    CHECK(other.row.id != first.row.id);
    CHECK(strcmp(other.row.hash_id, first.row.hash_id) != 0);
    scene_close(&scene);
}

static void test_an_edit_changes_the_hash_and_not_the_id(void **state)
{
    struct scene scene;
    const char *login;

    scene_open(&scene, *state);
    struct template_reply first = create(&scene, scene.ada, "{\"name\":\"n\",\"image\":\"u\"}");
    struct template_reply other = create(&scene, scene.ada, "{\"name\":\"m\",\"image\":\"u\"}");
    struct template_reply edited =
        update(&scene, scene.ada, first.row.hash_id, "{\"desc\":\"d\",\"name\":null}");
    CHECK_INT(edited.outcome, TEMPLATE_DONE);
    CHECK_INT(edited.row.id, first.row.id);
    CHECK(strcmp(edited.row.hash_id, first.row.hash_id) != 0);
    CHECK_INT(
        find(&scene, scene.ada, (struct template_key){ .hash_id = first.row.hash_id }, &login),
        TEMPLATE_NONE);
    CHECK_INT(find(&scene, scene.ada, (struct template_key){ .id = first.row.id }, &login),
              TEMPLATE_DONE);
    /* Into what another of the same account is. */
    struct hash before = world_dump(&scene.world);
    CHECK_INT(
        update(&scene, scene.ada, other.row.hash_id, "{\"desc\":\"d\",\"name\":\"n\"}").outcome,
        TEMPLATE_TAKEN);
    struct template_reply bad = update(&scene, scene.ada, other.row.hash_id, "{\"env\":\"-e\"}");
    CHECK_INT(bad.outcome, TEMPLATE_BAD);
    CHECK(strstr(bad.why, "env") != NULL);
    CHECK_UNCHANGED(&scene.world, before);
    scene_close(&scene);
}

static void test_private_ones_are_their_owners(void **state)
{
    struct scene scene;
    struct template_row *rows;
    const char *login;
    struct error err;
    size_t count;

    scene_open(&scene, *state);
    int64_t hidden = create(&scene, scene.ada, "{\"name\":\"a\",\"image\":\"u\"}").row.id;
    struct template_reply open =
        create(&scene, scene.ada, "{\"name\":\"b\",\"image\":\"u\",\"private\":false}");
    struct template_key by_id = { .id = hidden };
    CHECK_INT(find(&scene, scene.bob, by_id, &login), TEMPLATE_NONE);
    CHECK_INT(find(&scene, scene.bob, (struct template_key){ .id = open.row.id }, &login),
              TEMPLATE_DONE);
    CHECK_OK(
        flow_template_list(&scene.world.flow, &scene.bob, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 1);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(update(&scene, scene.bob, open.row.hash_id, "{\"name\":\"c\"}").outcome,
              TEMPLATE_NONE);
    CHECK_INT(drop(&scene, scene.bob, open.row.id), TEMPLATE_NONE);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(drop(&scene, scene.ada, open.row.id), TEMPLATE_DONE);
    CHECK_INT(drop(&scene, scene.ada, open.row.id), TEMPLATE_NONE);
    CHECK_INT(find(&scene, scene.bob, (struct template_key){ .id = open.row.id }, &login),
              TEMPLATE_NONE);
    scene_close(&scene);
}

/* The login goes with the owner's rentals, sealed until then, and never with another's. */
static void test_a_login_is_for_its_owner_alone(void **state)
{
    struct scene scene;
    const char *login;

    scene_open(&scene, *state);
    struct template_reply made =
        create(&scene, scene.ada,
               "{\"name\":\"n\",\"image\":\"u\",\"private\":false,\"docker_login_repo\":\"r.test\","
               "\"docker_login_user\":\"a b\",\"docker_login_pass\":\"it's\"}");
    CHECK_INT(made.outcome, TEMPLATE_DONE);
    CHECK(made.row.login != NULL);
    CHECK(memmem(made.row.login, made.row.login_length, "it's", 4) == NULL);
    CHECK(strstr(made.row.form, "docker_login_pass") == NULL);
    struct template_key key = { .id = made.row.id };
    CHECK_INT(find(&scene, scene.ada, key, &login), TEMPLATE_DONE);
    CHECK_TEXT(login, "-u 'a b' -p 'it'\\''s' 'r.test'");
    CHECK_INT(find(&scene, scene.bob, key, &login), TEMPLATE_DONE);
    CHECK(login == NULL);
    /* An edit that says nothing of it keeps it. */
    struct template_reply edited = update(&scene, scene.ada, made.row.hash_id, "{\"desc\":\"d\"}");
    CHECK_INT(edited.outcome, TEMPLATE_DONE);
    CHECK_INT(find(&scene, scene.ada, key, &login), TEMPLATE_DONE);
    CHECK(login != NULL);
    CHECK_INT(
        create(&scene, scene.ada, "{\"name\":\"m\",\"image\":\"u\",\"docker_login_user\":\"a\"}")
            .outcome,
        TEMPLATE_BAD);
    scene_close(&scene);
}

static void test_an_account_has_so_many(void **state)
{
    struct scene scene;
    char body[128];

    scene_open(&scene, *state);
    for (int i = 0; i < TEMPLATES_PER_USER_MAX; i++) {
        (void)snprintf(body, sizeof body, "{\"name\":\"n%d\",\"image\":\"u\"}", i);
        CHECK_INT(create(&scene, scene.ada, body).outcome, TEMPLATE_DONE);
    }
    CHECK_INT(create(&scene, scene.ada, "{\"name\":\"one more\",\"image\":\"u\"}").outcome,
              TEMPLATE_TOO_MANY);
    CHECK_INT(create(&scene, scene.ada, "{\"name\":\"n7\",\"image\":\"u\"}").outcome,
              TEMPLATE_DONE);
    CHECK_INT(create(&scene, scene.bob, "{\"name\":\"n\",\"image\":\"u\"}").outcome, TEMPLATE_DONE);
    scene_close(&scene);
}

/* Only operators recommend. */
static void test_recommending_is_for_operators(void **state)
{
    struct scene scene;

    scene_open(&scene, *state);
    const char *body = "{\"name\":\"n\",\"image\":\"u\",\"recommended\":true,\"private\":false}";
    CHECK(!create(&scene, scene.ada, body).row.is_recommended);
    struct caller boss = scene.bob;
    boss.is_admin = true;
    CHECK(create(&scene, boss, body).row.is_recommended);
    scene_close(&scene);
}

/* A rental that a template was part of counts for it, once. */
static void test_rentals_count(void **state)
{
    struct scene scene;
    struct world_machine machine;
    struct rental_reply reply;
    struct template_row *rows;
    struct error err;
    size_t count;

    scene_open(&scene, *state);
    int64_t id = create(&scene, scene.ada, "{\"name\":\"n\",\"image\":\"u\"}").row.id;
    world_host(&scene.world, &machine, "a", 2);
    struct rental_request request = {
        .offer_id = world_offer(&scene.world, machine.id, 1),
        .template_id = id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
    };
    for (int i = 0; i < 2; i++)
        CHECK_OK(flow_rent(&scene.world.flow, &scene.ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, RENTAL_REPEATED);
    CHECK_OK(
        flow_template_list(&scene.world.flow, &scene.ada, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT(rows[0].used_count, 1);
    world_check(&scene.world);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_content_is_the_same_template),
        cmocka_unit_test(test_an_edit_changes_the_hash_and_not_the_id),
        cmocka_unit_test(test_private_ones_are_their_owners),
        cmocka_unit_test(test_a_login_is_for_its_owner_alone),
        cmocka_unit_test(test_an_account_has_so_many),
        cmocka_unit_test(test_recommending_is_for_operators),
        cmocka_unit_test(test_rentals_count),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
