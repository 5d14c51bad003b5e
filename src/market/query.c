/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "market/gpu.h"
#include "market/meter.h"

static const struct query_value unknown = { .kind = QUERY_VALUE_NULL };

/* What is no number is not known: everything else has its place in an order. */
static struct query_value real(double value)
{
    if (isnan(value))
        return unknown;
    return (struct query_value){ .kind = QUERY_VALUE_NUMBER, .number = value };
}

static struct query_value number(int64_t value)
{
    return real((double)value);
}

static struct query_value flag(bool value)
{
    return real(value ? 1 : 0);
}

/* What has no text is not known. */
static struct query_value text(const char *value)
{
    if (*value == '\0')
        return unknown;
    return (struct query_value){ .kind = QUERY_VALUE_TEXT, .text = value };
}

/* One division of two whole numbers gives the double that the decimal text gives, so that
 * 350,000,000 nanodollars equal a condition's 0.35. */
static struct query_value per(int64_t value, int64_t divisor)
{
    return real((double)value / (double)divisor);
}

static struct query_value known(int64_t value, int64_t divisor)
{
    return value != 0 ? per(value, divisor) : unknown;
}

/* None is 0, which is known. */
static struct query_value nvlink(const struct machine *machine)
{
    return machine->nvlink_mbs >= 0 ? per(machine->nvlink_mbs, 1000) : unknown;
}

static struct query_value measured(double value)
{
    return value > 0 ? real(value) : unknown;
}

static struct query_value dollars(struct money amount)
{
    return per(amount.nanodollars, NANODOLLARS_PER_DOLLAR);
}

/* Of a machine without GPUs: the machine's. */
static struct query_value per_gpu(struct money hour, int64_t num_gpus)
{
    return per(hour.nanodollars, NANODOLLARS_PER_DOLLAR * (num_gpus > 0 ? num_gpus : 1));
}

/* A price for 2^40 bytes as one for `count` times 2^30. */
static struct query_value per_gb(struct money tb, int64_t count)
{
    return per(tb.nanodollars * count, NANODOLLARS_PER_DOLLAR * OFFER_GB_PER_TB);
}

static struct query_value seconds(int64_t us)
{
    return per(us, US_PER_SECOND);
}

static int64_t left_us(struct instant end, struct instant now)
{
    int64_t us = instant_until(now, end);

    return us > 0 ? us : 0;
}

static struct query_value rented_until(const struct offer *offer)
{
    return offer->renter_id != 0 ? seconds(offer->terms.end.microseconds) : unknown;
}

/* Of all the space for volumes that is left. */
static struct query_value volumes_hour(const struct machine *machine)
{
    int64_t left_gb = machine->volume_left_gb;

    return left_gb > 0 ? dollars(offer_storage_hour(machine->volume_month, left_gb * INT64_C(1000)))
                       : unknown;
}

static struct query_value vram_cost(int64_t ram_mb, struct money total)
{
    return ram_mb > 0 ? real(dollars(total).number / (double)ram_mb) : unknown;
}

static double fraction(const struct offer *offer)
{
    int64_t count = offer->machine->gpu_count;

    return count > 0 ? (double)offer->terms.num_gpus / (double)count : 1;
}

static bool is_verified(const struct machine *machine)
{
    return machine->verification == VERIFICATION_VERIFIED;
}

/* The letters behind the last comma, as they are written. */
static const char *country(const char *geolocation)
{
    const char *comma = strrchr(geolocation, ',');

    return comma == NULL ? geolocation : comma + 1 + strspn(comma + 1, " ");
}

struct query_value query_field_value(enum query_field field, const struct query_subject *subject,
                                     const struct query_caller *caller)
{
    const struct offer *O = subject->offer;
    const struct quote *Q = subject->quote;
    const struct machine *M = O->machine;
    const struct offer_terms *T = &O->terms;
    const struct query_caller *C = caller;

    switch (field) {
#define QUERY_FIELD(name, wire, type, value)                                                       \
    case QUERY_##name:                                                                             \
        return value;
#include "market/query_fields.def"
#undef QUERY_FIELD
    case QUERY_FIELD_COUNT:
        break;
    }
    return unknown;
}

static const struct {
    const char *name;
    enum query_type type;
} fields[QUERY_FIELD_COUNT] = {
#define QUERY_FIELD(name, wire, type, value) { (wire), QUERY_##type },
#include "market/query_fields.def"
#undef QUERY_FIELD
};

const char *query_field_name(enum query_field field)
{
    assert(field < QUERY_FIELD_COUNT);
    return fields[field].name;
}

enum query_type query_field_type(enum query_field field)
{
    assert(field < QUERY_FIELD_COUNT);
    return fields[field].type;
}

struct query query_default(void)
{
    return (struct query){
        .order_count = 1,
        .order = { { QUERY_SCORE, true } },
        .limit = QUERY_LIMIT_DEFAULT,
        .ask.disk_milligb = QUERY_STORAGE_DEFAULT,
    };
}

static bool same_country(const char *a, const char *b)
{
    char code_a[3], code_b[3];

    return *machine_country(a, code_a) != '\0' && strcmp(code_a, machine_country(b, code_b)) == 0;
}

static bool texts_are_equal(enum query_type type, const char *a, const char *b)
{
    if (type == QUERY_MODEL)
        return gpu_name_matches(a, b);
    if (type == QUERY_COUNTRY)
        return same_country(a, b);
    return strcmp(a, b) == 0;
}

static bool values_are_equal(enum query_type type, const struct query_value *a,
                             const struct query_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == QUERY_VALUE_NUMBER)
        return a->number == b->number;
    return a->kind == QUERY_VALUE_NULL || texts_are_equal(type, a->text, b->text);
}

/* Below, at or above zero, as `a` is to `b`. Numbers come before texts. */
static int order_of(const struct query_value *a, const struct query_value *b)
{
    if (a->kind != b->kind)
        return a->kind == QUERY_VALUE_NUMBER ? -1 : 1;
    if (a->kind == QUERY_VALUE_TEXT)
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

static bool is_listed(const struct query_condition *condition, const struct query_value *value)
{
    for (size_t i = 0; i < condition->count; i++) {
        if (values_are_equal(query_field_type(condition->field), value, &condition->values[i]))
            return true;
    }
    return false;
}

bool query_condition_holds(const struct query_condition *condition, const struct query_value *value)
{
    const struct query_value *operand = condition->values;

    switch (condition->relation) {
    case QUERY_EQ:
    case QUERY_IN:
        return is_listed(condition, value);
    case QUERY_NEQ:
    case QUERY_NOTIN:
        return !is_listed(condition, value);
    case QUERY_GT:
    case QUERY_GTE:
    case QUERY_LT:
    case QUERY_LTE:
        break;
    }
    /* What is not known is neither above nor below anything, and no text is beside a number. */
    if (value->kind == QUERY_VALUE_NULL || value->kind != operand->kind)
        return false;

    int order = order_of(value, operand);
    bool or_equal = condition->relation == QUERY_GTE || condition->relation == QUERY_LTE;
    bool is_above = condition->relation == QUERY_GT || condition->relation == QUERY_GTE;
    return (or_equal && order == 0) || (is_above ? order > 0 : order < 0);
}

bool query_has_extra(const struct query *query, int64_t offer_id)
{
    for (size_t i = 0; i < query->extra_count; i++) {
        if (query->extra_ids[i] == offer_id)
            return true;
    }
    return false;
}

bool query_matches(const struct query *query, const struct query_subject *subject,
                   const struct query_caller *caller)
{
    if (query_has_extra(query, subject->offer->id))
        return true;
    if (subject->offer->renter_id != 0 && !query->has_rented)
        return false;
    /* What is rented has its disk already; nobody asks for more of it. */
    if (subject->offer->renter_id == 0 &&
        offer_disk_gb(subject->offer) < (query->ask.disk_milligb + 999) / 1000)
        return false;
    for (size_t i = 0; i < query->condition_count; i++) {
        const struct query_condition *condition = &query->conditions[i];
        struct query_value value = query_field_value(condition->field, subject, caller);

        if (!query_condition_holds(condition, &value))
            return false;
    }
    return true;
}

int query_compare(const struct query *query, const struct query_subject *a,
                  const struct query_subject *b, const struct query_caller *caller)
{
    for (size_t i = 0; i < query->order_count; i++) {
        const struct query_order *order = &query->order[i];
        struct query_value of_a = query_field_value(order->field, a, caller);
        struct query_value of_b = query_field_value(order->field, b, caller);
        bool a_is_null = of_a.kind == QUERY_VALUE_NULL, b_is_null = of_b.kind == QUERY_VALUE_NULL;

        /* What is not known comes last, whichever way it is sorted. */
        if (a_is_null != b_is_null)
            return a_is_null ? 1 : -1;
        int difference = a_is_null ? 0 : order_of(&of_a, &of_b);
        if (difference != 0)
            return order->is_descending ? -difference : difference;
    }

    int difference = money_compare(a->quote->total, b->quote->total);
    if (difference != 0)
        return difference;
    return (a->offer->id > b->offer->id) - (a->offer->id < b->offer->id);
}
