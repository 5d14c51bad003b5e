/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BERTH_TEST_SERVER_SUPPORT_GUNZIP_H
#define BERTH_TEST_SERVER_SUPPORT_GUNZIP_H

#include "base/buf.h"

/* Appends what a gzip stream holds; the case fails where it is not one, whole and with the right
 * sums. */
void check_gunzip(const struct buf *packed, struct buf *ret);

#endif
