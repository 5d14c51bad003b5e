/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is sent as Accept-Encoding, weights are from 0 to 1, and who refuses gzip gets none. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "server/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_free char *value = strndup((const char *)bytes, length);
    struct coding_wish wish = coding_nothing_said();

    coding_read(value, &wish);
    assert(wish.gzip >= -1 && wish.gzip <= 1000);
    assert(wish.identity >= -1 && wish.identity <= 1000);
    assert(wish.any >= -1 && wish.any <= 1000);
    if (strchr(value, '*') == NULL && strstr(value, "zi") == NULL && strstr(value, "ZI") == NULL &&
        strstr(value, "zI") == NULL && strstr(value, "Zi") == NULL)
        assert(!coding_wants_gzip(&wish));
    coding_read(",gzip;q=0", &wish);
    assert(!coding_wants_gzip(&wish));
    return 0;
}
