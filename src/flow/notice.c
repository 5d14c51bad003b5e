/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notice.h"

#include <stdio.h>
#include <string.h>

#include "store/outbox.h"

enum { NOTICE_MAX = 16 * 1024, KEY_SIZE = 128 };

bool notice_mail(struct db *db, const struct notice *notice, struct instant now, struct error *err)
{
    auto_buf struct buf body = buf_of(NOTICE_MAX);
    struct encoder json = encoder_of(&body);
    char key[KEY_SIZE], token[TOKEN_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "template", notice->template);
    if (notice->members != NULL)
        encode_members(&json, notice->members, strlen(notice->members));
    encode_end(&json);
    if (notice->key == NULL)
        (void)snprintf(key, sizeof key, "mail:%s", crypto_token(token));
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    struct outbox_item item = { .key = notice->key != NULL ? notice->key : key,
                                .provider = "mail",
                                .method = "POST",
                                .path = notice->email,
                                .body = body.bytes };
    return outbox_append(db, &item, now, err);
}
