/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/key_age.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/parse.h"
#include "sys/file.h"

#define SECONDS_MAX (INT64_MAX / US_PER_SECOND / 4)

enum { AGE_FILE_MAX = 256, SPREAD = 200 /* of the period */ };

/* The words of a line, ended in place. False: they are more or less than that. */
static bool split_words(char *line, char *words[], size_t count)
{
    size_t found = 0;

    for (char *at = line; *(at += strspn(at, " \n")) != '\0';) {
        if (found == count)
            return false;
        words[found++] = at;
        at += strcspn(at, " \n");
        if (*at != '\0')
            *at++ = '\0';
    }
    return found == count;
}

bool key_age_read(int dir, struct instant now, int64_t *ret_age_s,
                  uint8_t ret_key[static PUBLIC_KEY_SIZE])
{
    auto_buf struct buf text = buf_of(AGE_FILE_MAX);
    uint64_t age_s, wall_s;
    struct error ignored;
    char *words[3];

    if (!file_read(dir, KEY_AGE_FILE, &text, &ignored))
        return false;
    buf_append(&text, "", 0);
    if (text.length == 0 || !split_words(text.bytes, words, 3) || !parse_u64(words[0], &age_s) ||
        !parse_u64(words[1], &wall_s) || age_s > SECONDS_MAX || wall_s > SECONDS_MAX ||
        !hex_parse(words[2], ret_key, PUBLIC_KEY_SIZE))
        return false;
    int64_t away_s = now.microseconds / US_PER_SECOND - (int64_t)wall_s;
    *ret_age_s = (int64_t)age_s + (away_s > 0 ? away_s : 0);
    return true;
}

int64_t key_age_max_us(const uint8_t key[static PUBLIC_KEY_SIZE], int64_t every_us)
{
    return every_us + every_us / SPREAD / 256 * key[0];
}

const char *key_age_span(int64_t seconds, char text[static KEY_SPAN_SIZE])
{
    int64_t hours = seconds / 3600;

    if (hours < 1)
        (void)snprintf(text, KEY_SPAN_SIZE, "less than an hour");
    else if (hours < 48)
        (void)snprintf(text, KEY_SPAN_SIZE, "%" PRId64 " hour%s", hours, hours == 1 ? "" : "s");
    else
        (void)snprintf(text, KEY_SPAN_SIZE, "%" PRId64 " days", hours / 24);
    return text;
}

static void tell_asked(int dir, struct buf *out)
{
    auto_buf struct buf why = buf_of(KEY_WHY_MAX);
    struct error missing;

    if (!file_read(dir, KEY_ASKED_FILE, &why, &missing))
        return;
    buf_printf(out, "; somebody asked for another");
    if (why.length > 0)
        buf_printf(out, ": %.*s", (int)why.length, why.bytes);
}

bool key_age_tell(int dir, struct instant now, int64_t every_us, char text[static KEY_AGE_TEXT])
{
    auto_buf struct buf out = buf_of(4 * KEY_AGE_TEXT);
    char old[KEY_SPAN_SIZE], left[KEY_SPAN_SIZE];
    uint8_t key[PUBLIC_KEY_SIZE];
    int64_t age_s;

    if (!key_age_read(dir, now, &age_s, key)) {
        (void)snprintf(text, KEY_AGE_TEXT, "its age is not noted yet: the agent does that");
        return true;
    }
    int64_t left_s = key_age_max_us(key, every_us) / US_PER_SECOND - age_s;
    buf_printf(&out, "%s old; ", key_age_span(age_s, old));
    if (left_s > 0)
        buf_printf(&out, "another takes its place in %s", key_age_span(left_s, left));
    else
        buf_printf(&out, "another has been due for %s", key_age_span(-left_s, left));
    tell_asked(dir, &out);
    (void)snprintf(text, KEY_AGE_TEXT, "%.*s", (int)out.length, out.bytes);
    return left_s > -KEY_LATE_S;
}
