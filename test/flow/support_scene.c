/* SPDX-License-Identifier: Apache-2.0 */
#include "support_scene.h"

void scene_begin(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

void scene_end(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}
