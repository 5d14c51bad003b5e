/* SPDX-License-Identifier: Apache-2.0 */
#include "server/books_master.h"

#include <string.h>

#include "flow/rewrap.h"
#include "server/data_dir.h"
#include "server/whereabouts.h"

const struct option_row master_options[] = {
    { "data", "DIR", "the server's folder" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { NULL, NULL, NULL },
};

void master_describe(struct buf *out)
{
    buf_printf(
        out, "  next    make the next one, DIR/master.key.next; copy it to every server's folder,\n"
             "          and restart each\n"
             "  turn    it takes the place of master.key, which is master.key.before then: in\n"
             "          every server's folder, with a restart of each\n"
             "  show    how many accounts' keys lie under which\n"
             "  forget  delete master.key.before, under which nothing lies any more\n");
}

/* What lies under the present key, and under the one before. */
static bool read_vault(const struct data_dir *dir, struct vault *ret, bool *ret_has_before,
                       struct error *err)
{
    uint8_t key[SEAL_KEY_SIZE];

    bool is_read = data_dir_master_key(dir, key, err);
    if (is_read)
        *ret = vault_of(key);
    is_read = is_read && data_dir_other_key(dir, DATA_DIR_BEFORE, key, ret_has_before, err);
    if (is_read && *ret_has_before)
        vault_add(ret, key);
    crypto_wipe(key, sizeof key);
    return is_read;
}

struct counts {
    bool has_before;
    int64_t present, before, all;
};

static bool count(const struct options *options, const struct data_dir *dir, struct counts *ret,
                  struct error *err)
{
    const char *location;
    struct log log = log_standard();
    struct flow flow = { .clock = &clock_system, .log = &log };
    struct store *store = NULL;
    struct vault vault;

    *ret = (struct counts){ 0 };
    if (!whereabouts_find(options, &location, err) ||
        !read_vault(dir, &vault, &ret->has_before, err) ||
        !store_open_beside(location, &log, &store, err))
        return false;
    flow.store = store;
    bool is_done = flow_rewrap_count(&flow, vault.master.id, &ret->present, &ret->all, err) &&
                   (!ret->has_before ||
                    flow_rewrap_count(&flow, vault.others[0].id, &ret->before, &ret->all, err));
    store_close(&store);
    crypto_wipe(&vault, sizeof vault);
    return is_done;
}

static bool show(const struct options *options, const struct data_dir *dir, struct buf *out,
                 struct error *err)
{
    struct counts counts;

    if (!count(options, dir, &counts, err))
        return false;
    buf_printf(out, "under master.key: %lld of %lld accounts' keys", (long long)counts.present,
               (long long)counts.all);
    if (counts.has_before)
        buf_printf(out, "\nunder master.key.before: %lld", (long long)counts.before);
    if (counts.all > counts.present + counts.before)
        buf_printf(out, "\nunder others: %lld",
                   (long long)(counts.all - counts.present - counts.before));
    return true;
}

static bool forget(const struct options *options, const struct data_dir *dir, struct buf *out,
                   struct error *err)
{
    struct counts counts;

    if (!count(options, dir, &counts, err))
        return false;
    if (counts.before > 0)
        return error_set(
            err, ERROR_CONFLICT,
            "%lld accounts' keys lie under it: a server seals them anew within minutes",
            (long long)counts.before);
    if (!data_dir_forget_key(dir, err))
        return false;
    buf_printf(out, "forgotten; what older backups hold opens with it alone");
    return true;
}

bool master_run(const struct options *options, struct buf *out, struct error *err)
{
    const char *verb = options->word_count == 1 ? options->words[0] : "";
    const char *data = options_get(options, "data");
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };

    if (data == NULL)
        return error_set(err, ERROR_INVALID, "--data DIR is needed");
    if (!data_dir_find(data, &dir, err))
        return false;
    if (strcmp(verb, "next") == 0) {
        buf_printf(out, "copy %s/master.key.next to every server's folder, and restart each", data);
        return data_dir_next_key(&dir, err);
    }
    if (strcmp(verb, "turn") == 0) {
        buf_printf(out, "turned; do so in every server's folder, and restart each");
        return data_dir_turn_key(&dir, err);
    }
    if (strcmp(verb, "show") == 0)
        return show(options, &dir, out, err);
    if (strcmp(verb, "forget") == 0)
        return forget(options, &dir, out, err);
    return error_set(err, ERROR_INVALID, "next, turn, show or forget?");
}
