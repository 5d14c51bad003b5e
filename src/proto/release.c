/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/release.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"

enum { HASH_BYTES = 32, SIGNATURE_BYTES = 64 };

const char *const release_names[RELEASE_FILES] = { "berth-host", "berth-guest" };

/* One number, and where it ends. */
static bool parse_number(const char **at, int64_t *ret)
{
    size_t digits = strspn(*at, "0123456789");
    int64_t number = 0;

    if (digits == 0 || digits > 5 || (digits > 1 && **at == '0'))
        return false;
    for (size_t i = 0; i < digits; i++)
        number = 10 * number + ((*at)[i] - '0');
    *at += digits;
    *ret = number;
    return true;
}

bool release_version_parse(const char *text, struct release_version *ret)
{
    struct release_version version;

    for (int i = 0; i < RELEASE_NUMBERS; i++) {
        if (!parse_number(&text, &version.numbers[i]))
            return false;
        if (*text++ != (i + 1 < RELEASE_NUMBERS ? '.' : '\0'))
            return false;
    }
    *ret = version;
    return true;
}

int release_version_compare(const struct release_version *a, const struct release_version *b)
{
    for (int i = 0; i < RELEASE_NUMBERS; i++) {
        if (a->numbers[i] != b->numbers[i])
            return a->numbers[i] < b->numbers[i] ? -1 : 1;
    }
    return 0;
}

bool release_target_is_valid(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    size_t length = strlen(text);

    /* It goes into a path, so it cannot begin with a dot. */
    return length > 0 && length < RELEASE_TARGET_SIZE && strchr(first, *text) != NULL &&
           strspn(text, more) == length;
}

void release_encode(struct buf *out, const struct release *release)
{
    struct encoder json = encoder_of(out);
    char hex[HEX_SIZE(HASH_BYTES)];

    encode_object(&json);
    encode_field_text(&json, "version", release->version);
    encode_field_text(&json, "target", release->target);
    encode_key(&json, "files");
    encode_array(&json);
    for (int i = 0; i < RELEASE_FILES; i++) {
        encode_object(&json);
        encode_field_text(&json, "name", release_names[i]);
        encode_field_int(&json, "size", release->files[i].size);
        encode_field_text(&json, "sha256", hex_format(release->files[i].sha256, HASH_BYTES, hex));
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
}

static bool decode_file(const json_t *object, const char *name, struct release_file *ret,
                        struct error *err)
{
    const struct json_bounds size = { 1, RELEASE_FILE_MAX };
    const char *named, *hash;

    if (!json_need_text(object, "name", RELEASE_TARGET_SIZE, &named, err) ||
        !json_need_int(object, "size", size, &ret->size, err) ||
        !json_need_text(object, "sha256", 2 * (size_t)HASH_BYTES, &hash, err))
        return false;
    if (strcmp(named, name) != 0)
        return error_set(err, ERROR_INVALID, "%s is expected, not '%.32s'", name, named);
    return hex_parse(hash, ret->sha256, HASH_BYTES) ||
           error_set(err, ERROR_INVALID, "sha256 is no hash");
}

bool release_decode(const char *text, size_t length, struct release *ret, struct error *err)
{
    auto_json json_t *root = NULL;
    struct release release = { 0 };
    const char *version, *target;
    const json_t *files;

    if (length > RELEASE_MANIFEST_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "the manifest is too long");
    if (!json_parse(text, length, &root, err) ||
        !json_need_text(root, "version", RELEASE_VERSION_SIZE - 1, &version, err) ||
        !json_need_text(root, "target", RELEASE_TARGET_SIZE - 1, &target, err) ||
        !json_need_array(root, "files", RELEASE_FILES, &files, err))
        return error_context(err, "the manifest");
    if (!release_version_parse(version, &release.number))
        return error_set(err, ERROR_INVALID, "the manifest: '%.24s' is no version", version);
    if (!release_target_is_valid(target))
        return error_set(err, ERROR_INVALID, "the manifest: '%.24s' is no target", target);
    if (json_array_size(files) != RELEASE_FILES)
        return error_set(err, ERROR_INVALID, "the manifest: files are missing");
    for (size_t i = 0; i < RELEASE_FILES; i++) {
        if (!decode_file(json_array_get(files, i), release_names[i], &release.files[i], err))
            return error_context(err, "the manifest: files");
    }
    (void)snprintf(release.version, sizeof release.version, "%s", version);
    (void)snprintf(release.target, sizeof release.target, "%s", target);
    *ret = release;
    return true;
}

void release_signed(struct buf *out, const char *manifest, size_t length)
{
    buf_printf(out, "berth-release-v1\n%zu\n", length);
    buf_append(out, manifest, length);
}

void release_offer_encode(struct buf *out, const struct release_offer *offer)
{
    struct encoder json = encoder_of(out);
    char signature[BASE64_SIZE(SIGNATURE_BYTES)];

    encode_object(&json);
    encode_field_text(&json, "manifest", offer->manifest);
    encode_field_text(&json, "signature",
                      base64_format(offer->signature, SIGNATURE_BYTES, signature));
    encode_end(&json);
}

bool release_offer_decode(const json_t *root, struct release_offer *ret, struct error *err)
{
    struct release_offer offer;
    const char *signature;
    size_t count;

    if (!json_need_text(root, "manifest", RELEASE_MANIFEST_MAX, &offer.manifest, err) ||
        !json_need_text(root, "signature", BASE64_SIZE(SIGNATURE_BYTES), &signature, err))
        return false;
    if (!base64_parse(signature, offer.signature, SIGNATURE_BYTES, &count) ||
        count != SIGNATURE_BYTES)
        return error_set(err, ERROR_INVALID, "signature is none");
    *ret = offer;
    return true;
}
