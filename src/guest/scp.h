/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of "scp -O": the protocol of rcp, for clients too old for SFTP and images without
 * scp. */

#ifndef BERTH_GUEST_SCP_H
#define BERTH_GUEST_SCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `arguments` are all of scp's, its name first. Returns the exit status. */
int scp_main(char *const arguments[]);

enum { SCP_NAME_MAX = 255 };

/* "C0644 1234 name" or "D0755 0 name", without the line's end. */
struct scp_item {
    uint32_t mode;
    uint64_t size;
    char name[SCP_NAME_MAX + 1];
};

/* False for what is malformed, and for names that lead elsewhere. */
bool scp_parse_item(const char *line, struct scp_item *ret_item);

/* "T<mtime> <micro> <atime> <micro>". */
bool scp_parse_times(const char *line, int64_t *ret_change, int64_t *ret_access);

#endif
