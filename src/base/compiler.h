/* SPDX-License-Identifier: Apache-2.0 */
/* What Berth asks of gcc and clang beyond C17. */

#ifndef BERTH_BASE_COMPILER_H
#define BERTH_BASE_COMPILER_H

#include <stdlib.h>

#ifdef NDEBUG
#    error "Berth always runs with its assertions on: build without NDEBUG."
#endif

/* The caller must look at the result. */
#define NODISCARD __attribute__((warn_unused_result))

/* Check arguments against the format string, as for printf(). */
#define PRINTF_LIKE(template, first) __attribute__((format(printf, template, first)))

/* A function whose branches tell a fuzzer nothing, and would take most of its time to count. */
#ifdef __clang__
#    define FUZZ_BLIND __attribute__((no_sanitize("coverage")))
#else
#    define FUZZ_BLIND
#endif

/* For a local variable that owns memory from malloc(): it is freed on every way out
 * of the block. Initialise it, to NULL if there is nothing to own yet. */
#define auto_free __attribute__((cleanup(auto_free_release)))

static inline void auto_free_release(void *address_of_owner)
{
    free(*(void **)address_of_owner);
}

#endif
