/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"

/* No JSON begins like this. */
static const char sealed_prefix[] = "sealed:";

enum { ABOUT_SIZE = 64 + HEX_SIZE(HASH_SIZE) };

static void name_spec(const struct contract_row *contract, char about[static ABOUT_SIZE])
{
    char hash[HEX_SIZE(HASH_SIZE)];

    (void)snprintf(about, ABOUT_SIZE, "spec %" PRId64 " %s", contract->owner_id,
                   hex_format(contract->request_hash.bytes, HASH_SIZE, hash));
}

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "no room for a spec");
}

bool spec_seal(struct db *db, const struct vault *vault, const struct contract_row *contract,
               const struct buf *json, struct instant now, struct arena *arena, const char **ret,
               struct error *err)
{
    auto_vault_key struct vault_key key;
    struct secret_row sealed;
    char about[ABOUT_SIZE];

    if (vault == NULL) {
        *ret = arena_copy(arena, json->bytes, json->length);
        return *ret != NULL || no_room(err);
    }
    name_spec(contract, about);
    if (!vault_key_need(db, vault, contract->owner_id, now, &key, err) ||
        !vault_seal(&key, about, json->bytes, arena, &sealed, err))
        return false;
    char *text = arena_alloc(arena, sizeof sealed_prefix + BASE64_SIZE(sealed.length), 1);
    if (text == NULL)
        return no_room(err);
    memcpy(text, sealed_prefix, sizeof sealed_prefix - 1);
    (void)base64_format(sealed.sealed, sealed.length, text + sizeof sealed_prefix - 1);
    *ret = text;
    return true;
}

/* The JSON under the prefix. */
static bool unseal(struct db *db, const struct vault *vault, const struct contract_row *contract,
                   struct arena *arena, const char **ret, struct error *err)
{
    const char *text = contract->spec + sizeof sealed_prefix - 1;
    size_t size = strlen(text);
    uint8_t *bytes = arena_alloc(arena, size, 1);
    auto_vault_key struct vault_key key;
    struct secret_row sealed = { .sealed = bytes };
    char about[ABOUT_SIZE];
    bool has = false;

    if (bytes == NULL)
        return no_room(err);
    if (vault == NULL)
        return error_set(err, ERROR_CORRUPT, "there is no master key to open it with");
    if (!base64_parse(text, bytes, size, &sealed.length))
        return error_set(err, ERROR_CORRUPT, "what is sealed is damaged");
    if (!vault_key_load(db, vault, contract->owner_id, &key, &has, err))
        return false;
    name_spec(contract, about);
    return has ? vault_unseal(&key, about, &sealed, arena, ret, err)
               : error_set(err, ERROR_CORRUPT, "its owner has no key");
}

bool spec_open(struct db *db, const struct vault *vault, const struct contract_row *contract,
               struct arena *arena, struct instance_spec *ret, struct error *err)
{
    auto_json json_t *root = NULL;
    const char *json = contract->spec;
    bool is_sealed = strncmp(json, sealed_prefix, sizeof sealed_prefix - 1) == 0;

    if ((!is_sealed || unseal(db, vault, contract, arena, &json, err)) &&
        json_parse(json, strlen(json), &root, err) && instance_spec_decode(root, arena, ret, err))
        return true;
    if (err->code == ERROR_INVALID)
        err->code = ERROR_CORRUPT;
    return error_context(err, "the spec of contract %" PRId64, contract->id);
}
