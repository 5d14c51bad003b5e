/* SPDX-License-Identifier: Apache-2.0 */
/* A relay over loopback with one machine, two instances and a port of each; and an agent that the
 * tests hold in their hands. What cannot be done fails the test. */

#ifndef BERTH_TEST_SERVER_SUPPORT_RELAY_H
#define BERTH_TEST_SERVER_SUPPORT_RELAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/relay.h"
#include "server/relay_engine.h"
#include "sys/crypto.h"

enum { MACHINE = 7, EPOCH = 3, INSTANCE = 71, RELAY_ID = 5, PATIENCE_MS = 8000, CHUNK = 1 << 16 };

struct scene {
    struct relay_engine *engine;
    struct key_pair keys;
    struct relay_route routes[2];
    atomic_int stale_count; /* on the engine's thread */
};

void scene_open(struct scene *scene); /* its ports are 127.0.0.1's */
void scene_open_at(struct scene *scene, const char *address);
void scene_close(struct scene *scene);
void scene_routes(struct scene *scene, size_t count, int64_t epoch);

/* On this machine, whose every read ends after PATIENCE_MS. */
uint16_t scene_free_port(void);
int scene_dial(uint16_t port);
bool scene_read(int fd, void *bytes, size_t count);
bool scene_write(int fd, const void *bytes, size_t count);
bool scene_is_closed(int fd); /* waits for it */

bool scene_say(int fd, const struct relay_frame *frame);
bool scene_hear(int fd, struct relay_frame *ret); /* the next but pings, which are answered */

int scene_call(struct scene *scene, int64_t epoch,
               const struct key_pair *keys); /* up to the proof */
int scene_control(struct scene *scene);      /* one that is let in */
/* The agent's end for the next caller. */
int scene_back(struct scene *scene, int agent, struct relay_frame *ret_open);

#endif
