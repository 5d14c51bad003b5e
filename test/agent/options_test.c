/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/pool.h"
#include "check.h"

enum { ARGUMENTS_MAX = 32 };

/* The words of a line, behind the program's name. */
static bool parse(const char *line, struct options *ret, struct error *err)
{
    static struct arena arena;
    static char words[512];
    const char *arguments[ARGUMENTS_MAX] = { "berth-host" };
    int count = 1;

    (void)strcpy(words, line);
    for (char *at = words; *at != '\0' && count < ARGUMENTS_MAX - 1;) {
        arguments[count++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    arena_release(&arena);
    arena = arena_of(1024);
    return options_parse(count, arguments, &arena, ret, err);
}

static void test_everything_can_be_said(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    CHECK_OK(parse("run --server http://s --data /d --token t --private-engine --simulate-gpus f "
                   "--ports 40000-40099 --public-ip 203.0.113.9 --ca=/c --pool 0 --guest-up 40 "
                   "--guest-down=100000 --open-network --private-registries a.lan:5000,b.lan",
                   &options, &err),
             &err);
    CHECK_INT(options.command, COMMAND_RUN);
    CHECK_TEXT(options.server, "http://s");
    CHECK_TEXT(options.data, "/d");
    CHECK_TEXT(options.token, "t");
    CHECK(options.is_engine_private && options.engine == NULL);
    CHECK_TEXT(options.simulate_gpus, "f");
    CHECK_INT(options.port_first, 40000);
    CHECK_INT(options.port_last, 40099);
    CHECK_TEXT(options.public_ip, "203.0.113.9");
    CHECK_TEXT(options.ca_file, "/c");
    CHECK_INT(options.pool, 0);
    CHECK_INT(options.up_mbit, 40);
    CHECK_INT(options.down_mbit, 100000);
    CHECK(options.is_open);
    CHECK_TEXT(options.private_registries, "a.lan:5000,b.lan");
    CHECK_OK(parse("run --server=http://s --engine=unix:///x", &options, &err), &err);
    CHECK_TEXT(options.engine, "unix:///x");
    CHECK_TEXT(options.data, DATA_DEFAULT);
    CHECK_INT(options.port_first, PORTS_DEFAULT_FIRST);
    CHECK_INT(options.port_last, PORTS_DEFAULT_LAST);
    CHECK_INT(options.pool, POOL_TARGET_DEFAULT);
    CHECK_OK(parse("doctor --pool=16", &options, &err), &err);
    CHECK_INT(options.pool, POOL_TARGET_MAX);
}

static void test_commands(void **state)
{
    static const struct {
        const char *line;
        enum command want;
    } rows[] = {
        { "doctor", COMMAND_DOCTOR },
        { "status --data /d", COMMAND_STATUS },
        { "version", COMMAND_VERSION },
        { "--version", COMMAND_VERSION },
        { "help", COMMAND_HELP },
        { "--help", COMMAND_HELP },
        { "-h", COMMAND_HELP },
        { "run --help", COMMAND_HELP },
        { "stop-engine --data /d", COMMAND_STOP_ENGINE },
        { "turn-key --data /d", COMMAND_TURN_KEY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options options;
        struct error err;

        check_row("%s", rows[i].line);
        CHECK_OK(parse(rows[i].line, &options, &err), &err);
        CHECK_INT(options.command, rows[i].want);
    }
}

static void test_updates_need_a_key(void **state)
{
    static const struct {
        const char *line;
        bool is_good;
    } rows[] = {
        { "run --server s --update-key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", true },
        { "run --server s --update-key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg", false },
        { "run --server s --update-key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", false },
        { "run --server s --update-key berth", false },
        { "run --server s --update-every 1", true },
        { "run --server s --update-every 604800 --update-trial 604800", true },
        { "run --server s --update-every 604801", false },
        { "run --server s --update-every 0", false },
        { "run --server s --update-trial x", false },
        { "run --server s --turn-key-every 315360000", true },
        { "run --server s --turn-key-every 315360001", false },
        { "run --server s --turn-key-every 0", false },
        { "run --server s --alone-max 604800", true },
        { "run --server s --alone-max 604801", false },
        { "run --server s --alone-max 0", false },
        { "run --server s --disk-gb 1", true },
        { "run --server s --disk-gb 1000000", true },
        { "run --server s --disk-gb 1000001", false },
        { "run --server s --disk-gb 0", false },
        { "run --server s --disk-gb -5", false },
        { "run --server s --disk-gb 50GB", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options options;
        struct error err;

        check_row("%s", rows[i].line);
        if (rows[i].is_good)
            CHECK_OK(parse(rows[i].line, &options, &err), &err);
        else
            CHECK_FAILS(parse(rows[i].line, &options, &err), &err, ERROR_INVALID);
    }
}

static void test_ports_have_edges(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "1-65535", true }, { "5-5", true },    { "0-5", false },  { "1-65536", false },
        { "6-5", false },    { "5", false },     { "-5", false },   { "5-", false },
        { "a-b", false },    { "1-2-3", false }, { "+1-2", false }, { "000000001-2", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[64] = "doctor --ports ";
        struct options options;
        struct error err;

        check_row("%s", rows[i].text);
        (void)strcat(line, rows[i].text);
        if (rows[i].is_good)
            CHECK_OK(parse(line, &options, &err), &err);
        else
            CHECK_FAILS(parse(line, &options, &err), &err, ERROR_INVALID);
    }
}

static void test_what_is_wrong_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "fly",
        "run",
        "run --server",
        "run --server http://s --wings",
        "run --server http://s --token=",
        "run --server http://s word",
        "run --server http://s --engine tcp://x",
        "run --server http://s --engine unix:///x --private-engine",
        "run --serverx http://s",
        "run --server http://s --pool 17",
        "run --server http://s --pool -1",
        "run --server http://s --pool",
        "run --server http://s --pool=many",
        "run --server http://s --guest-up 0",
        "run --server http://s --guest-down 100001",
        "run --server http://s --guest-up",
        "run --server http://s --open-network=yes",
        "run --server http://s --=x",
        "run --server http://s -server",
        "install --ports 1-2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct options options = { .port_first = -9 };
        struct error err;

        check_row("'%s'", lines[i]);
        CHECK_FAILS(parse(lines[i], &options, &err), &err, ERROR_INVALID);
        CHECK_INT(options.port_first, -9);
    }
}

static void test_help_names_every_option(void **state)
{
    static const char *const names[] = {
        "--server",    "--data",      "--token", "--engine", "--private-engine", "--simulate-gpus",
        "--ports",     "--public-ip", "--ca",    "--pool",   "doctor",           "status",
        "stop-engine", "version",     "install", "config",   "turn-key"
    };
    auto_buf struct buf help = buf_of(8192);

    (void)state;
    options_write_help(&help);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_row("%s", names[i]);
        CHECK(strstr(help.bytes, names[i]) != NULL);
    }
}

/* What install writes is what run reads. */
static void test_given_options_come_back_from_a_file(void **state)
{
    auto_arena struct arena arena = arena_of(4096);
    auto_buf struct buf text = buf_of(4096);
    auto_buf struct buf again = buf_of(4096);
    struct options options, read = { .data = DATA_DEFAULT };
    struct error err;

    (void)state;
    CHECK_OK(parse("install --server http://s --token t --ports 40000-40099 --pool 0 --guest-up 40 "
                   "--behind-nat --private-engine --api-key secret",
                   &options, &err),
             &err);
    options_write_given(&options, &text);
    CHECK(strstr(text.bytes, "secret") == NULL);
    options_write_sample(&text); /* comments */
    CHECK_OK(options_take_file(&read, text.bytes, &arena, &err), &err);
    CHECK_TEXT(read.server, "http://s");
    CHECK_TEXT(read.data, DATA_DEFAULT);
    CHECK_INT(read.port_last, 40099);
    CHECK_INT(read.pool, 0);
    CHECK_INT(read.up_mbit, 40);
    CHECK(read.is_behind_nat && read.is_engine_private && !read.is_open);
    options_write_given(&read, &again);
    CHECK(strncmp(again.bytes, text.bytes, again.length) == 0);
}

static void test_a_wrong_file_is_refused_by_line(void **state)
{
    static const struct {
        const char *text, *wrong;
    } rows[] = {
        { "server http://s\nserfer 1", "line 2: unknown setting 'serfer'" },
        { "\nserver", "line 2: --server needs a value" },
        { "open-network yes # or so", "line 1: open-network takes no value" },
        { "api-key k", "line 1: unknown setting 'api-key'" },
        { "config /x", "line 1: unknown setting 'config'" },
        { "pool 17", "line 1: --pool takes 0 to 16, not '17'" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_arena struct arena arena = arena_of(4096);
        struct options options = { .pool = -9 };
        struct error err;

        check_row("%s", rows[i].text);
        CHECK_FAILS(options_take_file(&options, rows[i].text, &arena, &err), &err, ERROR_INVALID);
        CHECK_TEXT(err.text, rows[i].wrong);
        CHECK(options.server == NULL && options.pool == -9);
    }
    auto_arena struct arena small = arena_of(8);
    struct options options = { .pool = -9 };
    struct error err;
    CHECK_FAILS(options_take_file(&options, "server http://s", &small, &err), &err,
                ERROR_OUT_OF_RANGE);
}

/* Read before the other words, wherever it stands. */
static void test_the_command_line_wins_over_the_file(void **state)
{
    char path[] = "/tmp/berth-options-XXXXXX", line[128];
    static const char text[] = "server http://file/#1 # here\n\n  pool 3\n";
    struct options options;
    struct error err;

    (void)state;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    (void)snprintf(line, sizeof line, "run --pool 5 --config %s", path);
    CHECK_OK(parse(line, &options, &err), &err);
    CHECK_TEXT(options.server, "http://file/#1");
    CHECK_INT(options.pool, 5);
    (void)unlink(path);
    CHECK_FAILS(parse(line, &options, &err), &err, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_can_be_said),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_updates_need_a_key),
        cmocka_unit_test(test_ports_have_edges),
        cmocka_unit_test(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_help_names_every_option),
        cmocka_unit_test(test_given_options_come_back_from_a_file),
        cmocka_unit_test(test_a_wrong_file_is_refused_by_line),
        cmocka_unit_test(test_the_command_line_wins_over_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
