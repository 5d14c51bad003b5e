/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that come from clients and images: command lines without a shell, scp's items, /proc. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "guest/group.h"
#include "guest/scp.h"
#include "guest/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char *words[WORDS_MAX];
    struct scp_item item;
    int64_t changed, accessed;

    char *line = malloc(length + 1), *buffer = malloc(length + 1);
    if (line == NULL || buffer == NULL)
        abort();
    memcpy(line, bytes, length);
    line[length] = '\0';
    if (words_split(line, buffer, length + 1, words))
        for (size_t i = 0; words[i] != NULL; i++)
            assert(words[i] >= buffer && words[i] + strlen(words[i]) <= buffer + length);
    if (scp_parse_item(line, &item))
        assert(strchr(item.name, '/') == NULL && strcmp(item.name, "..") != 0);
    if (scp_parse_times(line, &changed, &accessed))
        assert(changed >= 0 && accessed >= 0);
    (void)group_session(line);
    (void)group_ignores_hangup(line);
    free(line);
    free(buffer);
    return 0;
}
