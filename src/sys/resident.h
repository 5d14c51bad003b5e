/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process has. */

#ifndef BERTH_SYS_RESIDENT_H
#define BERTH_SYS_RESIDENT_H

#include <stdint.h>

/* Bytes in memory; 0 where the system does not say. */
int64_t resident_bytes(void);

#endif
