/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/resident.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "sys/file.h"

enum { STATM_SIZE = 256 };

int64_t resident_bytes(void)
{
    auto_buf struct buf statm = buf_of(STATM_SIZE);
    struct error ignored;
    uint64_t pages;

    if (!file_read(AT_FDCWD, "/proc/self/statm", &statm, &ignored) || statm.length == 0)
        return 0;
    char *second = strchr(statm.bytes, ' ');
    if (second == NULL)
        return 0;
    second++;
    second[strcspn(second, " \n")] = '\0';
    return parse_u64(second, &pages) ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}
