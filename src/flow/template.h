/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of accounts (api.md 2.13): made, changed, taken away, and found for a rental.
 *
 * `hash_id` follows from owner and content: content made again is the template that there is; an
 * edit gives another hash and keeps the id. Others' private templates are not there. A registry
 * login is sealed when it arrives, and opened for its owner's own rentals alone, never for others
 * who use the template. */

#ifndef BERTH_FLOW_TEMPLATE_H
#define BERTH_FLOW_TEMPLATE_H

#include "base/json.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/template.h"

enum { TEMPLATES_PER_USER_MAX = 256, TEMPLATES_SHOWN_MAX = 2000 };

enum template_outcome {
    TEMPLATE_DONE,
    TEMPLATE_NONE,     /* no such template, or none of the caller's */
    TEMPLATE_BAD,      /* `why` says what is wrong with it */
    TEMPLATE_TOO_MANY, /* TEMPLATES_PER_USER_MAX */
    TEMPLATE_TAKEN,    /* another of the caller's has that content already */
};

/* By hash where `hash_id` is given, else by id. */
struct template_key {
    const char *hash_id; /* NULL: by id */
    int64_t id;
};

struct template_reply {
    enum template_outcome outcome;
    struct template_row row; /* texts live in the arena given */
    char why[ERROR_TEXT_SIZE];
};

/* `body` as clients send it; `recommended` in it counts from operators alone. */
NODISCARD bool flow_template_create(const struct flow *flow, const struct caller *caller,
                                    const json_t *body, struct arena *arena,
                                    struct template_reply *ret, struct error *err);
NODISCARD bool flow_template_update(const struct flow *flow, const struct caller *caller,
                                    struct template_key key, const json_t *body,
                                    struct arena *arena, struct template_reply *ret,
                                    struct error *err);
NODISCARD bool flow_template_delete(const struct flow *flow, const struct caller *caller,
                                    struct template_key key, enum template_outcome *ret,
                                    struct error *err);

/* The caller's own and the public ones, oldest first. */
NODISCARD bool flow_template_list(const struct flow *flow, const struct caller *caller,
                                  struct arena *arena, struct template_row **ret, size_t *ret_count,
                                  struct error *err);

/* For a rental: one that the caller may use, its form, and the login of the caller's own, NULL
 * where there is none. The caller owns `*ret_form`. */
NODISCARD bool flow_template_find(const struct flow *flow, const struct caller *caller,
                                  struct template_key key, struct arena *arena,
                                  struct template_reply *ret, json_t **ret_form,
                                  const char **ret_login, struct error *err);

#endif
