/* SPDX-License-Identifier: Apache-2.0 */
#include "market/launch.h"

#include <string.h>

#include "check.h"

enum { ARENA_SIZE = 1 << 20 };

/* `text` is JSON, with ' for ". */
static json_t *json_of(const char *text)
{
    char copy[8192];
    json_t *root = NULL;
    struct error err;
    size_t length = strlen(text);

    CHECK(length < sizeof copy);
    for (size_t i = 0; i <= length; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    CHECK_OK(json_parse(copy, length, &root, &err), &err);
    return root;
}

static void test_both_forms_say_the_same(void **state)
{
    static const struct {
        const char *json, *stored;
    } rows[] = {
        { "null", "[]" },
        { "{}", "[]" },
        { "''", "[]" },
        { "'   '", "[]" },
        { "{'TZ':'UTC','A':'b=c','-p 8081:8081':'1','-p 70000:70000/udp':'1','-h':'box'}",
          "[['TZ','UTC'],['A','b=c'],['-h','box'],['-p 8081:8081','1'],['-p "
          "70000:70000/udp','1']]" },
        { "'-e TZ=UTC -e A=b=c -p 8081:8081 -p 70000:70000/udp -h box'",
          "[['TZ','UTC'],['A','b=c'],['-h','box'],['-p 8081:8081','1'],['-p "
          "70000:70000/udp','1']]" },
        { "{'PORT':8080,'ON':true,'OFF':false,'NOT':null}",
          "[['PORT','8080'],['ON','true'],['OFF','false']]" },
        { "{'-p 1:65535/tcp':'1','-p 79999':'1'}",
          "[['-p 65535:65535','1'],['-p 79999:79999','1']]" },
        { "'--env A=1 --publish 80:81 --hostname h.x'",
          "[['A','1'],['-h','h.x'],['-p 81:81','1']]" },
        { "'-e A=1 -e B -e A=2 -p 8:8 -p 9:8 -p 8:8/udp'",
          "[['A','2'],['B',''],['-p 8:8','1'],['-p 8:8/udp','1']]" },
        { "'-e A=\\\"x  y\\\" -e B=a\\\\ b'", "[['A','x  y'],['B','a b']]" },
        { "{'-v V.8101:/data':'1','-v 8102:/b':'1','-v 8101:/data':'1'}",
          "[['-v V.8101:/data','1'],['-v V.8102:/b','1']]" },
        { "'-e A=1 -v V.8101:/data --volume V.8101:/data'", "[['A','1'],['-v V.8101:/data','1']]" },
        { "[['A','1'],['-p 5:5','1'],['-h','b']]", "[['A','1'],['-h','b'],['-p 5:5','1']]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].json), *want = json_of(rows[i].stored);
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        auto_buf struct buf stored = buf_of(ARENA_SIZE), again = buf_of(ARENA_SIZE);
        struct launch_env env;
        struct error err;

        check_row("%s", rows[i].json);
        CHECK_OK(launch_env_parse(root, &arena, &env, &err), &err);
        launch_env_encode(&stored, &env);
        auto_json json_t *got = json_of(stored.bytes);
        CHECK(json_equal(got, want));

        /* What was stored reads back as what it was. */
        CHECK_OK(launch_env_parse(got, &arena, &env, &err), &err);
        launch_env_encode(&again, &env);
        CHECK_TEXT(again.bytes, stored.bytes);
    }
}

static void test_what_no_engine_should_see_is_refused(void **state)
{
    static const char *const rows[] = {
        "1",
        "true",
        "{'A':1.5}",
        "{'A':[]}",
        "{'A':{}}",
        "{'':'x'}",
        "{'A=B':'x'}",
        "{'A B':'x'}",
        "{'A\\n':'x'}",
        "{'A\\u00e4':'x'}",
        "{'--privileged':'1'}",
        "{'--privileged true':'1'}",
        "{'-v V.8101':'1'}",
        "{'-v V.8101:data':'1'}",
        "{'-v V.8101:/proc':'1'}",
        "{'-v V.8101:/data:ro':'1'}",
        "{'-v V.1:/a':'1','-v V.1:/b':'1'}",
        "{'-v V.1:/a':'1','-v V.2:/a':'1'}",
        "{'-v /:/host':'1'}",
        "{'-n net':'1'}",
        "{'-p':'x'}",
        "{'-p 0:0':'1'}",
        "{'-p 80:65536':'1'}",
        "{'-p 80:69999':'1'}",
        "{'-p 80:80000':'1'}",
        "{'-p 80:80/sctp':'1'}",
        "{'-p 80:80/':'1'}",
        "{'-p :80':'1'}",
        "{'-p 80:':'1'}",
        "{'-p a:80':'1'}",
        "{'-p 80:80-90':'1'}",
        "{'-p 1.2.3.4:80:80':'1'}",
        "{'-p 80:80 ':'1'}",
        "{'-p 123456:80':'1'}",
        "{'-h':''}",
        "{'-h':'a b'}",
        "{'-h':'-x'}",
        "{'-h':'.x'}",
        "{'-h':'a;b'}",
        "'A=1'",
        "'-e'",
        "'-e A=1 -p'",
        "'--cap-add ALL'",
        "'-e \\\"A=1'",
        "'-e A=1\\\\'",
        "'-e =1'",
        "'-x y'",
        "[['A']]",
        "[['A','1','2']]",
        "['A']",
        "[[1,'A']]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i]);
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        struct launch_env env = { .port_count = 42 };
        struct error err;

        check_row("%s", rows[i]);
        CHECK_FAILS(launch_env_parse(root, &arena, &env, &err), &err, ERROR_INVALID);
        CHECK(env.port_count == 42);
    }
}

static enum error_code parse_env(const struct buf *text)
{
    auto_arena struct arena arena = arena_of(8 * ARENA_SIZE);
    auto_json json_t *root = json_stringn(text->bytes, text->length);
    struct launch_env env;
    struct error err = { 0 };

    return launch_env_parse(root, &arena, &env, &err) ? ERROR_NONE : err.code;
}

static void test_counts_and_sizes_have_limits(void **state)
{
    auto_buf struct buf variables = buf_of(ARENA_SIZE), ports = buf_of(ARENA_SIZE);
    auto_buf struct buf value = buf_of(ARENA_SIZE);

    (void)state;
    for (int i = 0; i < LAUNCH_VARIABLES_MAX; i++)
        buf_printf(&variables, " -e V%d=%d", i, i);
    CHECK_INT(parse_env(&variables), ERROR_NONE);
    buf_printf(&variables, " -e V0=again");
    CHECK_INT(parse_env(&variables), ERROR_NONE);
    buf_printf(&variables, " -e one=more");
    CHECK_INT(parse_env(&variables), ERROR_OUT_OF_RANGE);

    for (int i = 1; i <= LAUNCH_PORTS_MAX; i++)
        buf_printf(&ports, " -p %d", i);
    CHECK_INT(parse_env(&ports), ERROR_NONE);
    buf_printf(&ports, " -p 1/udp");
    CHECK_INT(parse_env(&ports), ERROR_OUT_OF_RANGE);

    buf_printf(&value, "-e A=%0*d", LAUNCH_TEXT_MAX - 5, 0);
    CHECK_INT((int64_t)value.length, LAUNCH_TEXT_MAX);
    CHECK_INT(parse_env(&value), ERROR_NONE);
    buf_append(&value, "0", 1);
    CHECK_INT(parse_env(&value), ERROR_OUT_OF_RANGE);
}

static void test_names_and_values_have_limits(void **state)
{
    static const struct {
        int name, value;
        enum error_code code;
    } rows[] = {
        { LAUNCH_NAME_MAX, LAUNCH_TEXT_MAX, ERROR_NONE },
        { LAUNCH_NAME_MAX + 1, 1, ERROR_INVALID },
        { 1, LAUNCH_TEXT_MAX + 1, ERROR_OUT_OF_RANGE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf name = buf_of(ARENA_SIZE), value = buf_of(ARENA_SIZE);
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        auto_json json_t *root = json_object();
        struct launch_env env;
        struct error err = { 0 };

        check_row("row %zu", i);
        buf_printf(&name, "%0*d", rows[i].name, 0);
        buf_printf(&value, "%0*d", rows[i].value, 0);
        CHECK(json_object_set_new(root, name.bytes, json_string(value.bytes)) == 0);
        CHECK_INT(launch_env_parse(root, &arena, &env, &err), rows[i].code == ERROR_NONE);
        CHECK_INT(err.code, rows[i].code);
    }
}

/* An arena that is too small is an error, wherever in the text it runs out. */
static void test_a_small_arena_is_an_error(void **state)
{
    static const char *const forms[] = {
        "'-e TZ=UTC -e A=b=c -p 8081:8081 -h box'",
        "{'TZ':'UTC','A':1,'-p 8081:8081':'1','-h':'box'}",
        "[['TZ','UTC'],['-p 8081:8081','1']]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        auto_json json_t *root = json_of(forms[i]);

        for (size_t size = 0; size < 8000; size += 7) {
            auto_arena struct arena arena = arena_of(size);
            struct launch_env env;
            struct error err = { 0 };

            check_row("form %zu, %zu bytes", i, size);
            if (!launch_env_parse(root, &arena, &env, &err))
                CHECK(err.code == ERROR_OUT_OF_RANGE || err.code == ERROR_INVALID);
        }
    }
}

static void test_arguments_in_both_forms(void **state)
{
    static const struct {
        const char *json;
        size_t count;
        const char *values[4];
    } rows[] = {
        { "null", 0, { 0 } },
        { "[]", 0, { 0 } },
        { "''", 0, { 0 } },
        { "['-c','echo  hi']", 2, { "-c", "echo  hi" } },
        { "[8080,true]", 2, { "8080", "true" } },
        { "'-c \\\"echo  hi\\\" x\\\\ y'", 3, { "-c", "echo  hi", "x y" } },
        { "'a\\\"b\\\"c $HOME *'", 3, { "abc", "$HOME", "*" } },
        { "'\\\"\\\" x'", 2, { "", "x" } },
        { "'\\\"a\\\\n\\\\$\\\"'", 1, { "a\\n$" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i].json);
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        struct launch_args args;
        struct error err;

        check_row("%s", rows[i].json);
        CHECK_OK(launch_args_parse(root, &arena, &args, &err), &err);
        CHECK(args.count == rows[i].count);
        for (size_t j = 0; j < args.count; j++)
            CHECK_TEXT(args.values[j], rows[i].values[j]);
    }
}

static void test_bad_arguments_are_refused(void **state)
{
    static const char *const rows[] = { "1", "{}", "[[]]", "[null]", "[1.5]", "'\\\"a'" };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = json_of(rows[i]);
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        struct launch_args args;
        struct error err;

        check_row("%s", rows[i]);
        CHECK_FAILS(launch_args_parse(root, &arena, &args, &err), &err, ERROR_INVALID);
    }
    for (int over = 0; over <= 1; over++) {
        auto_json json_t *root = json_array();
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        struct launch_args args;
        struct error err;

        for (int i = 0; i < LAUNCH_ARGS_MAX + over; i++)
            CHECK(json_array_append_new(root, json_string("x")) == 0);
        CHECK_INT(launch_args_parse(root, &arena, &args, &err), over == 0);
    }
}

static void test_sizes_of_shared_memory(void **state)
{
    static const struct {
        const char *json;
        int64_t mb; /* 0: refused */
    } rows[] = {
        { "{\"--shm-size\": \"8g\"}", 8192 },
        { "{\"--shm-size 512m\": \"1\"}", 512 },
        { "{\"--shm-size=64MB\": \"1\"}", 64 },
        { "\"--shm-size 1gb -e A=b\"", 1024 },
        { "\"--shm-size=1048577\"", 2 },
        { "\"--shm-size 1t\"", LAUNCH_SHM_MB_MAX },
        { "\"--shm-size 1025g\"", 0 },
        { "\"--shm-size 0\"", 0 },
        { "\"--shm-size 8x\"", 0 },
        { "\"--shm-size g\"", 0 },
        { "\"--shm-size -1g\"", 0 },
        { "\"--shm-size 99999999999999999999g\"", 0 },
        { "{\"--shm-size\": \"1\", \"--shm-sizes\": \"1g\"}", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(1 << 20);
        auto_buf struct buf text = buf_of(1 << 16);
        auto_json json_t *root = NULL, *again = NULL;
        struct launch_env env, same;
        struct error err;

        check_row("row %zu", i);
        root = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        CHECK_INT(launch_env_parse(root, &arena, &env, &err), rows[i].mb > 0);
        if (rows[i].mb == 0)
            continue;
        CHECK_INT(env.shm_mb, rows[i].mb);
        launch_env_encode(&text, &env);
        CHECK_OK(json_parse(text.bytes, text.length, &again, &err), &err);
        CHECK_OK(launch_env_parse(again, &arena, &same, &err), &err);
        CHECK_INT(same.shm_mb, rows[i].mb);
    }
}

static void test_launch_modes(void **state)
{
    static const struct {
        const char *runtype;
        bool has_args;
        bool is_good;
        struct launch_mode mode; /* ssh, jupyter, args */
    } rows[] = {
        { NULL, false, true, { true, false, false } },
        { "", true, true, { false, false, true } },
        { "ssh", false, true, { true, false, false } },
        { "ssh", true, true, { true, false, false } },
        { "ssh_proxy", false, true, { true, false, false } },
        { "ssh_direc ssh_proxy", false, true, { true, false, false } },
        { " ssh_direct  ssh_proxy ", false, true, { true, false, false } },
        { "jupyter_direc ssh_direc ssh_proxy", false, true, { true, true, false } },
        { "jupyter_proxy ssh_proxy", false, true, { true, true, false } },
        { "jupyter", false, true, { true, true, false } },
        { "args", false, true, { false, false, true } },
        { "args ssh", false, false, { 0 } },
        { "rdp", false, false, { 0 } },
        { "SSH", false, false, { 0 } },
        { "ssh,jupyter", false, false, { 0 } },
        { "ss", false, false, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct launch_mode mode = { 0 };
        struct error err;

        check_row("row %zu", i);
        CHECK_INT(launch_mode_parse(rows[i].runtype, rows[i].has_args, &mode, &err),
                  rows[i].is_good);
        CHECK_INT(mode.has_ssh, rows[i].mode.has_ssh);
        CHECK_INT(mode.has_jupyter, rows[i].mode.has_jupyter);
        CHECK_INT(mode.is_args, rows[i].mode.is_args);
    }
    struct launch_mode mode;
    struct error err;
    CHECK_FAILS(launch_mode_parse("rdp", false, &mode, &err), &err, ERROR_INVALID);
    CHECK_TEXT(err.text, "runtype: there is no launch mode 'rdp'");
}

static void test_image_logins(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        const char *user, *password, *registry;
    } rows[] = {
        { "-u u -p p docker.io", true, "u", "p", "docker.io" },
        { "docker.io -p 'a b' -u u", true, "u", "a b", "docker.io" },
        { "--username u --password p", true, "u", "p", "" },
        { "-u u -p -secret", true, "u", "-secret", "" },
        { "-u u", false, "", "", "" },
        { "-p p", false, "", "", "" },
        { "-u '' -p p", false, "", "", "" },
        { "-u u -p", false, "", "", "" },
        { "-u u -p p a b", false, "", "", "" },
        { "-u u -p p --insecure", false, "", "", "" },
        { "-u u -p 'p\x01'", false, "", "", "" },
        { "-u 'u -p p", false, "", "", "" },
        { "", false, "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(ARENA_SIZE);
        struct launch_login login;
        struct error err;

        check_row("row %zu", i);
        CHECK_INT(launch_login_parse(rows[i].text, &arena, &login, &err), rows[i].is_good);
        if (!rows[i].is_good) {
            CHECK_INT(err.code, ERROR_INVALID);
            continue;
        }
        CHECK_TEXT(login.user, rows[i].user);
        CHECK_TEXT(login.password, rows[i].password);
        CHECK_TEXT(login.registry, rows[i].registry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_forms_say_the_same),
        cmocka_unit_test(test_what_no_engine_should_see_is_refused),
        cmocka_unit_test(test_counts_and_sizes_have_limits),
        cmocka_unit_test(test_names_and_values_have_limits),
        cmocka_unit_test(test_a_small_arena_is_an_error),
        cmocka_unit_test(test_arguments_in_both_forms),
        cmocka_unit_test(test_bad_arguments_are_refused),
        cmocka_unit_test(test_sizes_of_shared_memory),
        cmocka_unit_test(test_launch_modes),
        cmocka_unit_test(test_image_logins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
