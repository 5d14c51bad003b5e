/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "sys/clock.h"
#include "sys/trace.h"

enum { DETAIL_SIZE = 4096, LINE_LENGTH_MAX = 8 * DETAIL_SIZE };

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

struct log log_standard(void)
{
    struct log log = { STDERR_FILENO, LOG_INFO, isatty(STDERR_FILENO) == 1 };
    const char *wanted = getenv("BERTH_LOG");

    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (wanted != NULL && strcmp(wanted, level_names[i]) == 0)
            log.level_min = (enum log_level)i;
    }
    return log;
}

struct log log_silent(void)
{
    return (struct log){ .fd = -1, .level_min = LOG_ERROR };
}

/* Controls would let a line end early, or steer the terminal that shows it. */
static void append_visible(struct buf *line, const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            buf_printf(line, "\\x%02x", (unsigned char)*text);
        else
            buf_append(line, text, 1);
    }
}

static void write_for_eyes(struct buf *line, const char *time, const char *level, const char *event,
                           const char *detail)
{
    buf_printf(line, "%.8s %-7s ", time + sizeof "2026-11-22T" - 1, level);
    append_visible(line, event);
    buf_printf(line, "%s", *detail != '\0' ? "  " : "");
    append_visible(line, detail);
    if (*trace_get() != '\0') {
        buf_printf(line, "  request ");
        append_visible(line, trace_get());
    }
}

static void write_for_programs(struct buf *line, const char *time, const char *level,
                               const char *event, const char *detail)
{
    struct encoder json = encoder_of(line);

    encode_object(&json);
    encode_field_text(&json, "time", time);
    encode_field_text(&json, "level", level);
    encode_field_text(&json, "event", event);
    encode_field_text(&json, "detail", detail);
    if (*trace_get() != '\0')
        encode_field_text(&json, "request", trace_get());
    encode_end(&json);
}

void log_write(const struct log *log, enum log_level level, const char *event, const char *format,
               ...)
{
    auto_buf struct buf line = buf_of(LINE_LENGTH_MAX);
    char detail[DETAIL_SIZE], time[INSTANT_TEXT_SIZE];
    va_list arguments;

    if (log->fd < 0 || level < log->level_min)
        return;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    (void)instant_format(clock_now(&clock_system), time);
    if (log->is_terminal)
        write_for_eyes(&line, time, level_names[level], event, detail);
    else
        write_for_programs(&line, time, level_names[level], event, detail);
    buf_append(&line, "\n", 1);

    /* Where the log itself cannot be written, there is nobody left to tell. */
    if (!line.has_overflowed && write(log->fd, line.bytes, line.length) < 0)
        return;
}

void log_failure(const struct log *log, const char *event, const struct error *err)
{
    log_write(log, LOG_ERROR, event, "%s: %s", error_name(err->code), err->text);
}
