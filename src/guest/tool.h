/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the host that work in any image: they bring their loader and libraries along. */

#ifndef BERTH_GUEST_TOOL_H
#define BERTH_GUEST_TOOL_H

#include <stdbool.h>

/* Whether the helper was called by the name of such a program. */
bool tool_is_name(const char *name);

/* Become it. `arguments` are all of ours; ours[0] is its name. */
_Noreturn void tool_main(char *const arguments[]);

#endif
