/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/challenge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"
#include "proto/fields.h"
#include "proto/hello.h"

#define CHALLENGE_N_MAX INT64_C(16777216) /* pages of memory */

static const struct field challenge_fields[] = {
    FIELD_INT(struct challenge, id, 1, INT64_MAX),
    FIELD_CHARS(struct challenge, gpu),
    FIELD_CHARS(struct challenge, token),
    FIELD_BYTES(struct challenge, seed),
    FIELD_INT(struct challenge, n, 1, CHALLENGE_N_MAX),
    FIELD_INT(struct challenge, rounds, 1, 65536),
    FIELD_INT_ADDED(struct challenge, kind, AUDIT_COMPUTE, AUDIT_NETWORK),
    FIELD_INT_ADDED(struct challenge, nonces, 0, CHALLENGE_NONCES_MAX),
};
static const struct field_list challenge_fields_list = FIELD_LIST(challenge_fields);

static const struct field commit_fields[] = {
    FIELD_LINE(struct challenge_commit, token, 1, CHALLENGE_TOKEN_SIZE),
    FIELD_BYTES(struct challenge_commit, commitment),
};
static const struct field_list commit_list = FIELD_LIST(commit_fields);

static const struct field draw_fields[] = {
    FIELD_BYTES(struct challenge_draw, draw),
    FIELD_INT_ADDED(struct challenge_draw, openings, 0, CHALLENGE_OPENINGS_MAX),
    FIELD_INT_ADDED(struct challenge_draw, part, 0, CHALLENGE_OPENINGS_MAX),
};
static const struct field_list draw_list = FIELD_LIST(draw_fields);

static const struct field ask_fields[] = {
    FIELD_LINE(struct challenge_ask, token, 1, CHALLENGE_TOKEN_SIZE),
    FIELD_INT(struct challenge_ask, number, 0, CHALLENGE_NUMBERS_MAX - 1),
};
static const struct field_list ask_list = FIELD_LIST(ask_fields);

static const struct field nonce_fields[] = {
    FIELD_INT(struct challenge_nonce, nonce, 0, UINT32_MAX),
};
static const struct field_list nonce_list = FIELD_LIST(nonce_fields);

static const struct field verdict_fields[] = {
    FIELD_CHARS(struct challenge_verdict, verdict),
    FIELD_INT_ADDED(struct challenge_verdict, cells, 0, CHALLENGE_OPENINGS_MAX),
    { FIELD_ROW(struct challenge_verdict, draw, FIELD_KIND_BYTES), .is_optional = true },
};
static const struct field_list verdict_list = FIELD_LIST(verdict_fields);

void challenge_list_encode(struct buf *out, const struct challenge_list *list)
{
    struct encoder json = encoder_of(out);

    assert(list->count >= 0 && list->count <= CHALLENGES_MAX);
    encode_object(&json);
    encode_key(&json, "challenges");
    encode_array(&json);
    for (int64_t i = 0; i < list->count; i++) {
        encode_object(&json);
        fields_encode(&json, &challenge_fields_list, &list->challenges[i]);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
}

bool challenge_list_decode(const json_t *root, struct challenge_list *ret, struct error *err)
{
    struct challenge_list list = { 0 };
    const json_t *array;

    if (!json_need_array(root, "challenges", CHALLENGES_MAX, &array, err))
        return false;
    list.count = (int64_t)json_array_size(array);
    for (int64_t i = 0; i < list.count; i++) {
        list.challenges[i].kind = AUDIT_COMPUTE; /* where an older server does not say */
        if (!fields_decode(json_array_get(array, (size_t)i), &challenge_fields_list, NULL,
                           &list.challenges[i], err))
            return false;
    }
    *ret = list;
    return true;
}

static void encode_one(struct buf *out, const struct field_list *list, const void *from)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, list, from);
    encode_end(&json);
}

void challenge_commit_encode(struct buf *out, const struct challenge_commit *commit)
{
    encode_one(out, &commit_list, commit);
}

bool challenge_commit_decode(const json_t *root, struct challenge_commit *ret, struct error *err)
{
    struct challenge_commit commit = { 0 };

    if (!fields_decode(root, &commit_list, NULL, &commit, err))
        return false;
    *ret = commit;
    return true;
}

void challenge_draw_encode(struct buf *out, const struct challenge_draw *draw)
{
    encode_one(out, &draw_list, draw);
}

bool challenge_draw_decode(const json_t *root, struct challenge_draw *ret, struct error *err)
{
    struct challenge_draw draw = { .openings = CHALLENGE_OPENINGS };

    if (!fields_decode(root, &draw_list, NULL, &draw, err))
        return false;
    if (draw.part == 0 || draw.part > draw.openings)
        draw.part = draw.openings; /* an older server wants all at once */
    *ret = draw;
    return true;
}

void challenge_ask_encode(struct buf *out, const struct challenge_ask *ask)
{
    encode_one(out, &ask_list, ask);
}

bool challenge_ask_decode(const json_t *root, struct challenge_ask *ret, struct error *err)
{
    struct challenge_ask ask = { 0 };

    if (!fields_decode(root, &ask_list, NULL, &ask, err))
        return false;
    *ret = ask;
    return true;
}

void challenge_nonce_encode(struct buf *out, const struct challenge_nonce *nonce)
{
    encode_one(out, &nonce_list, nonce);
}

bool challenge_nonce_decode(const json_t *root, struct challenge_nonce *ret, struct error *err)
{
    struct challenge_nonce nonce = { 0 };

    if (!fields_decode(root, &nonce_list, NULL, &nonce, err))
        return false;
    *ret = nonce;
    return true;
}

void challenge_verdict_encode(struct buf *out, const struct challenge_verdict *verdict)
{
    encode_one(out, &verdict_list, verdict);
}

bool challenge_verdict_decode(const json_t *root, struct challenge_verdict *ret, struct error *err)
{
    struct challenge_verdict verdict = { 0 };

    if (!fields_decode(root, &verdict_list, NULL, &verdict, err))
        return false;
    *ret = verdict;
    return true;
}

static const struct field receipt_fields[] = { FIELD_BYTES(struct challenge_receipt, receipt) };
static const struct field_list receipt_list = FIELD_LIST(receipt_fields);

void challenge_receipt_encode(struct buf *out, const struct challenge_receipt *receipt)
{
    encode_one(out, &receipt_list, receipt);
}

bool challenge_receipt_decode(const json_t *root, struct challenge_receipt *ret, struct error *err)
{
    struct challenge_receipt receipt = { 0 };

    if (!fields_decode(root, &receipt_list, NULL, &receipt, err))
        return false;
    *ret = receipt;
    return true;
}

/* Many of them: more than fields are made for. */
static void encode_blob(struct encoder *json, const char *key, const void *bytes, size_t length)
{
    char *text = malloc(BASE64_SIZE(length));

    if (text == NULL)
        abort(); /* As base/buf.h says. */
    encode_field_text(json, key, base64_format(bytes, length, text));
    free(text);
}

static bool decode_blob(const json_t *root, const char *key, struct arena *arena,
                        const uint8_t **ret_bytes, size_t *ret_length, struct error *err)
{
    const char *text;

    if (!json_need_text(root, key, PROTO_BODY_MAX, &text, err))
        return false;
    size_t size = strlen(text) / 4 * 3 + 3;
    uint8_t *bytes = arena_alloc(arena, size, 1);
    if (bytes == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' is too long", key);
    if (!base64_parse(text, bytes, size, ret_length))
        return error_set(err, ERROR_INVALID, "'%s' must be base64url", key);
    *ret_bytes = bytes;
    return true;
}

void challenge_slice_encode(struct buf *out, const struct challenge_slice *slice)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &ask_list, &slice->ask);
    encode_blob(&json, "bytes", slice->bytes, slice->length);
    encode_end(&json);
}

bool challenge_slice_decode(const json_t *root, struct arena *arena, struct challenge_slice *ret,
                            struct error *err)
{
    struct challenge_slice slice = { 0 };

    if (!challenge_ask_decode(root, &slice.ask, err) ||
        !decode_blob(root, "bytes", arena, &slice.bytes, &slice.length, err))
        return false;
    *ret = slice;
    return true;
}

void challenge_opening_encode(struct buf *out, const char *token, const void *opening,
                              size_t length)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    encode_field_text(&json, "token", token);
    encode_blob(&json, "opening", opening, length);
    encode_end(&json);
}

bool challenge_opening_decode(const json_t *root, struct arena *arena, const char **ret_token,
                              const uint8_t **ret_opening, size_t *ret_length, struct error *err)
{
    const char *token;

    if (!json_need_text(root, "token", CHALLENGE_TOKEN_SIZE, &token, err) ||
        !decode_blob(root, "opening", arena, ret_opening, ret_length, err))
        return false;
    *ret_token = token;
    return true;
}
