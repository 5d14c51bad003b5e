/* SPDX-License-Identifier: Apache-2.0 */
/* A head that the door lets in is one that a strict reader reads the same way: written out again
 * from its pieces, with CR LF everywhere, it is the bytes that came.
 *
 * The pieces are made here as a lenient library makes them, in place: lines end in LF, a CR before
 * it is dropped, NUL ends a text, white space before a value is skipped, a folded line is glued to
 * the name before it, blank lines in front do not count. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "server/door.h"
#include "server/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct reader {
    char *at, *end;
    struct door_line lines[HTTP_HEADERS_MAX + 1];
    size_t count;
    char glued[4096];
};

/* The next line, ended by a NUL in place; NULL where none is complete. */
static char *next_line(struct reader *reader)
{
    char *line = reader->at;
    char *end = memchr(line, '\n', (size_t)(reader->end - line));

    if (end == NULL)
        return NULL;
    reader->at = end + 1;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

static bool read_line(struct reader *reader, char *line)
{
    if ((line[0] == ' ' || line[0] == '\t') && reader->count > 0) {
        struct door_line *last = &reader->lines[reader->count - 1];
        size_t more = strlen(line);

        if (last->name_length + more >= sizeof reader->glued)
            return false;
        memmove(reader->glued, last->name, last->name_length);
        memcpy(reader->glued + last->name_length, line, more);
        last->name = reader->glued;
        last->name_length += more;
        return true;
    }
    char *colon = strchr(line, ':');
    if (colon == NULL || reader->count > HTTP_HEADERS_MAX)
        return false;
    char *value = colon + 1;
    value += strspn(value, " \t");
    reader->lines[reader->count++] =
        (struct door_line){ line, (size_t)(colon - line), value, strlen(value) };
    return true;
}

static bool read_first(struct reader *reader, struct door_head *head)
{
    char *line = next_line(reader);

    while (line != NULL && line[0] == '\0')
        line = next_line(reader);
    char *target = line != NULL ? strchr(line, ' ') : NULL;
    if (target == NULL)
        return false;
    head->method = line;
    *target++ = '\0';
    target += strspn(target, " ");
    char *version = strrchr(target, ' ');
    if (version == NULL)
        return false;
    *version++ = '\0';
    head->target = target;
    head->target_length = strlen(target);
    head->version = version;
    return true;
}

/* The pieces as one text again, white space before values as it was. */
static void write_head(struct buf *out, const struct door_head *head, const char *bytes,
                       const char *copy)
{
    buf_printf(out, "%s %s %s\r\n", head->method, head->target, head->version);
    for (size_t i = 0; i < head->line_count; i++) {
        const struct door_line *line = &head->lines[i];
        const char *gap = copy + (line->name - bytes) + line->name_length;

        assert(gap[0] == ':');
        buf_append(out, line->name, line->name_length);
        buf_append(out, gap, (size_t)(line->value - line->name) - line->name_length);
        buf_append(out, line->value, line->value_length);
        buf_append(out, "\r\n", 2);
    }
    buf_append(out, "\r\n", 2);
}

/* A NUL in the place of a CR, and the four bytes behind the last value: two line ends, however they
 * were spelled. */
static bool may_differ(const struct buf *again, size_t at, uint8_t came)
{
    return (again->bytes[at] == '\r' && came == '\0') || at + 4 >= again->length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct reader reader;
    auto_buf struct buf again = buf_of(1 << 20);
    auto_free char *text = malloc(length + 1);
    struct door_head head = { 0 };
    struct door_refusal refusal;
    struct door_body body;
    char *line = NULL;

    memcpy(text, bytes, length);
    text[length] = '\0';
    reader.at = text;
    reader.end = text + length;
    reader.count = 0;
    if (!read_first(&reader, &head))
        return 0;
    while ((line = next_line(&reader)) != NULL && line[0] != '\0') {
        if (!read_line(&reader, line))
            return 0;
    }
    if (line == NULL)
        return 0;
    head.length = (size_t)(reader.at - head.method);
    head.line_count = reader.count;
    head.lines = reader.lines;
    if (!door_layout(&head, &refusal) || !door_check(&head, &body, &refusal))
        return 0;
    write_head(&again, &head, text, (const char *)bytes);
    assert(again.length == head.length);
    const uint8_t *came = bytes + (head.method - text);
    for (size_t i = 0; i < again.length; i++)
        assert(came[i] == (uint8_t)again.bytes[i] || may_differ(&again, i, came[i]));
    assert(!(body.is_chunked && body.has_length));
    return 0;
}
