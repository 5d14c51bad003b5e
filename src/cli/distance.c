/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/distance.h"

#include <assert.h>
#include <string.h>

size_t distance_between(const char *a, size_t a_length, const char *b, size_t most)
{
    size_t row[DISTANCE_LENGTH_MAX + 1], b_length = strlen(b);

    assert(b_length <= DISTANCE_LENGTH_MAX);
    if ((a_length > b_length ? a_length - b_length : b_length - a_length) > most)
        return most + 1;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 0; i < a_length; i++) {
        size_t diagonal = row[0], least = i + 1;

        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t changed = diagonal + (a[i] != b[j]);
            size_t shorter = (row[j + 1] < row[j] ? row[j + 1] : row[j]) + 1;

            diagonal = row[j + 1];
            row[j + 1] = changed < shorter ? changed : shorter;
            least = row[j + 1] < least ? row[j + 1] : least;
        }
        if (least > most)
            return least;
    }
    return row[b_length];
}
