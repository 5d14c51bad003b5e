/* SPDX-License-Identifier: Apache-2.0 */
/* What system this is, as programs that are linked for it see it: "debian-12-x86_64". */

#ifndef BERTH_SYS_PLATFORM_H
#define BERTH_SYS_PLATFORM_H

#include "base/compiler.h"
#include "base/error.h"

enum { PLATFORM_SIZE = 64 };

/* ID and VERSION_ID of the os-release file, and the kernel's name of the machine, with a dash
 * between; in lower case, and '_' for what is neither letter, digit, '.', '-' nor '_'. */
NODISCARD bool platform_name(const char *os_release, char ret[static PLATFORM_SIZE],
                             struct error *err);

#define PLATFORM_OS_RELEASE "/etc/os-release"

#endif
