/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "market/gpu.h"
#include "market/rent.h"

/* How a field follows from a column or a flag. */
struct field {
    enum {
        FIELD_ELSEWHERE, /* no column: verified on the offer */
        FIELD_NUMBER,    /* number * factor / divisor */
        FIELD_KNOWN,     /* the same, and 0 is not known */
        FIELD_FLAG,
        FIELD_WORD,
        FIELD_MODEL,
        FIELD_COUNTRY,
        FIELD_RENTABLE,
        FIELD_LEFT,  /* seconds from now to the end */
        FIELD_END,   /* the end itself */
        FIELD_BASE,  /* the price before the disk */
        FIELD_TOTAL, /* and with it */
        FIELD_SCORE,
        FIELD_VALUE,
    } kind;
    enum catalog_column column;
    int64_t factor, divisor;
    enum catalog_flag flag;
};

#define NUMBER(name, by, over)                                                                     \
    {                                                                                              \
        .kind = FIELD_NUMBER, .column = COLUMN_##name, .factor = (by), .divisor = (over)           \
    }
#define KNOWN(name, over)                                                                          \
    {                                                                                              \
        .kind = FIELD_KNOWN, .column = COLUMN_##name, .factor = 1, .divisor = (over)               \
    }
#define FLAG(name)                                                                                 \
    {                                                                                              \
        .kind = FIELD_FLAG, .flag = FLAG_##name                                                    \
    }
#define TEXT(of, name)                                                                             \
    {                                                                                              \
        .kind = FIELD_##of, .column = COLUMN_##name                                                \
    }
#define PER_GB (NANODOLLARS_PER_DOLLAR * OFFER_GB_PER_TB)

static const struct field fields[QUERY_FIELD_COUNT] = {
    [QUERY_ID] = NUMBER(ID, 1, 1),
    [QUERY_ASK_CONTRACT_ID] = NUMBER(ID, 1, 1),
    [QUERY_BUNDLE_ID] = NUMBER(BUNDLE_ID, 1, 1),
    [QUERY_MACHINE_ID] = NUMBER(MACHINE_ID, 1, 1),
    [QUERY_HOST_ID] = NUMBER(HOST_ID, 1, 1),
    [QUERY_NUM_GPUS] = NUMBER(NUM_GPUS, 1, 1),
    [QUERY_GPU_NAME] = TEXT(MODEL, MODEL),
    [QUERY_GPU_RAM] = NUMBER(GPU_RAM, 1, 1),
    [QUERY_GPU_TOTAL_RAM] = NUMBER(GPU_TOTAL_RAM, 1, 1),
    [QUERY_GPU_LANES] = KNOWN(LANES, 1),
    [QUERY_GPU_MEM_BW] = KNOWN(MEMORY_SPEED, 1000),
    [QUERY_GPU_MAX_POWER] = KNOWN(POWER, 1),
    [QUERY_GPU_DISPLAY_ACTIVE] = FLAG(DISPLAY),
    [QUERY_PCI_GEN] = KNOWN(PCI_GEN, 1),
    [QUERY_PCIE_BW] = KNOWN(PCIE, 1000),
    [QUERY_COMPUTE_CAP] = KNOWN(COMPUTE_CAP, 1),
    [QUERY_CUDA_MAX_GOOD] = KNOWN(CUDA, 10),
    [QUERY_DRIVER_VERSION] = KNOWN(DRIVER, 1),
    [QUERY_DRIVER_VERS] = KNOWN(DRIVER, 1),
    [QUERY_CPU_NAME] = TEXT(WORD, CPU_NAME),
    [QUERY_CPU_ARCH] = TEXT(WORD, CPU_ARCH),
    [QUERY_CPU_CORES] = NUMBER(CPU_CORES, 1, 1),
    [QUERY_CPU_CORES_EFFECTIVE] = NUMBER(CPU_MILLIS, 1, 1000),
    [QUERY_CPU_GHZ] = KNOWN(CPU_MHZ, 1000),
    [QUERY_HAS_AVX] = FLAG(AVX),
    [QUERY_ENCRYPTED_WORKSPACE] = FLAG(ENCRYPTS),
    [QUERY_CPU_RAM] = NUMBER(RAM, 1, 1),
    [QUERY_DISK_SPACE] = NUMBER(DISK, 1, 1),
    [QUERY_DISK_BW] = KNOWN(DISK_SPEED, 1),
    [QUERY_DISK_NAME] = TEXT(WORD, DISK_NAME),
    [QUERY_INET_UP] = KNOWN(INET_UP, 1000),
    [QUERY_INET_DOWN] = KNOWN(INET_DOWN, 1000),
    [QUERY_INET_UP_COST] = NUMBER(UP_TB, 1, PER_GB),
    [QUERY_INET_DOWN_COST] = NUMBER(DOWN_TB, 1, PER_GB),
    [QUERY_INTERNET_UP_COST_PER_TB] = NUMBER(UP_TB, 1000, PER_GB),
    [QUERY_INTERNET_DOWN_COST_PER_TB] = NUMBER(DOWN_TB, 1000, PER_GB),
    [QUERY_DIRECT_PORT_COUNT] = NUMBER(PORTS, 1, 1),
    [QUERY_STATIC_IP] = FLAG(STATIC_IP),
    [QUERY_OS_VERSION] = TEXT(WORD, OS_VERSION),
    [QUERY_DPH_BASE] = { .kind = FIELD_BASE, .factor = 1, .divisor = NANODOLLARS_PER_DOLLAR },
    [QUERY_DPH_TOTAL] = { .kind = FIELD_TOTAL, .factor = 1, .divisor = NANODOLLARS_PER_DOLLAR },
    [QUERY_MIN_BID] = NUMBER(BID, 1, NANODOLLARS_PER_DOLLAR),
    [QUERY_STORAGE_COST] = NUMBER(DISK_MONTH, 1, NANODOLLARS_PER_DOLLAR),
    [QUERY_DLPERF] = KNOWN(DLPERF, 1000),
    [QUERY_DLPERF_PER_DPHTOTAL] = { .kind = FIELD_VALUE },
    [QUERY_TOTAL_FLOPS] = KNOWN(GFLOPS, 1000),
    [QUERY_SCORE] = { .kind = FIELD_SCORE },
    [QUERY_RELIABILITY] = NUMBER(RELIABILITY, 1, 1000000),
    [QUERY_EXPECTED_RELIABILITY] = NUMBER(RELIABILITY, 1, 1000000),
    [QUERY_VERIFIED] = FLAG(VERIFIED),
    [QUERY_DATACENTER] = FLAG(DATACENTER),
    [QUERY_EXTERNAL] = FLAG(EXTERNAL),
    [QUERY_RENTABLE] = { .kind = FIELD_RENTABLE },
    [QUERY_IS_BID] = FLAG(BID),
    [QUERY_SIMULATED] = FLAG(SIMULATED),
    [QUERY_GEOLOCATION] = TEXT(COUNTRY, COUNTRY),
    [QUERY_COUNTRY_CODE] = TEXT(COUNTRY, COUNTRY),
    [QUERY_DURATION] = { .kind = FIELD_LEFT, .factor = 1, .divisor = US_PER_SECOND },
    [QUERY_END_DATE] = { .kind = FIELD_END, .factor = 1, .divisor = US_PER_SECOND },
};

static double value_of(const struct field *field, int64_t number)
{
    return (double)(number * field->factor) / (double)field->divisor;
}

/* Beyond this, doubles skip whole numbers: such operands are compared on the offers themselves. */
static const double number_max = 4e15;

/* The least number whose value is at least (or, `is_above`, is above) the operand. False: too far
 * out to say. */
static bool least_at(const struct field *field, double operand, bool is_above, int64_t *ret)
{
    double near = operand * (double)field->divisor / (double)field->factor;

    /* Also not a number. */
    if (!(fabs(near) <= number_max / (double)field->factor))
        return false;
    int64_t number = (int64_t)near;
    /* The guess is at most a few numbers off. */
    while (is_above ? value_of(field, number) > operand : value_of(field, number) >= operand)
        number--;
    while (is_above ? value_of(field, number) <= operand : value_of(field, number) < operand)
        number++;
    *ret = number;
    return true;
}

/* The numbers for which the relation holds: [first, second], empty where first is above second. */
static bool range_of(const struct field *field, enum query_relation relation, double operand,
                     int64_t ret[static 2])
{
    bool is_list = relation != QUERY_GT && relation != QUERY_GTE && relation != QUERY_LT &&
                   relation != QUERY_LTE;
    int64_t at = 0, above = 0;

    if ((is_list || relation == QUERY_GTE || relation == QUERY_LT) &&
        !least_at(field, operand, false, &at))
        return false;
    if ((is_list || relation == QUERY_GT || relation == QUERY_LTE) &&
        !least_at(field, operand, true, &above))
        return false;
    ret[0] = is_list || relation == QUERY_GTE ? at : relation == QUERY_GT ? above : INT64_MIN;
    ret[1] = is_list || relation == QUERY_LTE ? above - 1
             : relation == QUERY_LT           ? at - 1
                                              : INT64_MAX;
    return true;
}

static bool is_negative(enum query_relation relation)
{
    return relation == QUERY_NEQ || relation == QUERY_NOTIN;
}

static bool is_list(enum query_relation relation)
{
    return relation == QUERY_EQ || relation == QUERY_IN || is_negative(relation);
}

static bool add_range(struct catalog_plan *plan, struct plan_test *test, int64_t low, int64_t high)
{
    if (low > high)
        return true;
    if (plan->range_count == PLAN_RANGES_MAX)
        return false;
    plan->ranges[plan->range_count][0] = low;
    plan->ranges[plan->range_count++][1] = high;
    test->range_count++;
    return true;
}

/* Tests in the order of their columns. */
static void add_test(struct catalog_plan *plan, const struct plan_test *test)
{
    size_t at = plan->test_count++;

    assert(plan->test_count <= PLAN_TESTS_MAX);
    for (; at > 0 && plan->tests[at - 1].column > test->column; at--)
        plan->tests[at] = plan->tests[at - 1];
    plan->tests[at] = *test;
}

static struct plan_test test_on(const struct catalog_plan *plan, enum catalog_column column,
                                bool is_inside)
{
    return (struct plan_test){ .column = column,
                               .is_inside = is_inside,
                               .range_first = plan->range_count,
                               .to_verify = PLAN_NO_CONDITION,
                               .sure = { INT64_MIN, INT64_MAX } };
}

/* A range of numbers, without 0 where that is not known. */
static bool add_known_range(struct catalog_plan *plan, struct plan_test *test,
                            const struct field *field, const int64_t range[static 2])
{
    if (field->kind != FIELD_KNOWN || range[0] > 0 || range[1] < 0)
        return add_range(plan, test, range[0], range[1]);
    return add_range(plan, test, range[0], -1) && add_range(plan, test, 1, range[1]);
}

static bool plan_numbers(struct catalog_plan *plan, const struct field *field,
                         const struct query_condition *condition)
{
    struct plan_test test = test_on(plan, field->column, !is_negative(condition->relation));
    int64_t range[2];

    for (size_t i = 0; i < condition->count; i++) {
        const struct query_value *value = &condition->values[i];

        if (value->kind == QUERY_VALUE_TEXT)
            return false;
        if (value->kind == QUERY_VALUE_NULL) {
            /* Nothing is above or below what is not known. */
            if (is_list(condition->relation) && field->kind == FIELD_KNOWN &&
                !add_range(plan, &test, 0, 0))
                return false;
            continue;
        }
        if (!range_of(field, condition->relation, value->number, range) ||
            !add_known_range(plan, &test, field, range))
            return false;
    }
    add_test(plan, &test);
    return true;
}

/* The number of a text in a column; -1: no offer has it. */
static int64_t code_of(const struct catalog *catalog, const struct field *field, const char *text)
{
    char folded[NAME_SIZE], code[3];

    const struct words *words = &catalog->words;

    if (field->kind == FIELD_COUNTRY) {
        words = &catalog->countries;
        text = machine_country(text, code);
    }
    if (*text == '\0')
        return -1; /* No text is not the empty text: it is not known. */
    if (field->kind == FIELD_MODEL)
        text = gpu_name_fold(text, folded, sizeof folded);
    uint32_t word = words_find(words, text);
    return word != WORDS_NONE ? (int64_t)word : -1;
}

static bool plan_texts(const struct catalog *catalog, struct catalog_plan *plan,
                       const struct field *field, const struct query_condition *condition)
{
    struct plan_test test = test_on(plan, field->column, !is_negative(condition->relation));

    if (!is_list(condition->relation))
        return false;
    for (size_t i = 0; i < condition->count; i++) {
        const struct query_value *value = &condition->values[i];

        if (value->kind != QUERY_VALUE_TEXT)
            return false;
        int64_t code = code_of(catalog, field, value->text);
        if (code >= 0 && !add_range(plan, &test, code, code))
            return false;
    }
    add_test(plan, &test);
    return true;
}

static void want_flag(struct catalog_plan *plan, unsigned flag, bool is_set)
{
    unsigned want = is_set ? flag : 0;

    if ((plan->flags_mask & flag) != 0 && (plan->flags_want & flag) != want)
        plan->is_impossible = true;
    plan->flags_mask = (uint16_t)(plan->flags_mask | flag);
    plan->flags_want = (uint16_t)(plan->flags_want | want);
}

/* The one value, 0 or 1, that the condition asks of a flag; -1: something else. */
static int wanted(const struct query_condition *condition)
{
    double number = condition->values[0].number;

    if ((condition->relation != QUERY_EQ && condition->relation != QUERY_NEQ) ||
        condition->values[0].kind != QUERY_VALUE_NUMBER || (number != 0 && number != 1))
        return -1;
    return (condition->relation == QUERY_EQ) == (number == 1);
}

static bool plan_flag(struct catalog_plan *plan, const struct field *field,
                      const struct query_condition *condition)
{
    int is_set = wanted(condition);

    if (is_set >= 0)
        want_flag(plan, (unsigned)field->flag, is_set == 1);
    return is_set >= 0;
}

/* Ends are in whole seconds: those in the very second of the edge are looked at. */
static bool plan_end(struct catalog_plan *plan, const int64_t us[static 2], int number)
{
    struct plan_test test = test_on(plan, COLUMN_END, true);

    for (int i = 0; i < 2; i++) {
        bool is_open = us[i] == INT64_MIN || us[i] == INT64_MAX;
        int64_t second = us[i] / US_PER_SECOND - (us[i] % US_PER_SECOND < 0 ? 1 : 0);

        test.sure[i] = is_open ? us[i] : second + (i == 0 ? 1 : -1);
        if (i == 0)
            plan->ranges[plan->range_count][0] = is_open ? us[i] : second;
        else
            plan->ranges[plan->range_count][1] = is_open ? us[i] : second;
    }
    plan->range_count++;
    test.range_count = 1;
    test.to_verify = number;
    add_test(plan, &test);
    return true;
}

static bool plan_time(struct catalog_plan *plan, const struct field *field,
                      const struct query_condition *condition, int number)
{
    int64_t now = plan->caller->now.microseconds, us[2];

    if (plan->range_count == PLAN_RANGES_MAX || is_negative(condition->relation) ||
        condition->count != 1 || condition->values[0].kind != QUERY_VALUE_NUMBER ||
        !range_of(field, condition->relation, condition->values[0].number, us))
        return false;
    if (field->kind == FIELD_LEFT) {
        /* What is over has 0 left. */
        if (us[0] <= 0 && us[1] >= 0)
            us[0] = INT64_MIN;
        if (us[1] < 0)
            plan->is_impossible = true;
        for (int i = 0; i < 2; i++) {
            if (us[i] != INT64_MIN && us[i] != INT64_MAX)
                us[i] += now;
        }
    }
    return plan_end(plan, us, number);
}

static bool plan_rentable(struct catalog_plan *plan, const struct query_condition *condition,
                          int number)
{
    int64_t us[2] = { plan->caller->now.microseconds + RENT_LIFETIME_MIN_US, INT64_MAX };

    if (plan->range_count == PLAN_RANGES_MAX || wanted(condition) != 1)
        return false;
    want_flag(plan, FLAG_READY, true);
    return plan_end(plan, us, number);
}

static bool is_bid(const struct catalog_plan *plan)
{
    return plan->query->ask.type == OFFER_BID;
}

/* Bounds of what is only known with the disk: at most this total, at least that much per dollar. */
static bool plan_bound(struct catalog_plan *plan, const struct field *field,
                       const struct query_condition *condition, int number)
{
    enum query_relation relation = condition->relation;
    bool is_sure = plan->query->ask.duration_us > 0;
    struct plan_test test;
    int64_t range[2] = { INT64_MIN, INT64_MAX };

    if (condition->count != 1 || condition->values[0].kind != QUERY_VALUE_NUMBER)
        return false;
    double operand = condition->values[0].number;
    if (field->kind == FIELD_TOTAL) {
        if ((relation != QUERY_LT && relation != QUERY_LTE) ||
            !range_of(field, relation, operand, range))
            return false;
        test = test_on(plan, is_bid(plan) ? COLUMN_BID : COLUMN_PRICE, true);
    } else {
        if ((relation != QUERY_GT && relation != QUERY_GTE) || !(operand > 0))
            return false;
        range[0] = catalog_bound_below(operand);
        enum catalog_column first = field->kind == FIELD_VALUE ? COLUMN_VALUE
                                    : is_sure                  ? COLUMN_SURE_SCORE
                                                               : COLUMN_SCORE;
        test = test_on(plan, is_bid(plan) ? first + 1 : first, true);
    }
    test.to_verify = number;
    test.sure[0] = INT64_MAX;
    test.sure[1] = INT64_MIN;
    if (!add_range(plan, &test, range[0], range[1]))
        return false;
    add_test(plan, &test);
    return true;
}

/* Columns have what the default profile makes of it. */
static bool is_of_profile(const struct catalog_plan *plan, enum query_field field)
{
    return plan->query->ask.profile != DLPERF_DEFAULT &&
           (field == QUERY_DLPERF || field == QUERY_DLPERF_PER_DPHTOTAL || field == QUERY_SCORE);
}

static bool plan_condition(const struct catalog *catalog, struct catalog_plan *plan, int number)
{
    const struct query_condition *condition = &plan->query->conditions[number];
    struct field field = fields[condition->field];

    if (is_of_profile(plan, condition->field))
        return false;
    switch (field.kind) {
    case FIELD_NUMBER:
    case FIELD_KNOWN:
        return plan_numbers(plan, &field, condition);
    case FIELD_BASE:
        field.column = is_bid(plan) ? COLUMN_BID : COLUMN_PRICE;
        return plan_numbers(plan, &field, condition);
    case FIELD_WORD:
    case FIELD_MODEL:
    case FIELD_COUNTRY:
        return plan_texts(catalog, plan, &field, condition);
    case FIELD_FLAG:
        return plan_flag(plan, &field, condition);
    case FIELD_RENTABLE:
        return plan_rentable(plan, condition, number);
    case FIELD_LEFT:
    case FIELD_END:
        return plan_time(plan, &field, condition, number);
    case FIELD_TOTAL:
    case FIELD_SCORE:
    case FIELD_VALUE:
        return plan_bound(plan, &field, condition, number);
    case FIELD_ELSEWHERE:
        break;
    }
    return false;
}

/* What comes first can be told from columns where lower columns cannot come before higher ones. */
static void plan_key(struct catalog_plan *plan)
{
    const struct query_order *order = &plan->query->order[0];
    const struct field *field = &fields[order->field];
    enum catalog_column first = COLUMN_VALUE;

    plan->key = PLAN_KEY_ANY;
    plan->key_column = COLUMN_PRICE;
    if (plan->query->order_count == 0)
        return;
    if (is_of_profile(plan, order->field)) {
        plan->key = PLAN_KEY_QUOTED;
    } else if (field->kind == FIELD_NUMBER || field->kind == FIELD_KNOWN) {
        plan->key = PLAN_KEY_COLUMN;
        plan->key_column = field->column;
    } else if (field->kind == FIELD_TOTAL && !order->is_descending) {
        plan->key = PLAN_KEY_TOTAL;
        plan->key_column = is_bid(plan) ? COLUMN_BID : COLUMN_PRICE;
    } else if (field->kind == FIELD_SCORE && order->is_descending) {
        plan->key = PLAN_KEY_SCORE;
        first = plan->query->ask.duration_us > 0 ? COLUMN_SURE_SCORE : COLUMN_SCORE;
        plan->key_column = is_bid(plan) ? first + 1 : first;
    } else if (field->kind == FIELD_VALUE && order->is_descending) {
        plan->key = PLAN_KEY_VALUE;
        plan->key_column = is_bid(plan) ? first + 1 : first;
    }
}

static bool asks_for_ids(const struct query_condition *condition)
{
    return (condition->relation == QUERY_EQ || condition->relation == QUERY_IN) &&
           (condition->field == QUERY_ID || condition->field == QUERY_ASK_CONTRACT_ID ||
            condition->field == QUERY_MACHINE_ID || condition->field == QUERY_HOST_ID);
}

/* What is rented is not rentable, also where it is let in. */
static bool shows_rented(const struct query *query)
{
    bool shows = query->has_rented;

    for (size_t i = 0; shows && i < query->condition_count; i++)
        shows = query->conditions[i].field != QUERY_RENTABLE || wanted(&query->conditions[i]) != 1;
    return shows;
}

void catalog_plan(const struct catalog *catalog, const struct query *query,
                  const struct query_caller *caller, struct catalog_plan *plan)
{
    int64_t disk_gb = (query->ask.disk_milligb + 999) / 1000;

    plan->query = query;
    plan->caller = caller;
    plan->is_impossible = false;
    plan->flags_mask = plan->flags_want = FLAG_HERE;
    plan->to_verify = 0;
    plan->checks_disk = shows_rented(query);
    plan->key_condition = PLAN_NO_CONDITION;
    plan->test_count = plan->range_count = 0;
    if (!plan->checks_disk) {
        struct plan_test test = test_on(plan, COLUMN_DISK, true);

        want_flag(plan, FLAG_OPEN, true);
        (void)add_range(plan, &test, disk_gb, INT64_MAX);
        add_test(plan, &test);
    }
    for (size_t i = 0; i < query->condition_count; i++) {
        size_t range_count = plan->range_count;

        if (asks_for_ids(&query->conditions[i]))
            plan->key_condition = (int)i;
        if (!plan_condition(catalog, plan, (int)i)) {
            plan->range_count = range_count;
            plan->to_verify |= UINT64_C(1) << i;
        }
    }
    plan_key(plan);
}

struct query_value catalog_plan_key(const struct catalog_plan *plan, int64_t number)
{
    const struct field *field = &fields[plan->query->order[0].field];

    if (field->kind == FIELD_KNOWN && number == 0)
        return (struct query_value){ .kind = QUERY_VALUE_NULL };
    return (struct query_value){ .kind = QUERY_VALUE_NUMBER, .number = value_of(field, number) };
}

void catalog_plan_bound(const struct catalog_plan *plan, double key, int64_t ret_range[static 2])
{
    const struct query_order *order = &plan->query->order[0];

    ret_range[0] = INT64_MIN;
    ret_range[1] = INT64_MAX;
    switch (plan->key) {
    case PLAN_KEY_SCORE:
    case PLAN_KEY_VALUE:
        ret_range[0] = catalog_bound_below(key);
        break;
    case PLAN_KEY_COLUMN:
        (void)range_of(&fields[order->field], order->is_descending ? QUERY_GTE : QUERY_LTE, key,
                       ret_range);
        break;
    case PLAN_KEY_TOTAL: /* The total itself is the bound. */
    case PLAN_KEY_QUOTED:
    case PLAN_KEY_ANY:
        break;
    }
}
