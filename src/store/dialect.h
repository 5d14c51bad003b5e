/* SPDX-License-Identifier: Apache-2.0 */
/* Schema files, from the one text that they are to the SQL of either database.
 *
 * Outside of quotes and comments the words I64, ID, BYTES, TEXT and STRICT stand for what each
 * database calls them: a 64-bit integer, a primary key that counts up and is never used twice,
 * bytes, text that is compared byte by byte, and the end of a table that believes in its types.
 * Where the two have nothing in common, each has its own lines:
 *
 *     -- sqlite:
 *     CREATE TRIGGER ...
 *     -- postgres:
 *     CREATE FUNCTION ...
 *     -- end
 */

#ifndef BERTH_STORE_DIALECT_H
#define BERTH_STORE_DIALECT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum dialect { DIALECT_SQLITE, DIALECT_POSTGRES };

NODISCARD bool dialect_write(const char *schema, enum dialect dialect, struct buf *out,
                             struct error *err);

#endif
