/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/isolate_table.h"
#include "agent/slots.h"
#include "sys/file.h"

enum { COMMANDS_MAX = 256 * 1024 };

void isolate_name(struct isolate *isolate, const char *host)
{
    (void)snprintf(isolate->table, sizeof isolate->table, "berth_%.12s", host);
}

/* The first line of a complaint says what is wrong; the others quote our own commands. */
static bool refuse(struct nft_ctx *nft, struct error *err)
{
    const char *text = nft_ctx_get_error_buffer(nft);
    size_t length;

    if (text == NULL || *text == '\0')
        return error_set(err, ERROR_UNAVAILABLE, "nftables: refused without a reason");
    length = strcspn(text, "\n");
    return error_set(err, ERROR_UNAVAILABLE, "nftables: %.*s", (int)length, text);
}

/* All of the commands or none: they are one transaction of the kernel's. What it says goes to
 * `said`; NULL: nowhere. */
static bool ask(const struct buf *commands, struct buf *said, struct error *err)
{
    struct nft_ctx *nft;
    bool is_done;

    if (commands->has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "too many commands for nftables");
    nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (nft == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "nftables: no context");
    (void)nft_ctx_buffer_output(nft);
    (void)nft_ctx_buffer_error(nft);
    is_done = nft_run_cmd_from_buffer(nft, commands->bytes) == 0 || refuse(nft, err);
    const char *text = is_done && said != NULL ? nft_ctx_get_output_buffer(nft) : NULL;
    if (text != NULL)
        buf_append(said, text, strlen(text));
    nft_ctx_free(nft);
    return is_done;
}

static bool run(const struct buf *commands, struct error *err)
{
    return ask(commands, NULL, err);
}

bool isolate_build(const struct isolate *isolate, struct error *err)
{
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);

    isolate_table(&commands, isolate);
    return run(&commands, err);
}

bool isolate_admit(const struct isolate *isolate, int64_t slot, struct error *err)
{
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);

    isolate_guest(&commands, isolate, slot);
    if (!run(&commands, err))
        return error_context(err, "wall off the network");
    return true;
}

bool isolate_ensure(const struct isolate *isolate, int64_t slot, struct error *err)
{
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);
    char bridge[SLOT_TEXT_SIZE];
    struct error ignored;

    buf_printf(&commands, "get element inet %s guests { \"%s\" }\n", isolate->table,
               slots_bridge(slot, bridge));
    return run(&commands, &ignored) || isolate_admit(isolate, slot, err);
}

bool isolate_dismiss(const struct isolate *isolate, int64_t slot, struct error *err)
{
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);

    isolate_no_guest(&commands, isolate, slot);
    if (!run(&commands, err))
        return error_context(err, "forget the walls of a network");
    return true;
}

bool isolate_guests(const struct isolate *isolate, int64_t *slots, size_t max, size_t *ret_count,
                    struct error *err)
{
    auto_buf struct buf command = buf_of(COMMANDS_MAX);
    auto_buf struct buf text = buf_of(COMMANDS_MAX);
    size_t count = 0;

    buf_printf(&command, "list set inet %s guests\n", isolate->table);
    if (!ask(&command, &text, err))
        return error_context(err, "list who is walled off");
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "too many are walled off");
    for (const char *at = text.bytes; at != NULL && (at = strstr(at, "\"bt")) != NULL;) {
        long long slot = strtoll(at + 3, NULL, 10);

        at += 3;
        if (slot >= 1 && slot <= SLOT_MAX && count < max)
            slots[count++] = slot;
    }
    *ret_count = count;
    return true;
}

bool isolate_stands(const struct isolate *isolate)
{
    static const char *const chains[] = { "before", "input", "forward", "after" };
    struct error ignored;

    /* One by one: the library does not find the second of two that are asked for at once. */
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        auto_buf struct buf command = buf_of(COMMANDS_MAX);

        buf_printf(&command, "list chain inet %s %s\n", isolate->table, chains[i]);
        if (!run(&command, &ignored))
            return false;
    }
    return true;
}

bool isolate_remove(const char *table, struct error *err)
{
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);

    buf_printf(&commands, "table inet %s\ndelete table inet %s\n", table, table);
    if (!run(&commands, err))
        return error_context(err, "remove the table %s", table);
    return true;
}

bool isolate_forget(const char *data, struct error *err)
{
    auto_buf struct buf table = buf_of(ISOLATE_TABLE_SIZE);
    char path[PATH_MAX];
    struct error missing;

    (void)snprintf(path, sizeof path, "%s/" ISOLATE_NOTE, data);
    if (!file_read(AT_FDCWD, path, &table, &missing))
        return missing.code == ERROR_NOT_FOUND ? true : (*err = missing, false);
    if (table.length > 0 && !isolate_remove(table.bytes, err))
        return false;
    if (unlink(path) != 0 && errno != ENOENT)
        return error_system(err, errno, "remove %s", path);
    return true;
}

bool isolate_try(struct error *err)
{
    struct isolate trial = { .table = "berth_doctor", .up_mbit = 1, .down_mbit = 1 };
    auto_buf struct buf commands = buf_of(COMMANDS_MAX);

    /* Made and removed in one transaction: nobody ever sees it. */
    isolate_table(&commands, &trial);
    isolate_guest(&commands, &trial, 1);
    isolate_no_guest(&commands, &trial, 1);
    buf_printf(&commands, "delete table inet %s\n", trial.table);
    return run(&commands, err);
}
