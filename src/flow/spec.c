/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"

enum { ABOUT_SIZE = 64 + HEX_SIZE(HASH_SIZE) };

static void name_spec(const struct contract_row *contract, char about[static ABOUT_SIZE])
{
    char hash[HEX_SIZE(HASH_SIZE)];

    (void)snprintf(about, ABOUT_SIZE, "spec %" PRId64 " %s", contract->owner_id,
                   hex_format(contract->request_hash.bytes, HASH_SIZE, hash));
}

bool spec_seal(struct db *db, const struct vault *vault, const struct contract_row *contract,
               const struct buf *json, struct instant now, struct arena *arena, const char **ret,
               struct error *err)
{
    char about[ABOUT_SIZE];

    name_spec(contract, about);
    return vault_text_seal(db, vault, &(struct vault_text){ contract->owner_id, about },
                           json->bytes, now, arena, ret, err);
}

bool spec_open(struct db *db, const struct vault *vault, const struct contract_row *contract,
               struct arena *arena, struct instance_spec *ret, struct error *err)
{
    auto_json json_t *root = NULL;
    char about[ABOUT_SIZE];
    const char *json;

    name_spec(contract, about);
    if (vault_text_open(db, vault, &(struct vault_text){ contract->owner_id, about },
                        contract->spec, arena, &json, err) &&
        json_parse(json, strlen(json), &root, err) && instance_spec_decode(root, arena, ret, err))
        return true;
    if (err->code == ERROR_INVALID)
        err->code = ERROR_CORRUPT;
    return error_context(err, "the spec of contract %" PRId64, contract->id);
}
