/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in a mail's members, its head is ours: the lines that were there without them,
 * and no control character but line ends. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/mail_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int count_lines(const char *text, const char *end)
{
    int count = 0;

    for (; text < end; text++)
        count += *text == '\n';
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct mail_envelope envelope = { "a@b.c", "d@e.f", "b.c", "key", { 1 } };
    auto_buf struct buf out = buf_of(1 << 20), plain = buf_of(1 << 20);
    auto_json json_t *members = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, length, &members, &err) || !json_is_object(members))
        return 0;
    if (!mail_text_write(&out, &envelope, "event", members, &err) ||
        !mail_text_write(&plain, &envelope, "event", NULL, &err))
        return 0;
    const char *end = strstr(out.bytes, "\r\n\r\n"), *plain_end = strstr(plain.bytes, "\r\n\r\n");
    assert(end != NULL && plain_end != NULL);
    assert(count_lines(out.bytes, end) == count_lines(plain.bytes, plain_end));
    for (size_t i = 0; i < out.length; i++) {
        unsigned char c = (unsigned char)out.bytes[i];

        assert(c != 0x7f && (c >= ' ' || c == '\r' || c == '\n'));
        assert(c != '\n' || (i > 0 && out.bytes[i - 1] == '\r'));
    }
    assert(count_lines(out.bytes, out.bytes + out.length) ==
           count_lines(plain.bytes, plain.bytes + plain.length));
    return 0;
}
