/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/diary.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { NAME_MAX_SIZE = 32, LINE_SIZE = 2048 };

static char *file_name(int64_t id, char name[static NAME_MAX_SIZE])
{
    (void)snprintf(name, NAME_MAX_SIZE, "%" PRId64 ".log", id);
    return name;
}

/* Keep the newer half, from the start of a line. */
static void shorten(int dir, const char *name)
{
    auto_buf struct buf text = buf_of(2 * DIARY_MAX);
    struct error ignored;

    if (!file_read(dir, name, &text, &ignored) || text.length <= DIARY_MAX)
        return;
    const char *half = strchr(text.bytes + text.length / 2, '\n');
    size_t skipped = half != NULL ? (size_t)(half - text.bytes) + 1 : text.length;
    if (!file_replace(dir, name, 0600, text.bytes + skipped, text.length - skipped, &ignored))
        return;
}

void diary_write(int dir, int64_t id, const char *format, ...)
{
    char name[NAME_MAX_SIZE], text[LINE_SIZE], time[INSTANT_TEXT_SIZE];
    auto_buf struct buf line = buf_of(LINE_SIZE + 64);
    struct stat status;
    struct error ignored;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at != '\0'; at++)
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
    buf_printf(&line, "%s %s\n", instant_format(clock_now(&clock_system), time), text);

    auto_close int fd =
        openat(dir, file_name(id, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || !file_write_all(fd, line.bytes, line.length, &ignored))
        return;
    if (fstat(fd, &status) == 0 && status.st_size > DIARY_MAX)
        shorten(dir, name);
}

bool diary_read(int dir, int64_t id, struct buf *text, struct error *err)
{
    char name[NAME_MAX_SIZE];

    if (file_read(dir, file_name(id, name), text, err))
        return true;
    return err->code == ERROR_NOT_FOUND;
}

void diary_remove(int dir, int64_t id)
{
    char name[NAME_MAX_SIZE];

    (void)unlinkat(dir, file_name(id, name), 0);
}
