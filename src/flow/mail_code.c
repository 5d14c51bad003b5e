/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mail_code.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/vault.h"

enum { SIGNATURE_BYTES = 16, SIGNED_SIZE = 512, NUMBER_LENGTH_MAX = 18 };

bool mail_code_send(struct db *db, const struct mail_code_request *request, struct instant now,
                    struct error *err)
{
    struct mail_code_row row = { .kind = (int64_t)request->kind,
                                 .user_id = request->user_id,
                                 .email = request->email,
                                 .payload = request->payload != NULL ? request->payload : "",
                                 .expires = instant_add(now, request->lifetime_s * US_PER_SECOND) };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);

    if (!mail_code_insert(db, &row, &row.id, err))
        return error_context(err, "make a code");
    const char *more = request->members != NULL ? request->members : "";
    const char *members = arena_printf(&arena, "\"code_id\":%" PRId64 "%s%s", row.id,
                                       more[0] != '\0' ? "," : "", more);
    const char *key = arena_printf(&arena, "code:%" PRId64, row.id);
    if (members == NULL || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a mail");
    const struct notice notice = { request->email, request->template, key, members };
    return notice_mail(db, &notice, now, err);
}

static void write_code(const struct vault_master *master, const struct mail_code_row *row,
                       char text[static MAIL_CODE_SIZE])
{
    char about[SIGNED_SIZE], signature[HEX_SIZE(SIGNATURE_BYTES)];
    int length = snprintf(about, sizeof about, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %s",
                          row->id, row->kind, row->user_id, row->expires.microseconds, row->email);

    assert(length > 0 && (size_t)length < sizeof about);
    struct hash hash =
        crypto_hmac(master->code_key.bytes, sizeof master->code_key.bytes, about, (size_t)length);
    (void)hex_format(hash.bytes, SIGNATURE_BYTES, signature);
    length = snprintf(text, MAIL_CODE_SIZE, "%" PRId64 "-%s", row->id, signature);
    assert(length > 0 && length < MAIL_CODE_SIZE);
}

/* 0: it does not begin with a number. */
static int64_t number_of(const char *text)
{
    char number[NUMBER_LENGTH_MAX + 1] = "";
    size_t length = strcspn(text, "-");
    uint64_t value = 0;

    if (length == 0 || length > NUMBER_LENGTH_MAX)
        return 0;
    memcpy(number, text, length);
    return parse_u64(number, &value) ? (int64_t)value : 0;
}

void mail_code_number(const char *text, char number[static MAIL_CODE_SIZE])
{
    int64_t value = number_of(text);

    number[0] = '\0';
    if (value > 0)
        (void)snprintf(number, MAIL_CODE_SIZE, "%" PRId64, value);
}

static bool is_code_of(const struct vault_master *master, const struct mail_code_row *row,
                       const char *text)
{
    char good[MAIL_CODE_SIZE];

    write_code(master, row, good);
    return strlen(text) == strlen(good) && crypto_equal(text, good, strlen(good));
}

bool mail_code_find(struct db *db, const struct flow *flow, const char *text, struct instant now,
                    struct arena *arena, struct mail_code_row *ret, bool *ret_has,
                    struct error *err)
{
    const struct vault *vault = flow->vault;
    struct mail_code_row row;
    bool has = false;

    *ret_has = false;
    if (!mail_code_load(db, number_of(text), now, arena, &row, &has, err))
        return error_context(err, "look up a code");
    if (!has)
        return true;
    *ret_has = is_code_of(&vault->master, &row, text);
    for (size_t i = 0; i < vault->other_count; i++)
        *ret_has |= is_code_of(&vault->others[i], &row, text);
    if (*ret_has)
        *ret = row;
    return true;
}

struct code_work {
    const struct flow *flow;
    int64_t id;
    struct instant now;
    char text[MAIL_CODE_SIZE];
    bool has;
};

static bool code_work(struct db *db, void *context, struct error *err)
{
    struct code_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct mail_code_row row;

    if (!mail_code_load(db, work->id, work->now, &arena, &row, &work->has, err))
        return false;
    if (work->has)
        write_code(&work->flow->vault->master, &row, work->text);
    return true;
}

bool flow_mail_code(const struct flow *flow, int64_t id, char ret[static MAIL_CODE_SIZE],
                    bool *ret_has, struct error *err)
{
    struct code_work work = { .flow = flow, .id = id, .now = clock_now(flow->clock) };

    if (!store_read(flow->store, code_work, &work, err))
        return error_context(err, "make the code of a mail");
    memcpy(ret, work.text, sizeof work.text);
    *ret_has = work.has;
    return true;
}
