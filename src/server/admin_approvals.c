/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_approvals.h"

#include <fcntl.h>
#include <string.h>

#include "base/encode.h"
#include "flow/approval.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { APPROVALS_PAGE_MAX = 256, APPROVALS_ARENA_MAX = 1 << 20, KEY_FILE_MAX = 256 };

bool admin_operator(struct admin *admin, int64_t *ret_id, struct error *err)
{
    const char *path = options_get(admin->options, "operator");
    auto_buf struct buf key = buf_of(KEY_FILE_MAX);

    *ret_id = 0;
    if (path == NULL)
        return true;
    if (!file_read(AT_FDCWD, path, &key, err))
        return false;
    size_t length = strcspn(key.length > 0 ? key.bytes : "", " \t\r\n");
    struct hash hash = crypto_sha256(key.length > 0 ? key.bytes : "", length);
    crypto_wipe(key.bytes, key.length);
    if (!flow_operator(&admin->flow, &hash, ret_id, err))
        return false;
    return *ret_id != 0 ||
           error_set(err, ERROR_FORBIDDEN, "in %.128s is no operator's API key", path);
}

bool admin_refuse_nobody(struct error *err)
{
    return admin_refuse(err, "this takes two operators: say who you are with --operator FILE, and "
                             "have another ask for the same");
}

static void encode_approval(struct encoder *json, const struct approval_row *approval)
{
    char time[INSTANT_TEXT_SIZE];

    encode_object(json);
    encode_field_int(json, "id", approval->id);
    encode_field_text(json, "what", approval->what);
    encode_field_text(json, "how_much", approval->body);
    encode_field_money(json, "amount", approval->amount);
    encode_field_int(json, "asked_by", approval->asked_by);
    encode_field_text(json, "asked_at", instant_format(approval->asked, time));
    encode_field_int(json, "given_by", approval->given_by);
    encode_field_text(json, "given_at",
                      approval->given_by != 0 ? instant_format(approval->given, time) : "");
    encode_end(json);
}

bool admin_approval_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    const char *state = options_get(admin->options, "state");
    struct approval_filter filter = { .max = APPROVALS_PAGE_MAX, .is_waiting = state != NULL };
    size_t count;

    if (state != NULL && strcmp(state, "waiting") != 0)
        return error_set(err, ERROR_INVALID, "'%.32s' is no state of an approval", state);
    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(APPROVALS_ARENA_MAX);
        struct approval_row *approvals;
        if (!flow_approval_list(&admin->flow, &filter, &arena, &approvals, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            encode_approval(&json, &approvals[i]);
            filter.after = approvals[i].id;
        }
    } while (count == APPROVALS_PAGE_MAX);
    encode_end(&json);
    return true;
}
