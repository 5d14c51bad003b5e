/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs as application/x-www-form-urlencoded, for a body or a query: keys stay as they are,
 * brackets included; of values all but letters, digits and "-._~" is percent-encoded, a blank as
 * %20. */

#ifndef BERTH_BASE_FORM_H
#define BERTH_BASE_FORM_H

#include "base/buf.h"

/* Each adds a pair, behind a '&' where there is one already. Keys are ours: literals. */
void form_text(struct buf *out, const char *key, const char *value);
void form_int(struct buf *out, const char *key, int64_t value);
void form_bool(struct buf *out, const char *key, bool value);

/* One value, encoded. */
void form_value(struct buf *out, const char *value);

#endif
