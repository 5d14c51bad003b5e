/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"

/* `text` is JSON, with ' for ". */
static json_t *json_of(const char *text)
{
    char copy[4096];
    json_t *root = NULL;
    struct error err;
    size_t length = strlen(text);

    CHECK(length < sizeof copy);
    for (size_t i = 0; i <= length; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    CHECK_OK(json_parse(copy, length, &root, &err), &err);
    return root;
}

static const char *relation_text(enum query_relation relation)
{
    static const char *const texts[] = {
        [QUERY_EQ] = "=", [QUERY_NEQ] = "!=", [QUERY_GT] = ">",  [QUERY_GTE] = ">=",
        [QUERY_LT] = "<", [QUERY_LTE] = "<=", [QUERY_IN] = "in", [QUERY_NOTIN] = "notin",
    };

    return texts[relation];
}

/* A query in one line, to compare with. */
static void describe(const struct query *query, struct buf *out)
{
    for (size_t i = 0; i < query->condition_count; i++) {
        const struct query_condition *condition = &query->conditions[i];

        buf_printf(out, "%s%s %s", i > 0 ? "; " : "", query_field_name(condition->field),
                   relation_text(condition->relation));
        for (size_t j = 0; j < condition->count; j++) {
            const struct query_value *value = &condition->values[j];

            if (value->kind == QUERY_VALUE_TEXT)
                buf_printf(out, " '%s'", value->text);
            else if (value->kind == QUERY_VALUE_NUMBER)
                buf_printf(out, " %.15g", value->number);
            else
                buf_printf(out, " null");
        }
    }
    buf_append(out, "", 0);
}

static void test_operands_are_read_by_their_fields_type(void **state)
{
    static const char *const rows[][2] = {
        { "{}", "" },
        { "{'num_gpus':{'gte':'2'}}", "num_gpus >= 2" },
        { "{'num_gpus':{'gte':2,'lt':8.0}}", "num_gpus >= 2; num_gpus < 8" },
        { "{'reliability2':{'gt':'0.98'}}", "reliability > 0.98" },
        { "{'dph':{'lt':'.3'}}", "dph_total < 0.3" },
        { "{'verified':{'eq':true},'external':{'eq':false},'rentable':{'eq':true}}",
          "verified = 1; external = 0; rentable = 1" },
        { "{'rented':{'eq':'False'},'has_avx':{'eq':1}}", "rented = 0; has_avx = 1" },
        { "{'external':false}", "external = 0" },
        { "{'gpu_ram':{'gte':24000.0}}", "gpu_ram >= 24000" },
        { "{'gpu_ram_GB':{'gte':'24'},'cpu_ram_GB':{'lt':1.5}}",
          "gpu_ram >= 24000; cpu_ram < 1500" },
        { "{'duration':{'gt':259200.0}}", "duration > 259200" },
        { "{'driver_version':{'gte':535086005}}", "driver_version >= 535086005" },
        { "{'driver_version':{'gte':'535'}}", "driver_version >= 535000000" },
        { "{'driver_version':{'in':['535.86.05','570.86']}}",
          "driver_version in 535086005 570086000" },
        { "{'driver_version':{'lt':535086}}", "driver_version < 535086000" },
        { "{'gpu_name':{'in':['RTX 4090','RTX 3090']}}", "gpu_name in 'RTX 4090' 'RTX 3090'" },
        { "{'geolocation':{'notin':['SE','US']}}", "geolocation notin 'SE' 'US'" },
        { "{'id':{'in':['1','2']}}", "id in 1 2" },
        { "{'id':{'in':[]}}", "id in" },
        { "{'pcie_bw':{'eq':null},'dlperf':{'neq':null}}", "pcie_bw = null; dlperf != null" },
        { "{'verified':{'eq':'any'},'rented':{'eq':'*'},'num_gpus':{'eq':'?'}}", "" },
        { "{'verified':null,'datacenter':{}}", "" },
        { "{'os_version':{'eq':22.04}}", "os_version = '22.04'" },
        { "{'show_incompatible':true,'sort_option':{'x':'y'},'template_id':7,'chunked':1}", "" },
        { "{'geolocation':{'eq':'EU'}}",
          "geolocation in 'AT' 'BE' 'BG' 'CY' 'CZ' 'DE' 'DK' 'EE' 'ES' 'FI' 'FR' 'GR' 'HR' 'HU' "
          "'IE' 'IT' 'LT' 'LU' 'LV' 'MT' 'NL' 'PL' 'PT' 'RO' 'SE' 'SI' 'SK'" },
        { "{'geolocation':{'notin':['south_america','US']}}",
          "geolocation notin 'AR' 'BO' 'BR' 'CL' 'CO' 'EC' 'FK' 'GF' 'GY' 'PE' 'PY' 'SR' 'UY' 'VE' "
          "'US'" },
        { "{'geolocation':{'neq':'Gothenburg, SE'},'country_code':{'eq':null}}",
          "geolocation != 'Gothenburg, SE'; country_code = null" },
        { "{'target_reliability':0.95}", "expected_reliability >= 0.95" },
        { "{'num_gpus':{'==':1},'cpu_cores':{'!=':2},'disk_bw':{'not eq':3},'cpu_ghz':{'<=':4}}",
          "num_gpus = 1; cpu_cores != 2; disk_bw != 3; cpu_ghz <= 4" },
        { "{'machine_id':{'nin':[1]},'host_id':{'not in':[2]}}",
          "machine_id notin 1; host_id notin 2" },
        { "{'min_bid':{'lte':'-0.5'}}", "min_bid <= -0.5" },
        { "{'cuda_vers':{'gte':'12.4'}}", "cuda_max_good >= 12.4" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i][0]);
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        auto_buf struct buf text = buf_of(4096);
        struct query query;
        struct error err;

        check_row("%s", rows[i][0]);
        CHECK_OK(query_parse(root, &arena, &query, &err), &err);
        describe(&query, &text);
        CHECK_TEXT(text.bytes, rows[i][1]);
    }
}

static void test_what_makes_no_sense_is_named(void **state)
{
    static const char *const rows[][2] = {
        { "[]", "the query must be an object" },
        { "{'num_gpu':{'eq':1}}", "offers have no field 'num_gpu'" },
        { "{'':1}", "offers have no field ''" },
        { "{'NUM_GPUS':null}", "offers have no field 'NUM_GPUS'" },
        { "{'num_gpus':{'gte':'NaN'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'inf'}}", "'num_gpus' must be compared with a number" },
        { "{'geolocation':{'eq':'Mars'}}",
          "'geolocation': write a country with two letters, as SE, or a region, as EU" },
        { "{'geolocation':{'gt':'EU'}}", "'geolocation': no country is above another" },
        { "{'order':[['id','up']]}", "'order' must hold [field, \"asc\" or \"desc\"]" },
        { "{'order':[['id',1]]}", "'order' must hold [field, \"asc\" or \"desc\"]" },
        { "{'dlperf_profile':'fast'}", "'dlperf_profile': there is no 'fast'" },
        { "{'dlperf_profile':7}", "'dlperf_profile' must be a text" },
        { "{'precision':'fp64'}", "'precision' must be \"fp16\" or \"fp32\"" },
        { "{'include_unavailable':'x'}", "'include_unavailable' must be true or false" },
        { "'x'", "the query must be an object" },
        { "{'num_gpus':{'gte':'two'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':''}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'-'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'.'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'1.2.3'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'1e9'}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':'1234567890123456789'}}",
          "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'gte':[1]}}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':[1,2]}", "'num_gpus' must be compared with a number" },
        { "{'num_gpus':{'in':1}}", "'num_gpus' must be compared with a list" },
        { "{'num_gpus':{'in':[1,'x']}}", "'num_gpus' must be compared with a number" },
        { "{'verified':{'eq':'maybe'}}", "'verified' must be compared with true or false" },
        { "{'verified':{'eq':2}}", "'verified' must be compared with true or false" },
        { "{'gpu_name':{'eq':[]}}", "'gpu_name' must be compared with a text" },
        { "{'gpu_name':{'eq':true}}", "'gpu_name' must be compared with a text" },
        { "{'driver_version':{'gte':'x.y'}}", "'driver_version' must be compared with a version" },
        { "{'driver_version':{'gte':0}}", "'driver_version' must be compared with a version" },
        { "{'driver_version':{'gte':-1}}", "'driver_version' must be compared with a version" },
        { "{'dph':{'like':1}}", "'dph': there is no operator 'like'" },
        { "{'type':'spot'}", "'type' must be on-demand, bid or reserved" },
        { "{'type':1}", "'type' must be on-demand, bid or reserved" },
        { "{'limit':0}", "'limit' must be a number from 1" },
        { "{'limit':'all'}", "'limit' must be a number from 1" },
        { "{'allocated_storage':-1}", "'allocated_storage' must be a number of GB" },
        { "{'allocated_storage':1e12}", "'allocated_storage' must be a number of GB" },
        { "{'order':'score'}", "'order' must be a list of at most 8 pairs" },
        { "{'order':[['x','asc']]}", "'order': there is no field 'x'" },
        { "{'order':['score']}", "'order' must hold [field, \"asc\" or \"desc\"]" },
        { "{'order':[[]]}", "'order' must hold [field, \"asc\" or \"desc\"]" },
        { "{'extra_ids':1}", "'extra_ids' must be a list of at most 1024 numbers" },
        { "{'extra_ids':['1']}", "'extra_ids' must hold whole numbers" },
        { "{'target_reliability':'x'}", "'target_reliability' must be compared with a number" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i][0]);
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query = { .limit = 42 };
        struct error err;

        check_row("%s", rows[i][0]);
        CHECK_FAILS(query_parse(root, &arena, &query, &err), &err, ERROR_INVALID);
        CHECK_TEXT(err.text, rows[i][1]);
        CHECK(query.limit == 42);
    }
}

static void test_control_keys(void **state)
{
    static const struct {
        const char *json;
        enum offer_type type;
        size_t limit;
        int64_t storage;
        enum query_field order;
        bool is_descending;
    } rows[] = {
        { "null", OFFER_ON_DEMAND, 64, 8000, QUERY_SCORE, true },
        { "{}", OFFER_ON_DEMAND, 64, 8000, QUERY_SCORE, true },
        { "{'type':'ondemand','limit':20,'allocated_storage':5.0,'order':[['dph_total','asc']]}",
          OFFER_ON_DEMAND, 20, 5000, QUERY_DPH_TOTAL, false },
        { "{'type':'bid','limit':'3','allocated_storage':{'gte':100.5},'order':[['dph','desc']]}",
          OFFER_BID, 3, 100500, QUERY_DPH_TOTAL, true },
        { "{'type':{'eq':'interruptible'},'limit':1,'allocated_storage':'0','order':[]}", OFFER_BID,
          1, 0, QUERY_SCORE, true },
        { "{'type':'reserved','limit':5000,'allocated_storage':1000000,'order':[['id']]}",
          OFFER_RESERVED, 5000, 1000000000, QUERY_ID, false },
        { "{'type':'on-demand','limit':5001,'allocated_storage':0.0004,'order':[['id','asc']]}",
          OFFER_ON_DEMAND, 5000, 0, QUERY_ID, false },
        { "{'limit':null,'allocated_storage':null,'order':null,'type':null,'extra_ids':null}",
          OFFER_ON_DEMAND, 64, 8000, QUERY_SCORE, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].json);
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err;

        check_row("%s", rows[i].json);
        CHECK_OK(query_parse(root, &arena, &query, &err), &err);
        CHECK_INT(query.ask.type, rows[i].type);
        CHECK(query.limit == rows[i].limit);
        CHECK_INT(query.ask.disk_milligb, rows[i].storage);
        CHECK(query.order_count == 1);
        CHECK_INT(query.order[0].field, rows[i].order);
        CHECK_INT(query.order[0].is_descending, rows[i].is_descending);
    }
}

static void test_several_orders_and_extra_ids(void **state)
{
    auto_json json_t *root =
        json_of("{'order':[['dph_total','desc'],['num_gpus','asc']],'extra_ids':[7,9]}");
    auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
    struct query query;
    struct error err;

    (void)state;
    CHECK_OK(query_parse(root, &arena, &query, &err), &err);
    CHECK(query.order_count == 2);
    CHECK_INT(query.order[1].field, QUERY_NUM_GPUS);
    CHECK(query.extra_count == 2);
    CHECK_INT(query.extra_ids[1], 9);
    CHECK_OK(query_parse(NULL, &arena, &query, &err), &err);
    CHECK(query.extra_count == 0);
}

static void test_the_work_decides_the_profile(void **state)
{
    static const struct {
        const char *json;
        enum dlperf_profile profile;
    } rows[] = {
        { "{}", DLPERF_DEFAULT },
        { "{'image':null,'dlperf_profile':null,'precision':null}", DLPERF_DEFAULT },
        { "{'image':'pytorch/pytorch:latest'}", DLPERF_TRAINING },
        { "{'image':'busybox'}", DLPERF_DEFAULT },
        { "{'dlperf_profile':'llm-decode'}", DLPERF_LLM_DECODE },
        { "{'dlperf_profile':'rendering','image':'pytorch/pytorch'}", DLPERF_RENDERING },
        { "{'image':'pytorch/pytorch','precision':'fp16'}", DLPERF_FP16 },
        { "{'precision':'fp32'}", DLPERF_FP32 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].json);
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err;

        check_row("%s", rows[i].json);
        CHECK_OK(query_parse(root, &arena, &query, &err), &err);
        CHECK_INT(query.ask.profile, rows[i].profile);
        CHECK(query.condition_count == 0);
    }
}

static void test_hints_for_the_search(void **state)
{
    static const struct {
        const char *json;
        bool has_rented;
        int64_t duration_us;
    } rows[] = {
        { "{}", false, 0 },
        { "{'include_unavailable':true}", true, 0 },
        { "{'include_unavailable':0}", false, 0 },
        { "{'rentable':{'eq':'any'}}", true, 0 },
        { "{'rentable':{'eq':false}}", true, 0 },
        { "{'rentable':null,'rented':{'eq':false}}", false, 0 },
        { "{'duration':{'gte':'3600'}}", false, US_PER_HOUR },
        { "{'duration':{'gt':1.5}}", false, 1500000 },
        { "{'duration':{'gt':60,'gte':120}}", false, 120 * US_PER_SECOND },
        { "{'duration':{'lt':3600}}", false, 0 },
        { "{'duration':{'gte':-1}}", false, 0 },
        { "{'duration':{'gte':null}}", false, 0 },
        { "{'duration':{'gte':1e300}}", false, INT64_C(315360000) * US_PER_SECOND },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].json);
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err;

        check_row("%s", rows[i].json);
        CHECK_OK(query_parse(root, &arena, &query, &err), &err);
        CHECK_INT(query.has_rented, rows[i].has_rented);
        CHECK_INT(query.ask.duration_us, rows[i].duration_us);
    }
}

/* A list of one text as often as `count` says, under `name`. */
static enum error_code parse_list(const char *name, size_t count, size_t arena_size)
{
    auto_json json_t *root = json_object(), *conditions = json_object();
    auto_arena struct arena arena = arena_of(arena_size);
    json_t *list = json_array();
    struct query query;
    struct error err = { 0 };

    for (size_t i = 0; i < count; i++)
        CHECK(json_array_append_new(list, json_string("12")) == 0);
    CHECK(json_object_set_new(conditions, "in", list) == 0);
    CHECK(json_object_set(root, name, conditions) == 0);
    return query_parse(root, &arena, &query, &err) ? ERROR_NONE : err.code;
}

static void test_lists_texts_and_conditions_have_limits(void **state)
{
    (void)state;
    CHECK_INT(parse_list("id", QUERY_LIST_MAX, QUERY_ARENA_SIZE), ERROR_NONE);
    CHECK_INT(parse_list("id", QUERY_LIST_MAX + 1, QUERY_ARENA_SIZE), ERROR_OUT_OF_RANGE);
    CHECK_INT(parse_list("gpu_name", QUERY_LIST_MAX, QUERY_ARENA_SIZE), ERROR_NONE);
    CHECK_INT(parse_list("gpu_name", QUERY_LIST_MAX, 1000), ERROR_OUT_OF_RANGE);

    for (int over = 0; over <= 1; over++) {
        auto_json json_t *root = json_object();
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err = { 0 };
        int count = 0;

        for (int field = 0; field < QUERY_FIELD_COUNT && count < QUERY_CONDITIONS_MAX + over;
             field++, count++)
            CHECK(json_object_set_new(root, query_field_name((enum query_field)field),
                                      json_pack("{s:n}", "eq")) == 0);
        CHECK_INT(query_parse(root, &arena, &query, &err), over == 0);
        CHECK_INT(err.code, over == 0 ? ERROR_NONE : ERROR_OUT_OF_RANGE);

        char text[QUERY_TEXT_MAX + 2];
        (void)snprintf(text, sizeof text, "%0*d", QUERY_TEXT_MAX + over, 0);
        auto_json json_t *named = json_pack("{s:s}", "cpu_name", text);
        CHECK_INT(query_parse(named, &arena, &query, &err), over == 0);
    }
}

/* Ten thousand conditions, operands and sort keys, and texts of a megabyte: refused within the
 * arena, with a sentence that fits a line. */
static void test_bad_queries_cost_little(void **state)
{
    enum { MANY = 10000, LONG = 1000000 };
    auto_arena struct arena texts = arena_of(4 * LONG);
    char *text = arena_alloc(&texts, LONG + 1, 1);
    json_t *roots[6];

    (void)state;
    CHECK(text != NULL);
    memset(text, '9', LONG);
    roots[0] = json_object();
    roots[1] = json_pack("{s:{s:[]}}", "id", "in");
    roots[2] = json_pack("{s:[]}", "order");
    for (int i = 0; i < MANY; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "field%d", i);
        CHECK(json_object_set_new(roots[0], name, json_pack("{s:i}", "eq", i)) == 0);
        CHECK(json_array_append_new(json_object_get(json_object_get(roots[1], "id"), "in"),
                                    json_integer(i)) == 0);
        CHECK(json_array_append_new(json_object_get(roots[2], "order"),
                                    json_pack("[s,s]", "id", "asc")) == 0);
    }
    roots[3] = json_pack("{s:{s:s}}", "gpu_name", "eq", text);
    roots[4] = json_pack("{s:{s:s}}", "num_gpus", "gte", text);
    roots[5] = json_pack("{s:i}", text, 1);
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        auto_arena struct arena arena = arena_of(QUERY_ARENA_SIZE);
        struct query query;
        struct error err;

        check_row("query %zu", i);
        CHECK(!query_parse(roots[i], &arena, &query, &err));
        CHECK(strlen(err.text) > 0 && strlen(err.text) < 120);
        CHECK(arena.used < 4096);
        json_release(&roots[i]);
    }
}

static void test_every_name_and_alias_is_a_field(void **state)
{
    static const char *const aliases[] = {
        "reliability2",      "dph",          "dphtotal",       "dlperf_usd",
        "flops_usd",         "gpu_totalram", "gpu_ram_GB",     "cpu_ram_GB",
        "gpu_totalram_GB",   "cuda_vers",    "display_active", "ubuntu_version",
        "compute_capability"
    };
    enum query_field field;
    double scale;

    (void)state;
    for (int i = 0; i < QUERY_FIELD_COUNT; i++) {
        const char *name = query_field_name((enum query_field)i);

        check_row("%s", name);
        CHECK(query_field_find(name, &field, &scale));
        CHECK_INT(field, i);
        CHECK(scale == 1);
    }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        check_row("%s", aliases[i]);
        CHECK(query_field_find(aliases[i], &field, &scale));
        CHECK(scale == (strstr(aliases[i], "_GB") != NULL ? 1000 : 1));
    }
    CHECK(!query_field_find("", &field, &scale));
    CHECK(!query_field_find("Num_gpus", &field, &scale));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operands_are_read_by_their_fields_type),
        cmocka_unit_test(test_what_makes_no_sense_is_named),
        cmocka_unit_test(test_control_keys),
        cmocka_unit_test(test_several_orders_and_extra_ids),
        cmocka_unit_test(test_the_work_decides_the_profile),
        cmocka_unit_test(test_hints_for_the_search),
        cmocka_unit_test(test_bad_queries_cost_little),
        cmocka_unit_test(test_lists_texts_and_conditions_have_limits),
        cmocka_unit_test(test_every_name_and_alias_is_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
