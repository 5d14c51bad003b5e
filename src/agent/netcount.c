/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/netcount.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "sys/fd.h"

/* Names come over the wire and go into a path: let none climb out of it. */
static bool is_interface_name(const char *name)
{
    size_t length = strnlen(name, IF_NAMESIZE);

    return length > 0 && length < IF_NAMESIZE && name[0] != '.' && strchr(name, '/') == NULL;
}

static bool read_counter(int net_dir, const char *interface, const char *counter,
                         uint64_t *ret_value, struct error *err)
{
    char path[IF_NAMESIZE + sizeof "/statistics/" + 32];
    char text[sizeof "18446744073709551615\n"];

    int path_length = snprintf(path, sizeof path, "%s/statistics/%s", interface, counter);
    assert(path_length > 0 && (size_t)path_length < sizeof path);

    auto_close int fd = openat(net_dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(err, errno, "open %s", path);

    /* sysfs hands over the whole value in one read. */
    ssize_t length = read(fd, text, sizeof text - 1);
    if (length < 0)
        return error_system(err, errno, "read %s", path);

    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!parse_u64(text, ret_value))
        return error_set(err, ERROR_CORRUPT, "%s holds '%s', not a count", path, text);
    return true;
}

bool netcount_read(int net_dir, const char *interface, struct netcount *ret_count,
                   struct error *err)
{
    struct netcount count;

    if (!is_interface_name(interface))
        return error_set(err, ERROR_INVALID, "'%.32s' cannot name an interface", interface);
    if (!read_counter(net_dir, interface, "rx_bytes", &count.bytes_received, err))
        return false;
    if (!read_counter(net_dir, interface, "tx_bytes", &count.bytes_sent, err))
        return false;

    *ret_count = count;
    return true;
}
