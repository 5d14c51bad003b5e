/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

static struct {
    char row[256];
    bool is_seeded, has_failed;
    uint64_t seed, random_state;
} state;

static void seed_once(void)
{
    const char *text = getenv("CHECK_SEED");

    if (state.is_seeded)
        return;
    uint64_t seed = 1;
    if (text != NULL && !parse_u64(text, &seed))
        seed = 1;
    check_seed(seed);
}

void check_seed(uint64_t seed)
{
    state.is_seeded = true;
    state.seed = state.random_state = seed;
}

static void report(const char *what, const char *file, int line)
{
    state.has_failed = true;
    seed_once();
    print_error("%s:%d: %s%s%s (CHECK_SEED=%" PRIu64 ")\n", file, line, what,
                *state.row ? ", at " : "", state.row, state.seed);
}

bool check_has_failed(void)
{
    return state.has_failed;
}

void check_row(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(state.row, sizeof state.row, format, arguments);
    va_end(arguments);
}

/* splitmix64: small, and good enough to wander through a state space. */
uint64_t check_random(uint64_t limit)
{
    assert(limit > 0);
    seed_once();

    uint64_t z = state.random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

void check_true(bool is_true, const char *what, const char *file, int line)
{
    if (is_true)
        return;
    report(what, file, line);
    _fail(file, line);
}

void check_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    report(what, file, line);
    print_error("    got  %" PRId64 "\n    want %" PRId64 "\n", got, want);
    _fail(file, line);
}

void check_text(const char *got, const char *want, const char *what, const char *file, int line)
{
    if (got != NULL && want != NULL && strcmp(got, want) == 0)
        return;
    report(what, file, line);
    print_error("    got  '%s'\n    want '%s'\n", got ? got : "(null)", want ? want : "(null)");
    _fail(file, line);
}

void check_ok(bool is_ok, const struct error *err, const char *what, const char *file, int line)
{
    if (is_ok)
        return;
    report(what, file, line);
    print_error("    %s: %s\n", error_name(err->code), err->text);
    _fail(file, line);
}

void check_fails(bool is_ok, const struct error *err, enum error_code want, const char *what,
                 const char *file, int line)
{
    if (!is_ok && err->code == want)
        return;
    report(what, file, line);
    print_error("    got  %s\n    want %s\n", is_ok ? "success" : error_name(err->code),
                error_name(want));
    _fail(file, line);
}
