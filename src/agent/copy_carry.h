/* SPDX-License-Identifier: Apache-2.0 */
/* A copy between two instances, carried: this program again, as nobody and in an empty folder, an
 * SSH client at both ends, that moves bytes from one to the other. The far ends are rsync
 * (guest/copy.h), each bound to this one copy by the key that we log in with (proto/desired.h).
 *
 * It starts with two TCP connections (descriptors 3 to the source, 4 to the target) and a file (5)
 * with the copy's secret and where to live; on standard output it says how far it is and how it
 * ended: one line "= TEXT" a second at most, at the end "ok TEXT" or "no TEXT"; or, before anything
 * has moved, "later TEXT": a host has yet to hear of this copy. */

#ifndef BERTH_AGENT_COPY_CARRY_H
#define BERTH_AGENT_COPY_CARRY_H

#include <stdbool.h>
#include <stddef.h>

#define COPY_CARRY_VERB "copy-carry"

enum {
    COPY_CARRY_SOURCE_FD = 3,
    COPY_CARRY_TARGET_FD,
    COPY_CARRY_FILE_FD,
    COPY_CARRY_LINE_MAX = 512,
};

/* What the file holds. */
struct copy_carry {
    unsigned char secret[32];
    unsigned uid, gid;
    char jail[1024];
};

int copy_carry_main(void);

/* The last of rsync's lines of progress in `text`: "  1,234  42%   3.50MB/s    0:00:01 ...", as
 * "42 %, 1.2 MB, 3.50MB/s" in `ret`. False: there is none. */
bool copy_progress(const char *text, size_t length, char *ret, size_t size);

#endif
