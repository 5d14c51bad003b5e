/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/netcount.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#include "base/parse.h"
#include "sys/file.h"

enum { RECEIVED_FIELD = 0, SENT_FIELD = 8, NUMBER_SIZE = sizeof "18446744073709551615" };

static bool is_interface_name(const char *name)
{
    size_t length = strnlen(name, IF_NAMESIZE);

    return length > 0 && length < IF_NAMESIZE && strpbrk(name, "/: \t\n") == NULL;
}

bool netcount_table(struct buf *table, struct error *err)
{
    return file_read(AT_FDCWD, "/proc/self/net/dev", table, err);
}

/* What stands behind the interface's name and its colon; NULL: it has no line. */
static const char *find_line(const char *table, const char *interface)
{
    size_t length = strlen(interface);

    for (const char *line = table; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        line += strspn(line, " ");
        if (strncmp(line, interface, length) == 0 && line[length] == ':')
            return line + length + 1;
    }
    return NULL;
}

static bool read_field(const char *line, int field, uint64_t *ret_value)
{
    char number[NUMBER_SIZE];

    for (; field > 0; field--) {
        line += strspn(line, " ");
        line += strcspn(line, " \n");
    }
    line += strspn(line, " ");
    size_t length = strcspn(line, " \n");
    if (length >= sizeof number)
        return false;
    memcpy(number, line, length);
    number[length] = '\0';
    return parse_u64(number, ret_value);
}

bool netcount_find(const char *table, const char *interface, struct netcount *ret_count,
                   struct error *err)
{
    struct netcount count;

    if (!is_interface_name(interface))
        return error_set(err, ERROR_INVALID, "'%.32s' cannot name an interface", interface);
    const char *line = find_line(table, interface);
    if (line == NULL)
        return error_set(err, ERROR_NOT_FOUND, "there is no interface %s", interface);
    if (!read_field(line, RECEIVED_FIELD, &count.bytes_received) ||
        !read_field(line, SENT_FIELD, &count.bytes_sent))
        return error_set(err, ERROR_CORRUPT, "the counters of %s are not understood", interface);
    *ret_count = count;
    return true;
}
