/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/update_user.h"

#include <assert.h>
#include <string.h>

#include "flow/funds.h"

enum { UPDATE_ARENA_MAX = 64 * 1024 };

struct update_work {
    int64_t user_id;
    struct instant now;
    const struct update_user_request *request;
};

static bool has_warning(const struct update_user_request *request)
{
    return request->low_credit != NULL || request->warns_low != NULL;
}

/* When it is to be warned follows from when its credit ends. */
static bool set_warning(struct db *db, const struct user_row *user, const struct update_work *work,
                        struct error *err)
{
    const struct update_user_request *request = work->request;

    return user_set_low_credit(
               db, user->id, request->low_credit != NULL ? *request->low_credit : user->low_credit,
               request->warns_low != NULL ? *request->warns_low : user->warns_low, err) &&
           funds_set_t_zero(db, user->id, work->now, err);
}

static bool has_address(const struct update_user_request *request)
{
    for (int i = 0; i < ADDRESS_PARTS; i++)
        if (request->address[i] != NULL)
            return true;
    return false;
}

static bool set_address(struct db *db, const struct user_profile *old,
                        const struct update_user_request *request, struct error *err)
{
    const char *parts[ADDRESS_PARTS];

    for (int i = 0; i < ADDRESS_PARTS; i++)
        parts[i] = request->address[i] != NULL ? request->address[i] : old->address[i];
    return user_set_address(db, old->user.id, parts, err);
}

static bool update_work(struct db *db, void *context, struct error *err)
{
    const struct update_work *work = context;
    const struct update_user_request *request = work->request;
    auto_arena struct arena arena = arena_of(UPDATE_ARENA_MAX);
    struct user_profile profile;
    bool has;

    if (!user_lock_open(db, work->user_id, err) ||
        !user_load_profile(db, work->user_id, &arena, &profile, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "user %lld is gone", (long long)work->user_id);
    const struct user_row *user = &profile.user;
    return user_set_names(db, work->user_id,
                          request->username != NULL ? request->username : user->username,
                          request->fullname != NULL ? request->fullname : user->fullname, err) &&
           (!has_warning(request) || set_warning(db, user, work, err)) &&
           (!has_address(request) || set_address(db, &profile, request, err)) &&
           db_notify(db, TOPIC_USER, work->user_id, err);
}

static bool is_too_long(const char *name)
{
    return name != NULL && strlen(name) > NAME_LENGTH_MAX;
}

static bool is_phone(const char *text)
{
    return text == NULL || text[strspn(text, "0123456789 +-().")] == '\0';
}

static enum update_user_outcome judge_address(const char *const parts[ADDRESS_PARTS])
{
    for (int i = 0; i < ADDRESS_PARTS; i++) {
        if (parts[i] != NULL && strlen(parts[i]) > ADDRESS_LENGTH_MAX)
            return UPDATE_USER_ADDRESS_TOO_LONG;
        for (const char *c = parts[i]; c != NULL && *c != '\0'; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                return UPDATE_USER_BAD_ADDRESS;
    }
    return is_phone(parts[ADDRESS_PHONE]) ? UPDATE_USER_DONE : UPDATE_USER_BAD_PHONE;
}

bool flow_update_user(const struct flow *flow, const struct caller *caller,
                      const struct update_user_request *request, enum update_user_outcome *ret,
                      struct error *err)
{
    struct update_work work = { .user_id = caller->user_id,
                                .now = clock_now(flow->clock),
                                .request = request };

    assert(request->low_credit == NULL || request->low_credit->nanodollars >= 0);

    if (is_too_long(request->username) || is_too_long(request->fullname)) {
        *ret = UPDATE_USER_NAME_TOO_LONG;
        return true;
    }
    if (request->username != NULL && request->username[0] == '\0') {
        *ret = UPDATE_USER_NAME_EMPTY;
        return true;
    }
    *ret = judge_address(request->address);
    if (*ret != UPDATE_USER_DONE)
        return true;
    if (!store_write(flow->store, update_work, &work, err))
        return error_context(err, "update user %lld", (long long)caller->user_id);
    *ret = UPDATE_USER_DONE;
    return true;
}
