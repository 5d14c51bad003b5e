/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/words.h"

#include <string.h>

struct splitter {
    const char *from;
    char *to, *end;
};

static bool put(struct splitter *s, char c)
{
    if (s->to == s->end)
        return false;
    *s->to++ = c;
    return true;
}

/* Behind the opening quote, to behind the closing one. */
static bool take_quoted(struct splitter *s, char quote)
{
    for (; *s->from != quote; s->from++) {
        if (*s->from == '\0')
            return false;
        if (quote == '"' && (*s->from == '$' || *s->from == '`'))
            return false;
        if (quote == '"' && *s->from == '\\' && s->from[1] != '\0' &&
            strchr("\\\"$`", s->from[1]) != NULL)
            s->from++;
        if (!put(s, *s->from))
            return false;
    }
    s->from++;
    return true;
}

/* One word, and the NUL behind it. */
static bool take_word(struct splitter *s)
{
    if (*s->from == '~' || *s->from == '#')
        return false;
    while (*s->from != '\0' && *s->from != ' ' && *s->from != '\t') {
        char c = *s->from++;

        if (c == '\'' || c == '"') {
            if (!take_quoted(s, c))
                return false;
        } else if (c == '\\') {
            if (*s->from == '\0' || *s->from == '\n' || !put(s, *s->from++))
                return false;
        } else if (strchr("|&;<>()$`*?[\n", c) != NULL || !put(s, c)) {
            return false;
        }
    }
    return put(s, '\0');
}

bool words_split(const char *line, char *buffer, size_t size, char *ret_words[static WORDS_MAX])
{
    struct splitter s = { .from = line, .to = buffer, .end = buffer + size };
    size_t count = 0;

    for (;;) {
        s.from += strspn(s.from, " \t");
        if (*s.from == '\0')
            break;
        if (count == WORDS_MAX - 1)
            return false;
        ret_words[count++] = s.to;
        if (!take_word(&s))
            return false;
    }
    ret_words[count] = NULL;
    return count > 0;
}
