/* SPDX-License-Identifier: Apache-2.0 */
/* A real Docker Engine for tests, in a network namespace of its own: its bridges, rules and ports
 * meet nobody else's, and go when the test ends.
 *
 *     int main(void)
 *     {
 *         engine_enter();
 *         ...
 *         return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
 *     }
 *
 * Where an engine cannot run, engine_enter() prints why and exits with CHECK_SKIP, or fails where
 * BERTH_REQUIRE_ENGINE=1. */

#ifndef BERTH_TEST_AGENT_SUPPORT_ENGINE_H
#define BERTH_TEST_AGENT_SUPPORT_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/docker.h"

/* The folder of this test program; its engine keeps everything below it. */
const char *engine_dir(void);

/* Its socket's path. */
const char *engine_path(void);

/* A program that the tests need: without it they do not run. */
void engine_need(const char *name);

/* Enter a namespace of our own, or end the program. */
void engine_enter(void);

/* For cmocka: start the engine and import `bb:1`, a busybox; and stop it, with all it runs. */
int engine_setup(void **state);
int engine_teardown(void **state);

/* Only the folder, without an engine: for a private one below it. */
int engine_folder_setup(void **state);
int engine_folder_teardown(void **state);

/* kill -9, and start again. */
void engine_kill(void);
void engine_start(void);

/* Wait until an engine answers there. */
void engine_wait(const char *socket);

/* Import `bb:1`, a busybox with a shell, and `bare:1`, which has one program and no shell. */
void engine_import(const char *socket);

/* By sh, as a person would; the case fails if that does, and says what it said. */
void engine_shell(const char *command);

#endif
