/* SPDX-License-Identifier: Apache-2.0 */
/* Files of test/proto/golden/, line by line; lines that begin with '#' are not told of. */

#ifndef BERTH_TEST_PROTO_SUPPORT_GOLDEN_H
#define BERTH_TEST_PROTO_SUPPORT_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>

enum { GOLDEN_LINE_MAX = 8192 };

FILE *golden_open(const char *name);

/* Without its end. False: there are no more. */
bool golden_line(FILE *file, char line[static GOLDEN_LINE_MAX]);

#endif
