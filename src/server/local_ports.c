/* SPDX-License-Identifier: Apache-2.0 */
#include "server/local_ports.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sys/file.h"

enum { FIRST = 32768, LAST = 60999 }; /* inet_init_net(), net/ipv4/af_inet.c */
enum { TEXT_MAX = 1 << 20 };          /* every second port reserved is 200 kB */

#define FOLDER "/proc/sys/net/ipv4/"

/* "NUMBER" or "NUMBER-NUMBER", and where it ends; NULL: it is neither. */
static const char *read_range(const char *text, const char *between, int64_t *ret_first,
                              int64_t *ret_last)
{
    char *end;

    *ret_first = *ret_last = strtoll(text, &end, 10);
    if (end == text)
        return NULL;
    if (*end == '\0' || strchr(between, *end) == NULL)
        return end;
    text = end + 1;
    *ret_last = strtoll(text, &end, 10);
    return end == text ? NULL : end;
}

static bool is_reserved(const char *list, int64_t first, int64_t last)
{
    int64_t from, to;

    while (list != NULL && (list = read_range(list, "-", &from, &to)) != NULL) {
        if (from <= first && last <= to)
            return true;
        if (*list++ != ',')
            break;
    }
    return false;
}

bool local_ports_overlap(const char *range, const char *reserved, int64_t first, int64_t last)
{
    int64_t from, to;

    if (range == NULL || read_range(range, "\t ", &from, &to) == NULL || from >= to) {
        from = FIRST;
        to = LAST;
    }
    if (first < from)
        first = from;
    if (last > to)
        last = to;
    return first <= last && !is_reserved(reserved, first, last);
}

bool local_ports_take(int64_t first, int64_t last)
{
    auto_buf struct buf range = buf_of(TEXT_MAX), reserved = buf_of(TEXT_MAX);
    struct error ignored;
    bool has_range = file_read(AT_FDCWD, FOLDER "ip_local_port_range", &range, &ignored);
    bool has_list = file_read(AT_FDCWD, FOLDER "ip_local_reserved_ports", &reserved, &ignored);

    return local_ports_overlap(has_range ? range.bytes : NULL, has_list ? reserved.bytes : NULL,
                               first, last);
}
