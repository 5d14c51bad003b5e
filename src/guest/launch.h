/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, below the engine's init: see agent/access.h. */

#ifndef BERTH_GUEST_LAUNCH_H
#define BERTH_GUEST_LAUNCH_H

/* `arguments` are those behind "launch". Does not return. */
_Noreturn void launch_main(char *const arguments[]);

#endif
