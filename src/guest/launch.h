/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, below the engine's init: see agent/access.h. */

#ifndef BERTH_GUEST_LAUNCH_H
#define BERTH_GUEST_LAUNCH_H

#include <stdbool.h>

/* `arguments` are those behind "launch". Does not return. */
_Noreturn void launch_main(char *const arguments[]);

/* Fork a process that nobody waits for: the container's init becomes its parent. True in it. */
bool launch_detach(void);

#endif
