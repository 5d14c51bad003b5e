/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum { ABOUT_SIZE = 64 };

/* Nothing that is kept like this, all of it JSON, begins so. */
static const char sealed_prefix[] = "sealed:";

struct vault vault_of(const uint8_t master_key[static SEAL_KEY_SIZE])
{
    static const char domain[] = "berth-master-key-id", codes[] = "berth-mail-codes";
    uint8_t text[sizeof domain + SEAL_KEY_SIZE];
    struct vault vault = { 0 };

    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, master_key, SEAL_KEY_SIZE);
    struct hash hash = crypto_sha256(text, sizeof text);
    for (int i = 0; i < 7; i++)
        vault.master_id = vault.master_id << 8 | hash.bytes[i];
    memcpy(vault.master_key, master_key, SEAL_KEY_SIZE);
    vault.code_key = crypto_hmac(master_key, SEAL_KEY_SIZE, codes, sizeof codes - 1);
    crypto_wipe(text, sizeof text);
    return vault;
}

void vault_key_wipe(struct vault_key *key)
{
    crypto_wipe(key, sizeof *key);
}

static void name_key(int64_t user_id, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "data-key %" PRId64, user_id);
}

bool vault_key_load(struct db *db, const struct vault *vault, int64_t user_id,
                    struct vault_key *ret, bool *ret_has, struct error *err)
{
    char about[ABOUT_SIZE];
    struct data_key_row row;
    bool has;

    if (!data_key_load(db, user_id, &row, &has, err))
        return false;
    name_key(user_id, about);
    if (has &&
        (row.master_id != vault->master_id ||
         !crypto_unseal(vault->master_key, about, row.sealed, sizeof row.sealed, ret->bytes)))
        return error_set(err, ERROR_CORRUPT,
                         "the key of user %" PRId64 " is sealed under another master key", user_id);
    *ret_has = has;
    return true;
}

bool vault_key_need(struct db *db, const struct vault *vault, int64_t user_id, struct instant now,
                    struct vault_key *ret, struct error *err)
{
    struct data_key_row row = { .user_id = user_id, .master_id = vault->master_id };
    char about[ABOUT_SIZE];
    bool has;

    if (!vault_key_load(db, vault, user_id, ret, &has, err))
        return false;
    if (has)
        return true;
    crypto_random(ret->bytes, sizeof ret->bytes);
    name_key(user_id, about);
    crypto_seal(vault->master_key, about, ret->bytes, sizeof ret->bytes, row.sealed);
    return data_key_insert(db, &row, now, err);
}

bool vault_seal(const struct vault_key *key, const char *about, const char *text,
                struct arena *arena, struct secret_row *ret, struct error *err)
{
    size_t length = strlen(text);
    uint8_t *sealed = arena_alloc(arena, length + SEAL_EXTRA, 1);

    if (sealed == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a secret");
    crypto_seal(key->bytes, about, text, length, sealed);
    *ret = (struct secret_row){ .sealed = sealed, .length = length + SEAL_EXTRA };
    return true;
}

bool vault_unseal(const struct vault_key *key, const char *about, const struct secret_row *sealed,
                  struct arena *arena, const char **ret, struct error *err)
{
    char *text = arena_alloc(arena, sealed->length + 1, 1);

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a secret");
    if (sealed->length < SEAL_EXTRA ||
        !crypto_unseal(key->bytes, about, sealed->sealed, sealed->length, text))
        return error_set(err, ERROR_CORRUPT, "'%.64s' does not open with its key", about);
    text[sealed->length - SEAL_EXTRA] = '\0';
    *ret = text;
    return true;
}

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "no room for what is sealed");
}

bool vault_text_seal(struct db *db, const struct vault *vault, const struct vault_text *of,
                     const char *text, struct instant now, struct arena *arena, const char **ret,
                     struct error *err)
{
    auto_vault_key struct vault_key key;
    struct secret_row sealed;

    if (vault == NULL) {
        *ret = arena_text(arena, text);
        return *ret != NULL || no_room(err);
    }
    if (!vault_key_need(db, vault, of->user_id, now, &key, err) ||
        !vault_seal(&key, of->about, text, arena, &sealed, err))
        return false;
    char *stored = arena_alloc(arena, sizeof sealed_prefix + BASE64_SIZE(sealed.length), 1);
    if (stored == NULL)
        return no_room(err);
    memcpy(stored, sealed_prefix, sizeof sealed_prefix - 1);
    (void)base64_format(sealed.sealed, sealed.length, stored + sizeof sealed_prefix - 1);
    *ret = stored;
    return true;
}

bool vault_text_open(struct db *db, const struct vault *vault, const struct vault_text *of,
                     const char *stored, struct arena *arena, const char **ret, struct error *err)
{
    const char *text = stored + sizeof sealed_prefix - 1;
    auto_vault_key struct vault_key key;
    bool has = false;

    if (strncmp(stored, sealed_prefix, sizeof sealed_prefix - 1) != 0) {
        *ret = stored;
        return true;
    }
    size_t size = strlen(text);
    uint8_t *bytes = arena_alloc(arena, size + 1, 1);
    struct secret_row sealed = { .sealed = bytes };
    if (bytes == NULL)
        return no_room(err);
    if (vault == NULL)
        return error_set(err, ERROR_CORRUPT, "there is no master key to open it with");
    if (!base64_parse(text, bytes, size, &sealed.length))
        return error_set(err, ERROR_CORRUPT, "what is sealed is damaged");
    if (!vault_key_load(db, vault, of->user_id, &key, &has, err))
        return false;
    return has ? vault_unseal(&key, of->about, &sealed, arena, ret, err)
               : error_set(err, ERROR_CORRUPT, "its owner has no key");
}
