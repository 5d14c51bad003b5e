/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/keys_fit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "flow/vault.h"
#include "store/payment.h"

#define SERVER_KEY_SETTING "server_key"
#define MASTER_KEY_SETTING "master_key"

enum { ID_TEXT_SIZE = 24 };

struct fit_work {
    const struct flow *flow;
    bool is_accepted;
    enum keys_fit fit;
};

static char *id_text(int64_t id, char text[static ID_TEXT_SIZE])
{
    (void)snprintf(text, ID_TEXT_SIZE, "%" PRId64, id);
    return text;
}

/* Whether the master key that was noted last is one of the vault's: servers that are between two
 * steps of a turn have both (flow/rewrap.h). `*ret_has` false: none was noted. */
static bool knows_noted(struct db *db, const struct vault *vault, bool *ret, bool *ret_has,
                        struct error *err)
{
    char text[ID_TEXT_SIZE];
    bool is = false, has = false;

    if (!setting_is(db, MASTER_KEY_SETTING, id_text(vault->master.id, text), &is, &has, err))
        return false;
    for (size_t i = 0; has && !is && i < vault->other_count; i++)
        if (!setting_is(db, MASTER_KEY_SETTING, id_text(vault->others[i].id, text), &is, &has, err))
            return false;
    *ret = is;
    *ret_has = has;
    return true;
}

/* Of books from before that was noted: whether every account's key lies under one of the vault's.
 */
static bool opens_all(struct db *db, const struct vault *vault, bool *ret, struct error *err)
{
    int64_t open, count, all;

    if (!data_key_count(db, vault->master.id, &open, &all, err))
        return false;
    for (size_t i = 0; i < vault->other_count; i++) {
        if (!data_key_count(db, vault->others[i].id, &count, &all, err))
            return false;
        open += count;
    }
    *ret = open == all;
    return true;
}

static bool judge(struct db *db, const struct flow *flow, const char *server_key,
                  enum keys_fit *ret, struct error *err)
{
    bool is_same = false, has = false, opens = false, is_noted = false;

    if (!setting_is(db, SERVER_KEY_SETTING, server_key, &is_same, &has, err) ||
        !knows_noted(db, flow->vault, &opens, &is_noted, err) ||
        (!is_noted && !opens_all(db, flow->vault, &opens, err)))
        return false;
    *ret = has && !is_same ? KEYS_FIT_OTHER_SERVER : !opens ? KEYS_FIT_OTHER_MASTER : KEYS_FIT;
    return true;
}

static bool fit_work(struct db *db, void *context, struct error *err)
{
    struct fit_work *work = context;
    const struct flow *flow = work->flow;
    char server_key[HEX_SIZE(PUBLIC_KEY_SIZE)], master[ID_TEXT_SIZE];

    hex_format(flow->server_keys->public_key, PUBLIC_KEY_SIZE, server_key);
    if (!judge(db, flow, server_key, &work->fit, err))
        return false;
    if (work->fit != KEYS_FIT && !work->is_accepted)
        return true;
    work->fit = KEYS_FIT;
    return setting_set(db, SERVER_KEY_SETTING, server_key, err) &&
           setting_set(db, MASTER_KEY_SETTING, id_text(flow->vault->master.id, master), err);
}

bool flow_keys_fit(const struct flow *flow, bool is_accepted, enum keys_fit *ret, struct error *err)
{
    struct fit_work work = { .flow = flow, .is_accepted = is_accepted };

    if (!store_write(flow->store, fit_work, &work, err))
        return error_context(err, "look whether the keys are this market's");
    *ret = work.fit;
    return true;
}
