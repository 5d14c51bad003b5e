/* SPDX-License-Identifier: Apache-2.0 */
/* A search for offers: typed conditions, an order, a limit (api.md 2.3.2).
 *
 * market/query_parse.h makes one from JSON. The table of fields also says what each is worth for an
 * offer, so that whoever writes offers out and whoever searches them agree. */

#ifndef BERTH_MARKET_QUERY_H
#define BERTH_MARKET_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "market/offer.h"

enum {
    QUERY_CONDITIONS_MAX = 64,
    QUERY_LIST_MAX = 1024, /* operands of one `in`, and extra_ids */
    QUERY_ORDER_MAX = 8,
    QUERY_LIMIT_DEFAULT = 64,
    QUERY_LIMIT_MAX = 5000,
};

#define QUERY_STORAGE_DEFAULT INT64_C(8000)       /* thousandths of a GB */
#define QUERY_STORAGE_MAX     INT64_C(1000000000) /* a petabyte */

enum query_field {
#define QUERY_FIELD(name, wire, type, value) QUERY_##name,
#include "market/query_fields.def"
#undef QUERY_FIELD
    QUERY_FIELD_COUNT,
};

enum query_type { QUERY_NUMBER, QUERY_FLAG, QUERY_TEXT, QUERY_MODEL, QUERY_COUNTRY, QUERY_VERSION };

enum query_relation {
    QUERY_EQ,
    QUERY_NEQ,
    QUERY_GT,
    QUERY_GTE,
    QUERY_LT,
    QUERY_LTE,
    QUERY_IN,
    QUERY_NOTIN,
};

/* An operand, or the value of a field. */
struct query_value {
    enum { QUERY_VALUE_NULL, QUERY_VALUE_NUMBER, QUERY_VALUE_TEXT } kind;
    double number; /* flags are 0 and 1, versions their number */
    const char *text;
};

struct query_condition {
    enum query_field field;
    enum query_relation relation;
    size_t count; /* 1, but for in and notin */
    const struct query_value *values;
};

struct query_order {
    enum query_field field;
    bool is_descending;
};

/* Lists and texts are borrowed. */
struct query {
    struct offer_ask ask; /* what offers are priced for; they have at least that much disk */
    bool has_rented;      /* also those that are rented, which nobody can rent now */
    size_t condition_count;
    struct query_condition conditions[QUERY_CONDITIONS_MAX];
    size_t order_count;
    struct query_order order[QUERY_ORDER_MAX]; /* then price, then id */
    size_t limit;
    size_t extra_count;
    const int64_t *extra_ids; /* offers to find whatever the conditions say */
};

/* No conditions, by score, QUERY_LIMIT_DEFAULT. */
struct query query_default(void);

const char *query_field_name(enum query_field field);
enum query_type query_field_type(enum query_field field);

/* Who asks, and when. */
struct query_caller {
    struct instant now;
    int64_t user_id; /* 0: nobody */
};

/* An offer and its price, as a search sees them. */
struct query_subject {
    const struct offer *offer;
    const struct quote *quote;
};

/* The value of a field. Texts are borrowed from the offer. */
struct query_value query_field_value(enum query_field field, const struct query_subject *subject,
                                     const struct query_caller *caller);

/* Whether it holds for what a field is worth. */
bool query_condition_holds(const struct query_condition *condition,
                           const struct query_value *value);

/* Whether it is one of those to find whatever the conditions say. */
bool query_has_extra(const struct query *query, int64_t offer_id);

/* Whether all conditions hold, the disk is large enough and it is open or rented ones are asked
 * for; or it is an extra one. */
bool query_matches(const struct query *query, const struct query_subject *subject,
                   const struct query_caller *caller);

/* Which comes first: below zero, `a`; above, `b`; never zero for different offers. */
int query_compare(const struct query *query, const struct query_subject *a,
                  const struct query_subject *b, const struct query_caller *caller);

#endif
