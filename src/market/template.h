/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: what a renter starts again and again (api.md 2.13). A template's form is a JSON object
 * with every one of its members, checked; it is what is stored, shown, and hashed.
 *
 *     template_read(body, NULL, &form)       a new one: what is not given has a default
 *     template_read(body, &present, &form)   an edit: what is null or absent is kept
 *     template_fill(request, form)           a rental's body, completed by a template
 *
 * Members that carry secrets (docker_login_user, docker_login_pass) are not part of the form. */

#ifndef BERTH_MARKET_TEMPLATE_H
#define BERTH_MARKET_TEMPLATE_H

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/json.h"

enum {
    TEMPLATE_NAME_MAX = 256,
    TEMPLATE_LINE_MAX = 2048,      /* tag, href, repo, desc, jupyter_dir, docker_login_repo */
    TEMPLATE_TEXT_MAX = 64 * 1024, /* env, onstart, readme, args_str, extra_filters */
    TEMPLATE_DISK_GB_MAX = 1 << 20,
};

/* `present` is NULL for a new one. The caller owns `*ret`. ERROR_INVALID or ERROR_OUT_OF_RANGE name
 * the member. Texts of `env` are parsed, so that a template never fails at its first use. */
NODISCARD bool template_read(const json_t *body, const json_t *present, json_t **ret,
                             struct error *err);

/* The same content, the same text. The caller frees it; NULL where there is no memory. */
char *template_text(const json_t *form);

/* A copy of `request` in which the template stands in for what is null or absent: `env` by its
 * keys, `runtype` from the template's switches, `disk` from the recommended space, `image` with the
 * template's tag, size and place of a new volume that the request asks for. `login` ("-u ... -p ...
 * REGISTRY") may be NULL. The caller owns `*ret`. */
NODISCARD bool template_fill(const json_t *request, const json_t *form, const char *login,
                             json_t **ret, struct error *err);

#endif
