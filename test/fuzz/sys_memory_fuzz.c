/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes as cells of a memory, of whatever length: it is read within its bounds, and is not
 * what was committed to. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_memory.h"

enum { CELLS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct memory_terms terms = { .seed = { 1 }, .pages = 6, .layers = 3 };
    static const uint64_t cells[CELLS] = { 0, 700, 1535 };
    struct hash commitment = { .bytes = { 1 } };
    size_t size = memory_shown_size(&terms, CELLS);
    uint8_t *whole = calloc(1, size);

    if (whole == NULL)
        return 0;
    memcpy(whole, bytes, length < size ? length : size);
    assert(memory_verify_anew(&terms, &commitment, cells, CELLS, whole, size) != PROOF_GOOD);
    assert(memory_verify_anew(&terms, &commitment, cells, CELLS, bytes, length) != PROOF_GOOD);
    free(whole);
    return 0;
}
