/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that renters paste, and the table of instances: read safely, whatever they hold. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access_keys.h"
#include "agent/access_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char fingerprint[ACCESS_FINGERPRINT_SIZE];
    const char *base64;
    size_t key_length;
    struct access_table table;
    struct error err;

    char *text = malloc(length + 1);
    if (text == NULL)
        abort();
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (access_key_parse(text, &base64, &key_length))
        assert(base64 > text && key_length <= strlen(base64));
    (void)access_key_fingerprint(text, fingerprint);
    assert(strlen(fingerprint) < ACCESS_FINGERPRINT_SIZE);
    /* Takes the text over. */
    if (access_table_read(text, &table, &err)) {
        assert(table.count <= ACCESS_ENTRIES_MAX);
        access_table_release(&table);
    }
    return 0;
}
