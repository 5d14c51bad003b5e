/* SPDX-License-Identifier: Apache-2.0 */
#include "faults_memory.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    pthread_t thread; /* whose are counted */
    bool is_counting;
    int64_t count[MEMORY_COUNT], refused[MEMORY_COUNT];
    const struct walk *walk;
} state;

static sqlite3_mem_methods engine;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_to_be_tried(const struct walk *walk, enum memory memory, int64_t number)
{
    return walk != NULL && walk->memory == memory &&
           (number == 1 || (number >= walk->first && (number - walk->first) % walk->step == 0));
}

/* Here two go on: one of them without this allocation. */
static bool branch(const struct walk *walk, int64_t number)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        state.is_counting = false;
        walk->begin_branch(number);
        return true;
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    walk->after_branch(walk->context, number, status);
    return false;
}

static bool is_refused(enum memory memory)
{
    if (!state.is_counting || !pthread_equal(pthread_self(), state.thread))
        return false;
    int64_t number = ++state.count[memory];
    if (is_to_be_tried(state.walk, memory, number))
        return branch(state.walk, number);
    return number == state.refused[memory];
}

void *__wrap_malloc(size_t size)
{
    return is_refused(MEMORY_OWN) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused(MEMORY_OWN) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_refused(MEMORY_OWN) ? NULL : __real_realloc(old, size);
}

static void *engine_malloc(int size)
{
    return is_refused(MEMORY_ENGINE) ? NULL : engine.xMalloc(size);
}

static void *engine_realloc(void *old, int size)
{
    return is_refused(MEMORY_ENGINE) ? NULL : engine.xRealloc(old, size);
}

void faults_memory_install(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &engine) != SQLITE_OK)
        abort();
    sqlite3_mem_methods failing = engine;
    failing.xMalloc = engine_malloc;
    failing.xRealloc = engine_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
        abort();
}

static void start(void)
{
    for (int i = 0; i < MEMORY_COUNT; i++)
        state.count[i] = state.refused[i] = 0;
    state.thread = pthread_self();
    state.is_counting = true;
}

void faults_memory_refuse(enum memory memory, int64_t number)
{
    start();
    state.refused[memory] = number;
}

void faults_memory_walk(const struct walk *walk)
{
    start();
    state.walk = walk;
}

int64_t faults_memory_stop(enum memory memory)
{
    state.is_counting = false;
    state.walk = NULL;
    return state.count[memory];
}
