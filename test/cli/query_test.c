/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/query.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

enum { LENGTH_MAX = 100000 };

static void test_text_becomes_a_query(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        { "", "{}" },
        { "  \t\n ", "{}" },
        { "num_gpus>=2", "{\"num_gpus\":{\"gte\":2}}" },
        { "num_gpus >= 2 num_gpus<=4", "{\"num_gpus\":{\"gte\":2,\"lte\":4}}" },
        { "num_gpus>=2 id=5 num_gpus<=4",
          "{\"num_gpus\":{\"gte\":2,\"lte\":4},\"id\":{\"eq\":5}}" },
        { "reliability > 0.98", "{\"reliability\":{\"gt\":0.98}}" },
        { "id=999999999999", "{\"id\":{\"eq\":999999999999}}" },
        { "dph=0.123456", "{\"dph_total\":{\"eq\":0.123456}}" },
        { "dph<-0.5", "{\"dph_total\":{\"lt\":-0.5}}" },
        { "reliability>.98 dph>-.5",
          "{\"reliability\":{\"gt\":0.98},\"dph_total\":{\"gt\":-0.5}}" },
        { "gpu_ram>=24", "{\"gpu_ram\":{\"gte\":24000}}" },
        { "cpu_ram>=0.5", "{\"cpu_ram\":{\"gte\":500}}" },
        { "gpu_ram_GB=12.5", "{\"gpu_ram\":{\"eq\":12500}}" },
        { "duration>3", "{\"duration\":{\"gt\":259200}}" },
        { "duration>=0.5", "{\"duration\":{\"gte\":43200}}" },
        { "disk_space>100", "{\"disk_space\":{\"gt\":100}}" },
        { "driver_version>=535.86.05", "{\"driver_version\":{\"gte\":535086005}}" },
        { "driver_version>=570", "{\"driver_version\":{\"gte\":570000000}}" },
        { "gpu_name=RTX_4090", "{\"gpu_name\":{\"eq\":\"RTX 4090\"}}" },
        { "gpu_name==\"RTX_4090\"", "{\"gpu_name\":{\"eq\":\"RTX_4090\"}}" },
        { "gpu_name='RTX 4090'", "{\"gpu_name\":{\"eq\":\"RTX 4090\"}}" },
        { "gpu_name!=None", "{\"gpu_name\":{\"neq\":null}}" },
        { "gpu_name=\"None\"", "{\"gpu_name\":{\"eq\":\"None\"}}" },
        { "geolocation in [SE,US]", "{\"geolocation\":{\"in\":[\"SE\",\"US\"]}}" },
        { "gpu_name in [\"RTX 4090\", RTX_3090 , 'H100 SXM']",
          "{\"gpu_name\":{\"in\":[\"RTX 4090\",\"RTX 3090\",\"H100 SXM\"]}}" },
        { "id notin [1,2]", "{\"id\":{\"notin\":[1,2]}}" },
        { "id not in [1]", "{\"id\":{\"notin\":[1]}}" },
        { "id nin []", "{\"id\":{\"notin\":[]}}" },
        { "id in[7]", "{\"id\":{\"in\":[7]}}" },
        { "gpu_ram in [24, 48]", "{\"gpu_ram\":{\"in\":[24000,48000]}}" },
        { "num_gpus gte 2 id neq 3 cpu_ghz lt 4", "{\"num_gpus\":{\"gte\":2},\"id\":{\"neq\":3},"
                                                  "\"cpu_ghz\":{\"lt\":4}}" },
        { "static_ip=true has_avx=0 rented=False",
          "{\"static_ip\":{\"eq\":true},\"has_avx\":{\"eq\""
          ":false},\"rented\":{\"eq\":false}}" },
        { "rented=any id=3 static_ip=* is_bid=?", "{\"id\":{\"eq\":3}}" },
        { "hostname=\"\"", "{\"hostname\":{\"eq\":\"\"}}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at;

        check_row("'%s'", rows[i].text);
        encode_object(&json);
        CHECK_OK(query_write(rows[i].text, QUERY_DEFAULTS_NONE, &json, &at, &err), &err);
        encode_end(&json);
        CHECK_TEXT(out.bytes, rows[i].json);
    }
}

static void test_defaults_yield_to_what_is_said(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        { "",
          "{\"verified\":{\"eq\":true},\"external\":{\"eq\":false},\"rentable\":{\"eq\":true}}" },
        { "verified=any", "{\"external\":{\"eq\":false},\"rentable\":{\"eq\":true}}" },
        { "verified=false external=any rentable=any",
          "{\"verified\":{\"eq\":false},\"rentable\":{\"eq\":\"any\"}}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at;

        check_row("'%s'", rows[i].text);
        encode_object(&json);
        CHECK_OK(query_write(rows[i].text, QUERY_DEFAULTS_ALL, &json, &at, &err), &err);
        encode_end(&json);
        CHECK_TEXT(out.bytes, rows[i].json);
    }
}

static void test_errors_point_at_the_character(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *reason;
    } rows[] = {
        { "gpu_nmae=RTX_4090", 0, "offers have no field 'gpu_nmae'; did you mean gpu_name?" },
        { "id=1 zzzzzz=2", 5, "offers have no field 'zzzzzz'" },
        { "id", 2, "expected =, !=, <, <=, >, >=, in or notin" },
        { "id 5", 3, "expected =, !=, <, <=, >, >=, in or notin" },
        { "id=", 3, "expected a value" },
        { "id= ", 4, "expected a value" },
        { ">=5", 0, "expected the name of a field" },
        { "id=five", 3, "'five' is not a number" },
        { "id=1 num_gpus=2x", 14, "'2x' is not a number" },
        { "id=>5", 3, "'>5' is not a number" },
        { "id=1.", 3, "'1.' is not a number" },
        { "id=.", 3, "'.' is not a number" },
        { "id=-.", 3, "'-.' is not a number" },
        { "id=1.2.3", 3, "'1.2.3' is not a number" },
        { "id=-", 3, "expected a number" },
        { "id=1000000000000", 3, "more than 12 digits, or 6 decimals" },
        { "id=0.1234567", 3, "more than 12 digits, or 6 decimals" },
        { "static_ip=maybe", 10, "expected true, false or any" },
        { "driver_version=5.x", 15, "expected a version, such as 570.86.15" },
        { "driver_version=1.2.3.4", 15, "expected a version, such as 570.86.15" },
        { "driver_version=1234", 15, "expected a version, such as 570.86.15" },
        { "driver_version=1.", 15, "expected a version, such as 570.86.15" },
        { "gpu_name=\"RTX", 9, "this quote has no end" },
        { "id in 5", 6, "expected a list, such as [RTX_3090, RTX_4090]" },
        { "id in [5", 6, "this list has no end" },
        { "id in [5 6]", 9, "expected a comma or the end of the list" },
        { "id in [5,,6]", 9, "expected a value" },
        { "id in [5,x]", 9, "'x' is not a number" },
        { "id>1 id>2", 7, "id has this condition already" },
        { "num_gpus>1 id>1 score>1 id>2", 26, "id has this condition already" },
        { "pu_name=x", 0, "offers have no field 'pu_name'; did you mean gpu_name?" },
        { "xgpu_name=x", 0, "offers have no field 'xgpu_name'; did you mean gpu_name?" },
        { "gpu_namee=x", 0, "offers have no field 'gpu_namee'; did you mean gpu_name?" },
        { "num_gpsu=1", 0, "offers have no field 'num_gpsu'; did you mean num_gpus?" },
        { "dph>1 dph_total>2", 15, "dph_total has this condition already" },
        { "idx=5", 0, "offers have no field 'idx'; did you mean id?" },
        { "id inn [5]", 3, "expected =, !=, <, <=, >, >=, in or notin" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at = 999;

        check_row("'%s'", rows[i].text);
        encode_object(&json);
        CHECK(!query_write(rows[i].text, QUERY_DEFAULTS_NONE, &json, &at, &err));
        CHECK_TEXT(err.text, rows[i].reason);
        CHECK_INT((int64_t)at, (int64_t)rows[i].at);
    }
}

static void test_conditions_have_a_limit(void **state)
{
    static const char *const operators[] = { "=", "!=", "<", "<=", ">", ">=" };
    static const char *const names[] = { "id",       "num_gpus", "gpu_ram", "cpu_ram",
                                         "cpu_ghz",  "disk_bw",  "inet_up", "inet_down",
                                         "dph_base", "min_bid",  "score" };

    (void)state;
    for (size_t count = QUERY_CONDITIONS_MAX; count <= QUERY_CONDITIONS_MAX + 1; count++) {
        auto_buf struct buf text = buf_of(LENGTH_MAX), out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at;

        for (size_t i = 0; i < count; i++)
            buf_printf(&text, "%s%s1 ", names[i / 6], operators[i % 6]);
        encode_object(&json);
        CHECK(query_write(text.bytes, QUERY_DEFAULTS_NONE, &json, &at, &err) ==
              (count == QUERY_CONDITIONS_MAX));
    }
}

static void test_orders(void **state)
{
    static const struct {
        const char *text, *json;
        size_t at;
    } rows[] = {
        { "dph", "[[\"dph_total\",\"asc\"]]", 0 },
        { "dph-,num_gpus", "[[\"dph_total\",\"desc\"],[\"num_gpus\",\"asc\"]]", 0 },
        { "score+", "[[\"score\",\"asc\"]]", 0 },
        { "", NULL, 0 },
        { "dph,", NULL, 4 },
        { "dph--", NULL, 4 },
        { "dph desc", NULL, 3 },
        { "dph,nope", NULL, 4 },
        { "id,id,id,id,id,id,id,id",
          "[[\"id\",\"asc\"],[\"id\",\"asc\"],[\"id\",\"asc\"],[\"id\",\"asc\"],"
          "[\"id\",\"asc\"],[\"id\",\"asc\"],[\"id\",\"asc\"],[\"id\",\"asc\"]]",
          0 },
        { "id,id,id,id,id,id,id,id,id", NULL, 24 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at = 99;

        check_row("'%s'", rows[i].text);
        CHECK(query_write_order(rows[i].text, &json, &at, &err) == (rows[i].json != NULL));
        if (rows[i].json != NULL)
            CHECK_TEXT(out.bytes, rows[i].json);
        else
            CHECK_INT((int64_t)at, (int64_t)rows[i].at);
    }
}

/* The market and this program speak of the same fields. */
static void test_the_market_knows_every_field_and_no_other(void **state)
{
    static const char *const market_fields[] = {
#define QUERY_FIELD(id, name, ...) name,
#include "market/query_fields.def"
#undef QUERY_FIELD
    };
    static const char *const own_fields[] = {
#define QUERY_FIELD(name, kind) name,
#define QUERY_ALIAS(name, field)
#include "cli/query_fields.def"
#undef QUERY_FIELD
#undef QUERY_ALIAS
    };
    size_t market_count = sizeof market_fields / sizeof market_fields[0];

    (void)state;
    for (size_t i = 0; i < market_count; i++) {
        check_row("%s", market_fields[i]);
        CHECK(query_field_find(market_fields[i], strlen(market_fields[i])) != NULL);
    }
    for (size_t i = 0; i < sizeof own_fields / sizeof own_fields[0]; i++) {
        bool is_known = false;

        for (size_t j = 0; j < market_count; j++)
            is_known = is_known || strcmp(own_fields[i], market_fields[j]) == 0;
        check_row("%s", own_fields[i]);
        CHECK(is_known);
    }
}

/* Whatever is typed gives JSON or an error within the text. */
static void test_any_text_is_json_or_an_error(void **state)
{
    static const char *const pieces[] = { "id", "gpu_name", "=",   ">=",   "in", "[", "]",
                                          ",",  "\"",       "'",   "1.5",  "-",  " ", "x",
                                          "_",  "any",      "not", "true", "\\", "é" };

    (void)state;
    for (int round = 0; round < 20000; round++) {
        auto_buf struct buf text = buf_of(1000), out = buf_of(LENGTH_MAX);
        struct encoder json = encoder_of(&out);
        struct error err;
        size_t at = 0;

        buf_append(&text, "", 0);
        for (uint64_t count = check_random(12); count > 0; count--)
            buf_printf(&text, "%s", pieces[check_random(sizeof pieces / sizeof pieces[0])]);
        check_row("round %d: %s", round, text.bytes);
        encode_object(&json);
        if (!query_write(text.bytes, round % 2 == 0, &json, &at, &err)) {
            CHECK(at <= text.length);
            continue;
        }
        encode_end(&json);
        auto_json json_t *root = NULL;
        CHECK_OK(json_parse(out.bytes, out.length, &root, &err), &err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_becomes_a_query),
        cmocka_unit_test(test_defaults_yield_to_what_is_said),
        cmocka_unit_test(test_errors_point_at_the_character),
        cmocka_unit_test(test_conditions_have_a_limit),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_the_market_knows_every_field_and_no_other),
        cmocka_unit_test(test_any_text_is_json_or_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
