/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest market in which somebody has something: a host with one GPU, ada's instance on it,
 * running, and bob, who has nothing. */

#ifndef BERTH_TEST_FLOW_SUPPORT_SCENE_H
#define BERTH_TEST_FLOW_SUPPORT_SCENE_H

#include "support.h"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t id; /* of the instance */
};

void scene_begin(struct scene *scene, void **state);

/* With a check of the books. */
void scene_end(struct scene *scene);

#endif
