/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that are refused, one after another: those of our own code, which the linker sends
 * here (--wrap), and those of the database engine.
 *
 * A walk goes through something once, and at each allocation that is asked for a process is forked
 * off in which that one is refused. So what came before is not done again for each, and every
 * single one can be tried. Only what the thread that began the walk asks for is counted: it is the
 * one that goes on in a process that was forked. */

#ifndef BERTH_TEST_FLOW_FAULTS_MEMORY_H
#define BERTH_TEST_FLOW_FAULTS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

enum memory { MEMORY_OWN, MEMORY_ENGINE, MEMORY_COUNT };

/* Before the database engine is used. */
void faults_memory_install(void);

/* Count from here on, and refuse the allocation with this number, from 1; 0: none. */
void faults_memory_refuse(enum memory memory, int64_t number);

struct walk {
    enum memory memory;
    int64_t first, step; /* numbers to be tried: the first, and every step-th behind it; and 1 */
    /* In the process that was forked: from here on this is what happens to it. */
    void (*begin_branch)(int64_t number);
    /* In the one that goes on: how that one ended, as waitpid() has it. */
    void (*after_branch)(void *context, int64_t number, int status);
    void *context;
};

/* The same, with such a process at each. `walk` stays until the stop. */
void faults_memory_walk(const struct walk *walk);

/* Refuse nothing any more. How many there were. */
int64_t faults_memory_stop(enum memory memory);

#endif
