/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <string.h>

#include "check.h"

enum { OUT_MAX = 1 << 20 };

static const struct table_column columns[] = {
    { "ID", true, 0, 0 },
    { "Name", false, 1, 6 },
    { "$/h", true, 0, 0 },
    { "Where", false, 2, 0 },
};

static void fill(struct table *table)
{
    table_cell(table, "%d", 7);
    table_cell(table, "%s", "Reykjav\xc3\xadk");
    table_cell(table, "%.2f", 0.5);
    table_cell(table, "%s", "IS");
    table_cell(table, "%d", 4101);
    table_cell(table, "%s", "");
    table_cell(table, "%.2f", 17.25);
    table_cell(table, "%s", "");
}

static void test_columns_line_up(void **state)
{
    static const struct {
        struct print_style style;
        const char *text;
    } rows[] = {
        { { 0, true },
          "  ID  Name         $/h  Where\n"
          "   7  Reykjav\xc3\xadk   0.50  IS\n"
          "4101             17.25\n" },
        { { 29, true },
          "  ID  Name         $/h  Where\n"
          "   7  Reykjav\xc3\xadk   0.50  IS\n"
          "4101             17.25\n" },
        { { 28, true },
          "  ID  Name         $/h\n"
          "   7  Reykjav\xc3\xadk   0.50\n"
          "4101             17.25\n"
          "(left out here: Where)\n" },
        { { 5, true },
          "  ID    $/h\n"
          "   7   0.50\n"
          "4101  17.25\n"
          "(left out here: Name, Where)\n" },
        { { 0, false },
          "\x1b[1m  ID  Name      $/h  Where\x1b[0m\n"
          "   7  Reykj\u2026   0.50  IS\n"
          "4101          17.25\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_table struct table table = table_of(columns, 4);
        auto_buf struct buf out = buf_of(OUT_MAX);

        check_row("row %zu", i);
        fill(&table);
        table_write(&table, rows[i].style, &out);
        CHECK_TEXT(out.bytes, rows[i].text);
    }
}

/* Of equals, the last goes first. */
static void test_the_last_of_the_least_wanted_goes_first(void **state)
{
    static const struct table_column alike[] = { { "AAA", false, 1, 0 },
                                                 { "BBB", false, 2, 0 },
                                                 { "CCC", false, 2, 0 } };
    auto_table struct table table = table_of(alike, 3);
    auto_buf struct buf out = buf_of(OUT_MAX);

    (void)state;
    for (int i = 0; i < 3; i++)
        table_cell(&table, "%d", i);
    table_write(&table, (struct print_style){ 12, true }, &out);
    CHECK_TEXT(out.bytes, "AAA  BBB\n0    1\n(left out here: CCC)\n");
}

static void test_what_is_no_control_is_kept(void **state)
{
    auto_buf struct buf out = buf_of(OUT_MAX);

    (void)state;
    print_clean(&out, "a \xc2\xb0\xc2\xa0\xc3\xa9\xe2\x82\xac~|\xc2\x80\xc2\x9f|\xdf\x80");
    CHECK_TEXT(out.bytes, "a \xc2\xb0\xc2\xa0\xc3\xa9\xe2\x82\xac~|  |\xdf\x80");
}

/* The names of others are not obeyed by a terminal, in a cell, a line or JSON. */
static void test_controls_reach_no_terminal(void **state)
{
    static const char hostile[] = "a\x1b[2J\n\x7f\xc2\x9b"
                                  "b\r";
    auto_table struct table table = table_of(columns, 1);
    auto_buf struct buf out = buf_of(OUT_MAX);
    json_t *text = json_string(hostile);

    (void)state;
    table_cell(&table, "%s", hostile);
    table_write(&table, (struct print_style){ 0, true }, &out);
    print_line(&out, "Label", "%s", hostile);
    print_json(&out, text);
    json_decref(text);
    for (size_t i = 0; i < out.length; i++)
        CHECK((unsigned char)out.bytes[i] >= ' ' || out.bytes[i] == '\n');
    CHECK(strchr(out.bytes, 0x7f) == NULL && strstr(out.bytes, "\xc2\x9b") == NULL);
    CHECK_INT((int64_t)strspn(out.bytes, " ID"), (int64_t)strcspn(out.bytes, "\n"));
}

static void test_members_of_objects(void **state)
{
    auto_table struct table table = table_of(columns, 4);
    auto_buf struct buf out = buf_of(OUT_MAX);
    json_t *row = json_pack("{s:i,s:s,s:f,s:n}", "i", 3, "t", "text", "f", 0.12345, "n");

    (void)state;
    table_number(&table, row, "i", 1000, 0);
    table_text(&table, row, "t");
    table_number(&table, row, "f", 1, 2);
    table_text(&table, row, "n");
    table_number(&table, row, "absent", 1, 0);
    table_text(&table, row, "absent");
    table_number(&table, row, "t", 1, 0);
    table_text(&table, row, "i");
    table_write(&table, (struct print_style){ 0, true }, &out);
    CHECK_TEXT(out.bytes, "  ID  Name   $/h  Where\n"
                          "3000  text  0.12  -\n"
                          "   -  -        -  -\n");
    CHECK_INT(print_int_of(row, "i"), 3);
    CHECK_TEXT(print_text_of(row, "i"), "");
    CHECK_TEXT(print_text_or_dash(row, "t"), "text");
    json_decref(row);
}

static void test_json_is_for_eyes_and_programs(void **state)
{
    auto_buf struct buf out = buf_of(OUT_MAX);
    json_t *value = json_pack("{s:[i,s,{},[i]],s:[],s:{s:f},s:b,s:n}", "list", 1, "two", 3, "empty",
                              "in", "price", 0.35, "yes", 1, "none");

    (void)state;
    print_json(&out, value);
    CHECK_TEXT(out.bytes, "{\n"
                          "  \"list\": [\n"
                          "    1,\n"
                          "    \"two\",\n"
                          "    {},\n"
                          "    [\n"
                          "      3\n"
                          "    ]\n"
                          "  ],\n"
                          "  \"empty\": [],\n"
                          "  \"in\": {\n"
                          "    \"price\": 0.35\n"
                          "  },\n"
                          "  \"yes\": true,\n"
                          "  \"none\": null\n"
                          "}\n");
    json_decref(value);
}

static void test_ages(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        { -1, "-" },          { 0, "0 s" },          { 59, "59 s" },           { 60, "1 min" },
        { 3599, "59 min" },   { 3600, "1 h 0 min" }, { 86399, "23 h 59 min" }, { 86400, "1 d 0 h" },
        { 93600, "1 d 2 h" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[AGE_TEXT_SIZE];

        CHECK_TEXT(print_age(rows[i].seconds, text), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_line_up),
        cmocka_unit_test(test_the_last_of_the_least_wanted_goes_first),
        cmocka_unit_test(test_what_is_no_control_is_kept),
        cmocka_unit_test(test_controls_reach_no_terminal),
        cmocka_unit_test(test_members_of_objects),
        cmocka_unit_test(test_json_is_for_eyes_and_programs),
        cmocka_unit_test(test_ages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
