/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/vault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum { ABOUT_SIZE = 64 };

/* Nothing that is kept like this, all of it JSON, begins so. */
static const char sealed_prefix[] = "sealed:";

static struct vault_master master_of(const uint8_t key[static SEAL_KEY_SIZE])
{
    static const char domain[] = "berth-master-key-id", codes[] = "berth-mail-codes";
    uint8_t text[sizeof domain + SEAL_KEY_SIZE];
    struct vault_master master = { 0 };

    memcpy(text, domain, sizeof domain);
    memcpy(text + sizeof domain, key, SEAL_KEY_SIZE);
    struct hash hash = crypto_sha256(text, sizeof text);
    for (int i = 0; i < 7; i++)
        master.id = master.id << 8 | hash.bytes[i];
    memcpy(master.key, key, SEAL_KEY_SIZE);
    master.code_key = crypto_hmac(key, SEAL_KEY_SIZE, codes, sizeof codes - 1);
    crypto_wipe(text, sizeof text);
    return master;
}

struct vault vault_of(const uint8_t master_key[static SEAL_KEY_SIZE])
{
    return (struct vault){ .master = master_of(master_key) };
}

void vault_add(struct vault *vault, const uint8_t master_key[static SEAL_KEY_SIZE])
{
    assert(vault->other_count < VAULT_OTHERS_MAX);
    vault->others[vault->other_count++] = master_of(master_key);
}

const struct vault_master *vault_master_of(const struct vault *vault, int64_t id)
{
    if (vault->master.id == id)
        return &vault->master;
    for (size_t i = 0; i < vault->other_count; i++) {
        if (vault->others[i].id == id)
            return &vault->others[i];
    }
    return NULL;
}

void vault_key_wipe(struct vault_key *key)
{
    crypto_wipe(key, sizeof *key);
}

static void name_key(int64_t user_id, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "data-key %" PRId64, user_id);
}

static bool open_key(const struct vault *vault, const struct data_key_row *row,
                     struct vault_key *ret, struct error *err)
{
    const struct vault_master *master = vault_master_of(vault, row->master_id);
    char about[ABOUT_SIZE];

    name_key(row->user_id, about);
    return (master != NULL &&
            crypto_unseal(master->key, about, row->sealed, sizeof row->sealed, ret->bytes)) ||
           error_set(err, ERROR_CORRUPT,
                     "the key of user %" PRId64 " is sealed under another master key",
                     row->user_id);
}

static void seal_key(const struct vault *vault, const struct vault_key *key,
                     struct data_key_row *row)
{
    char about[ABOUT_SIZE];

    name_key(row->user_id, about);
    crypto_seal(vault->master.key, about, key->bytes, sizeof key->bytes, row->sealed);
    row->master_id = vault->master.id;
}

bool vault_key_load(struct db *db, const struct vault *vault, int64_t user_id,
                    struct vault_key *ret, bool *ret_has, struct error *err)
{
    struct data_key_row row;
    bool has;

    if (!data_key_load(db, user_id, &row, &has, err) || (has && !open_key(vault, &row, ret, err)))
        return false;
    *ret_has = has;
    return true;
}

bool vault_key_rewrap(const struct vault *vault, struct data_key_row *row, struct error *err)
{
    auto_vault_key struct vault_key key;

    if (!open_key(vault, row, &key, err))
        return false;
    seal_key(vault, &key, row);
    return true;
}

bool vault_key_need(struct db *db, const struct vault *vault, int64_t user_id, struct instant now,
                    struct vault_key *ret, struct error *err)
{
    struct data_key_row row = { .user_id = user_id };
    bool has;

    if (!vault_key_load(db, vault, user_id, ret, &has, err))
        return false;
    if (has)
        return true;
    crypto_random(ret->bytes, sizeof ret->bytes);
    seal_key(vault, ret, &row);
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
