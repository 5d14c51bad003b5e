/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, and the little that Berth's tests add: rows, random numbers, comparisons that show
 * both sides.
 *
 *     static void test_a_lost_heartbeat_costs_nothing(void **state) { ... }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {
 *             cmocka_unit_test(test_a_lost_heartbeat_costs_nothing),
 *         };
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * A check that fails ends its test, names the row, and prints the seed. A test that cannot run
 * here exits with CHECK_SKIP before the group, having printed why. */

#ifndef BERTH_TEST_CHECK_H
#define BERTH_TEST_CHECK_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above it */
/* clang-format on */

#include "base/compiler.h"
#include "base/error.h"

enum { CHECK_SKIP = 77 };

#define CHECK(condition)      check_true((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want)  check_int((got), (want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text((got), (want), #got, __FILE__, __LINE__)

/* A call that returns bool and fills `err`: shows the error's text if it failed. */
#define CHECK_OK(call, err) check_ok((call), (err), #call, __FILE__, __LINE__)

/* A call that must fail with `code`. */
#define CHECK_FAILS(call, err, want) check_fails((call), (err), (want), #call, __FILE__, __LINE__)

/* Name the row of a table, or the step of a loop, that the next checks are about. */
void check_row(const char *format, ...) PRINTF_LIKE(1, 2);

/* Whether a check has failed so far, of any test: what else is known is worth showing then. */
bool check_has_failed(void);

/* A number below `limit`, from a seed that a failure prints and CHECK_SEED sets (else 1). */
uint64_t check_random(uint64_t limit);
void check_seed(uint64_t seed); /* from here on */

void check_true(bool is_true, const char *what, const char *file, int line);
void check_int(int64_t got, int64_t want, const char *what, const char *file, int line);
void check_text(const char *got, const char *want, const char *what, const char *file, int line);
void check_ok(bool is_ok, const struct error *err, const char *what, const char *file, int line);
void check_fails(bool is_ok, const struct error *err, enum error_code want, const char *what,
                 const char *file, int line);

#endif
